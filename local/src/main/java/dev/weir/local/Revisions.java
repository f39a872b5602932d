package dev.weir.local;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.apps.ControllerRevision;
import io.fabric8.kubernetes.api.model.apps.ControllerRevisionBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The pod templates that an owner has had, as ControllerRevisions: each is a patch that brings its template back. */
final class Revisions {
    /** The label of pods that names their revision. */
    static final String HASH = "controller-revision-hash";

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String REPLACE = "$patch";

    private final KubernetesClient client;

    Revisions(KubernetesClient client) {
        this.client = client;
    }

    /** All of an owner, the oldest first. */
    List<ControllerRevision> of(HasMetadata owner) {
        return client
                .apps()
                .controllerRevisions()
                .inNamespace(owner.getMetadata().getNamespace())
                .list()
                .getItems()
                .stream()
                .filter(revision -> Owners.controls(owner, revision))
                .sorted(Comparator.comparing(ControllerRevision::getRevision))
                .toList();
    }

    /** The revision of a template, made if it is new and made the newest if it comes back. */
    ControllerRevision current(HasMetadata owner, PodTemplateSpec template) {
        List<ControllerRevision> all = of(owner);
        long newest = all.isEmpty() ? 0 : all.getLast().getRevision();
        Optional<ControllerRevision> same = all.stream()
                .filter(revision -> PodTemplates.same(template(revision), template))
                .findFirst();
        if (same.isEmpty()) {
            return create(owner, template, newest + 1);
        }
        if (same.get().getRevision() == newest) {
            return same.get();
        }
        return client.resource(new ControllerRevisionBuilder(same.get())
                        .withRevision(newest + 1)
                        .build())
                .update();
    }

    private ControllerRevision create(HasMetadata owner, PodTemplateSpec template, long number) {
        String hash = PodTemplates.hash(template);
        ControllerRevision wanted = new ControllerRevisionBuilder()
                .withNewMetadata()
                .withName(owner.getMetadata().getName() + "-" + hash)
                .withNamespace(owner.getMetadata().getNamespace())
                .withLabels(template.getMetadata().getLabels())
                .addToLabels("controller.kubernetes.io/hash", hash)
                .withAnnotations(owner.getMetadata().getAnnotations())
                .withOwnerReferences(Owners.reference(owner))
                .endMetadata()
                .withData(patch(template))
                .withRevision(number)
                .build();
        try {
            return client.resource(wanted).create();
        } catch (KubernetesClientException taken) {
            if (taken.getCode() != 409) {
                throw taken;
            }
            // an earlier owner of the name has left it
            String name = wanted.getMetadata().getName() + "-"
                    + owner.getMetadata().getUid().substring(0, 4);
            return client.resource(new ControllerRevisionBuilder(wanted)
                            .editMetadata()
                            .withName(name)
                            .endMetadata()
                            .build())
                    .create();
        }
    }

    private static Map<String, Object> patch(PodTemplateSpec template) {
        ObjectNode text = JSON.valueToTree(template);
        text.put(REPLACE, "replace");
        Map<String, Object> plain = Map.of("template", JSON.convertValue(text, Map.class));
        return Map.of("spec", plain);
    }

    /** The template that a revision keeps. */
    static PodTemplateSpec template(ControllerRevision revision) {
        ObjectNode text = JSON.valueToTree(revision.getData());
        ObjectNode template = text.withObject("/spec/template");
        template.remove(REPLACE);
        return JSON.convertValue(template, PodTemplateSpec.class);
    }

    /** Removes the oldest ones beyond so many, except for those that are in use. */
    void trim(HasMetadata owner, Set<String> used, int most) {
        List<ControllerRevision> unused = of(owner).stream()
                .filter(revision -> !used.contains(revision.getMetadata().getName()))
                .toList();
        unused.stream()
                .limit(Math.max(0, unused.size() - most))
                .forEach(revision -> client.resource(revision).delete());
    }
}
