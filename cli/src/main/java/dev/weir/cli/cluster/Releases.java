package dev.weir.cli.cluster;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.GenericKubernetesResourceList;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.MixedOperation;
import io.fabric8.kubernetes.client.dsl.Resource;
import io.fabric8.kubernetes.client.dsl.base.ResourceDefinitionContext;
import java.net.HttpURLConnection;
import java.util.Comparator;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/** The Release resources of a cluster, as JSON. */
final class Releases {
    static final String API_VERSION = "weir.dev/v1alpha1";
    static final String KIND = "Release";

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final ResourceDefinitionContext CONTEXT = new ResourceDefinitionContext.Builder()
            .withGroup("weir.dev")
            .withVersion("v1alpha1")
            .withKind(KIND)
            .withPlural("releases")
            .withNamespaced(true)
            .build();

    private Releases() {}

    static MixedOperation<GenericKubernetesResource, GenericKubernetesResourceList, Resource<GenericKubernetesResource>>
            in(Target.Cluster cluster) {
        return cluster.client().genericKubernetesResources(CONTEXT);
    }

    /** Those of the namespace or of all, by namespace and name. */
    static List<JsonNode> list(Target.Cluster cluster, boolean allNamespaces) {
        List<GenericKubernetesResource> items = known(
                        cluster,
                        () -> allNamespaces
                                ? in(cluster).inAnyNamespace().list()
                                : in(cluster).inNamespace(cluster.namespace()).list())
                .getItems();
        return items.stream()
                .map(Releases::json)
                .sorted(Comparator.comparing(Releases::namespace).thenComparing(Releases::name))
                .toList();
    }

    /** @throws Problem if there is none of the name */
    static JsonNode require(Target.Cluster cluster, String name) {
        GenericKubernetesResource found = known(
                cluster,
                () -> in(cluster)
                        .inNamespace(cluster.namespace())
                        .withName(name)
                        .get());
        if (found == null) {
            String others = list(cluster, false).stream().map(Releases::name).collect(Collectors.joining(", "));
            throw new Problem(
                    Problem.FAILED,
                    "there is no release \"" + name + "\" in namespace " + cluster.namespace() + " (" + cluster.name()
                            + ")" + (others.isEmpty() ? "" : "; there are: " + others));
        }
        return json(found);
    }

    /** Tells a cluster without Weir from a cluster without releases. */
    private static <T> T known(Target.Cluster cluster, Supplier<T> question) {
        try {
            T answer = question.get();
            if (answer == null) {
                // a lone object may be missing because its kind is
                in(cluster).inNamespace(cluster.namespace()).list();
            }
            return answer;
        } catch (KubernetesClientException failure) {
            if (failure.getCode() == HttpURLConnection.HTTP_NOT_FOUND) {
                throw new Problem(
                        Problem.CLUSTER,
                        "the cluster has no resource Release (" + cluster.name()
                                + "): is Weir's controller chart installed?");
            }
            throw failure;
        }
    }

    private static JsonNode json(GenericKubernetesResource object) {
        // items of a list may leave out what they are
        object.setApiVersion(API_VERSION);
        object.setKind(KIND);
        ObjectNode json = JSON.valueToTree(object);
        json.withObject("/metadata").remove("managedFields");
        return json;
    }

    static String name(JsonNode object) {
        return object.path("metadata").path("name").asText();
    }

    static String namespace(JsonNode object) {
        return object.path("metadata").path("namespace").asText();
    }

    /** The name of the application's service, which its routing object has too. */
    static String service(JsonNode release) {
        return release.path("spec").path("service").path("name").asText(name(release));
    }

    /** Where clients call it. */
    static int port(JsonNode release) {
        return release.path("spec").path("service").path("port").asInt();
    }

    static JsonNode condition(JsonNode object, String type) {
        for (JsonNode condition : object.path("status").path("conditions")) {
            if (condition.path("type").asText().equals(type)) {
                return condition;
            }
        }
        return object.path("nothing");
    }

    /** Ready, Reconciling or Stalled; Unknown for a release that no operator has seen. */
    static String phase(JsonNode release) {
        for (String type : List.of("Ready", "Reconciling", "Stalled")) {
            if (condition(release, type).path("status").asText().equals("True")) {
                return type;
            }
        }
        return "Unknown";
    }

    /** False while the status is about an earlier spec, or about none. */
    static boolean isCurrent(JsonNode release) {
        return release.path("status").path("observedGeneration").asLong()
                >= Math.max(1, release.path("metadata").path("generation").asLong());
    }

    /** {@code -o yaml|json} of several. */
    static ObjectNode asList(List<JsonNode> items) {
        ObjectNode list = JSON.createObjectNode().put("apiVersion", "v1").put("kind", "List");
        list.putArray("items").addAll(items);
        return list;
    }
}
