package dev.weir.kubernetes;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.engine.Release;
import dev.weir.engine.TrafficPlan;
import dev.weir.model.Fingerprint;
import java.util.List;
import java.util.Map;

/** The objects that a release consists of, as they are applied. Pure. */
public final class ReleaseObjects {
    /** Marks an object as the release's: its value is the release's name. */
    public static final String RELEASE = "weir.dev/release";
    /** The version that an object belongs to. */
    public static final String VERSION = "weir.dev/version";
    /** Of the template that a Deployment shall run. */
    public static final String HASH = "weir.dev/hash";
    /** The percentage or relative weight in force, which users may change. */
    public static final String WEIGHT = "iter8.tools/weight";
    /** The spec's value when {@link #WEIGHT} was written. */
    public static final String SPEC_WEIGHT = "weir.dev/spec-weight";

    private static final String WATCH = "iter8.tools/watch";

    private final Release release;
    private final String uid;

    /** @param uid of the Release, which owns everything */
    public ReleaseObjects(Release release, String uid) {
        this.release = release;
        this.uid = uid;
    }

    /**
     * Whether a release made an object or took it over. A label alone says nothing: anyone may copy one.
     *
     * @param uid of the Release
     */
    public static boolean owns(String uid, JsonNode object) {
        for (JsonNode owner : object.path("metadata").path("ownerReferences")) {
            if (owner.path("uid").asText().equals(uid)) {
                return true;
            }
        }
        return false;
    }

    /**
     * Of the objects that carry a release's label, those that are part of it: what it owns, and the EndpointSlices of its
     * Services, to which Kubernetes copies the label.
     */
    public static List<JsonNode> partsOf(JsonNode release, List<JsonNode> labelled) {
        String uid = release.path("metadata").path("uid").asText();
        return labelled.stream()
                .filter(object ->
                        object.path("kind").asText().equals(ObjectKind.ENDPOINT_SLICE.kind()) || owns(uid, object))
                .toList();
    }

    private ObjectNode object(ObjectKind kind, String name) {
        ObjectNode object = JsonNodeFactory.instance.objectNode();
        object.put("apiVersion", kind.apiVersion()).put("kind", kind.kind());
        object.putObject("metadata").put("name", name).put("namespace", release.namespace());
        return owned(object);
    }

    private ObjectNode owned(ObjectNode object) {
        ObjectNode metadata = object.withObject("/metadata");
        metadata.withObject("/labels").put(RELEASE, release.name());
        metadata.putArray("ownerReferences")
                .addObject()
                .put("apiVersion", "weir.dev/v1alpha1")
                .put("kind", "Release")
                .put("name", release.name())
                .put("uid", uid)
                .put("controller", true)
                .put("blockOwnerDeletion", true);
        return object;
    }

    private ObjectNode ofVersion(ObjectKind kind, Release.Version version) {
        ObjectNode object = object(kind, version.name());
        ObjectNode labels = object.withObject("/metadata").withObject("/labels");
        version.labels().forEach(labels::put);
        labels.put(WATCH, "true").put(RELEASE, release.name()).put(VERSION, version.name());
        Map<String, String> annotations = version.annotations();
        if (!annotations.isEmpty()) {
            ObjectNode into = object.withObject("/metadata").putObject("annotations");
            annotations.forEach(into::put);
        }
        return object;
    }

    public ObjectNode deployment(Release.Version version) {
        ObjectNode deployment = ofVersion(ObjectKind.DEPLOYMENT, version);
        overlay(deployment, version.workload());
        deployment.withObject("/metadata").withObject("/annotations").put(HASH, version.hash());
        return deployment;
    }

    /** Lays the metadata of a template over the computed one and takes its spec as it is. */
    private static void overlay(ObjectNode object, JsonNode template) {
        ObjectNode metadata = object.withObject("/metadata");
        for (String field : new String[] {"labels", "annotations"}) {
            template.path("metadata").path(field).properties().forEach(entry -> {
                if (!entry.getKey().startsWith("weir.dev/")) {
                    metadata.withObject("/" + field).set(entry.getKey(), entry.getValue());
                }
            });
        }
        if (template.has("spec")) {
            object.set("spec", template.get("spec"));
        }
    }

    /** The Service of a version that has a Deployment of its own. */
    public ObjectNode service(Release.Version version) {
        return service(version, JsonNodeFactory.instance.objectNode().put("app", version.name()));
    }

    /** @param selector labels of the version's pods */
    public ObjectNode service(Release.Version version, JsonNode selector) {
        ObjectNode service = ofVersion(ObjectKind.SERVICE, version);
        ObjectNode spec = service.putObject("spec");
        spec.set("selector", selector);
        spec.putArray("ports").addObject().put("port", version.port());
        JsonNode template = version.serviceTemplate();
        if (template != null) {
            overlay(service, template);
        }
        return service;
    }

    /** The Service of the application's own name. */
    public ObjectNode entrance(TrafficRouter router) {
        ObjectNode service = object(ObjectKind.SERVICE, release.service());
        service.set("spec", router.entrance(release.service(), release.port()));
        return service;
    }

    public static String weightConfigName(String version) {
        return version + "-weight-config";
    }

    public ObjectNode weightConfig(String version, int weight, int specWeight) {
        ObjectNode config = object(ObjectKind.CONFIG_MAP, weightConfigName(version));
        ObjectNode metadata = config.withObject("/metadata");
        metadata.withObject("/labels").put(WATCH, "true").put(VERSION, version);
        metadata.putObject("annotations")
                .put(WEIGHT, Integer.toString(weight))
                .put(SPEC_WEIGHT, Integer.toString(specWeight));
        return config;
    }

    public ObjectNode route(TrafficRouter router, TrafficPlan plan) {
        return owned(router.render(plan));
    }

    /** A spec that was accepted; named by what is in it, so an unchanged spec makes no new one. */
    public ObjectNode revision(JsonNode spec, long number) {
        ObjectNode revision = object(ObjectKind.CONTROLLER_REVISION, release.name() + "-" + Fingerprint.of(spec));
        revision.putObject("data").set("spec", spec);
        revision.put("revision", number);
        return revision;
    }
}
