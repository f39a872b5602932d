package dev.weir.local;

import io.fabric8.kubernetes.api.model.PersistentVolume;
import io.fabric8.kubernetes.api.model.PersistentVolumeBuilder;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaimBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.informers.cache.Indexer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Binds each PersistentVolumeClaim to a folder of the data directory, and removes the folder with the claim. */
final class ClaimController {
    private static final Logger LOGGER = LoggerFactory.getLogger(ClaimController.class);
    private static final String COMPONENT = "weir.dev/folders";
    private static final Duration STILL_USED = Duration.ofSeconds(1);

    private final KubernetesClient client;
    private final Indexer<PersistentVolumeClaim> claims;
    private final Indexer<Pod> pods;
    private final EventRecorder events;
    private final Path folder;

    /** @param folder where claims have their folders */
    ClaimController(
            KubernetesClient client,
            Indexer<PersistentVolumeClaim> claims,
            Indexer<Pod> pods,
            EventRecorder events,
            Path folder) {
        this.client = client;
        this.claims = claims;
        this.pods = pods;
        this.events = events;
        this.folder = folder;
    }

    /** The folder of a claim. */
    static Path folder(Path claims, String namespace, String name) {
        return claims.resolve(namespace).resolve(name);
    }

    /** @return when to look again, if a claim that is gone is still in use */
    Optional<Duration> reconcile(String key) {
        PersistentVolumeClaim claim = claims.getByKey(key);
        if (claim == null) {
            return reclaim(key);
        }
        boolean bound =
                claim.getStatus() != null && "Bound".equals(claim.getStatus().getPhase());
        if (!bound && claim.getMetadata().getDeletionTimestamp() == null) {
            bind(claim);
        }
        return Optional.empty();
    }

    private void bind(PersistentVolumeClaim claim) {
        String name = claim.getSpec().getVolumeName() == null
                ? "pvc-" + claim.getMetadata().getUid()
                : claim.getSpec().getVolumeName();
        Map<String, Quantity> size = claim.getSpec().getResources() == null
                ? Map.of()
                : claim.getSpec().getResources().getRequests();
        Path place = folder(
                folder, claim.getMetadata().getNamespace(), claim.getMetadata().getName());
        create(new PersistentVolumeBuilder()
                .withNewMetadata()
                .withName(name)
                .addToAnnotations("pv.kubernetes.io/provisioned-by", COMPONENT)
                .endMetadata()
                .withNewSpec()
                .withCapacity(size)
                .withAccessModes(claim.getSpec().getAccessModes())
                .withPersistentVolumeReclaimPolicy("Delete")
                .withStorageClassName(claim.getSpec().getStorageClassName())
                .withNewHostPath(place.toString(), "DirectoryOrCreate")
                .withNewClaimRef()
                .withApiVersion("v1")
                .withKind("PersistentVolumeClaim")
                .withNamespace(claim.getMetadata().getNamespace())
                .withName(claim.getMetadata().getName())
                .withUid(claim.getMetadata().getUid())
                .endClaimRef()
                .endSpec()
                .build());
        PersistentVolumeClaim named = client.resource(new PersistentVolumeClaimBuilder(claim)
                        .editSpec()
                        .withVolumeName(name)
                        .endSpec()
                        .build())
                .update();
        client.resource(new PersistentVolumeClaimBuilder(named)
                        .withNewStatus()
                        .withPhase("Bound")
                        .withAccessModes(claim.getSpec().getAccessModes())
                        .withCapacity(size)
                        .endStatus()
                        .build())
                .updateStatus();
        events.record(
                claim,
                EventRecorder.Note.normal(
                        COMPONENT,
                        "ProvisioningSucceeded",
                        "Successfully provisioned volume " + name + ": the folder " + place
                                + ", whose size is not limited"));
    }

    private void create(PersistentVolume volume) {
        try {
            PersistentVolume made = client.resource(volume).create();
            client.resource(new PersistentVolumeBuilder(made)
                            .withNewStatus()
                            .withPhase("Bound")
                            .endStatus()
                            .build())
                    .updateStatus();
        } catch (KubernetesClientException there) {
            if (there.getCode() != 409) {
                throw there;
            }
        }
    }

    /** Removes what a claim leaves, once no pod uses it. */
    private Optional<Duration> reclaim(String key) {
        String namespace = key.substring(0, key.indexOf('/'));
        String name = key.substring(key.indexOf('/') + 1);
        if (pods.list().stream().anyMatch(pod -> uses(pod, namespace, name))) {
            return Optional.of(STILL_USED);
        }
        List<PersistentVolume> left = client.persistentVolumes().list().getItems().stream()
                .filter(volume -> {
                    var claim = volume.getSpec().getClaimRef();
                    return claim != null && namespace.equals(claim.getNamespace()) && name.equals(claim.getName());
                })
                .filter(volume -> volume.getMetadata().getAnnotations() != null
                        && COMPONENT.equals(
                                volume.getMetadata().getAnnotations().get("pv.kubernetes.io/provisioned-by")))
                .toList();
        if (left.isEmpty()) {
            return Optional.empty();
        }
        try {
            Path place = folder(folder, namespace, name);
            if (Files.exists(place)) {
                PodVolumes.deleteTree(place);
            }
        } catch (IOException kept) {
            LOGGER.warn("folder of claim {} is left", key, kept);
        }
        left.forEach(volume -> client.resource(volume).delete());
        return Optional.empty();
    }

    private static boolean uses(Pod pod, String namespace, String name) {
        return namespace.equals(pod.getMetadata().getNamespace())
                && !OwnedPods.ended(pod)
                && pod.getSpec().getVolumes().stream()
                        .map(Volume::getPersistentVolumeClaim)
                        .anyMatch(claim -> claim != null && name.equals(claim.getClaimName()));
    }
}
