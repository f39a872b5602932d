package dev.weir.local;

import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeBuilder;
import io.fabric8.kubernetes.api.model.apps.StatefulSet;
import java.util.ArrayList;
import java.util.List;

/** A pod of a StatefulSet: its name, its address in its Service and its claims follow from its number. */
record NumberedPod(StatefulSet set, int number, String revision, PodTemplateSpec template) {
    String name() {
        return set.getMetadata().getName() + "-" + number;
    }

    /** The name of the pod's claim for one of the set's claim templates. */
    String claim(String template) {
        return template + "-" + name();
    }

    Pod pod() {
        return new PodBuilder()
                .withNewMetadata()
                .withName(name())
                .withGenerateName(set.getMetadata().getName() + "-")
                .withNamespace(set.getMetadata().getNamespace())
                .withLabels(template.getMetadata().getLabels())
                .addToLabels("statefulset.kubernetes.io/pod-name", name())
                .addToLabels("apps.kubernetes.io/pod-index", Integer.toString(number))
                .addToLabels(Revisions.HASH, revision)
                .withAnnotations(template.getMetadata().getAnnotations())
                .withOwnerReferences(Owners.reference(set))
                .endMetadata()
                .withSpec(template.getSpec())
                .editSpec()
                .withHostname(name())
                .withSubdomain(set.getSpec().getServiceName())
                .withVolumes(volumes())
                .endSpec()
                .build();
    }

    /** Claims replace the template's volumes of the same name. */
    private List<Volume> volumes() {
        List<PersistentVolumeClaim> claims = set.getSpec().getVolumeClaimTemplates();
        List<Volume> volumes = new ArrayList<>(template.getSpec().getVolumes());
        for (PersistentVolumeClaim claim : claims) {
            String name = claim.getMetadata().getName();
            volumes.removeIf(volume -> volume.getName().equals(name));
            volumes.add(new VolumeBuilder()
                    .withName(name)
                    .withNewPersistentVolumeClaim(claim(name), false)
                    .build());
        }
        return volumes;
    }
}
