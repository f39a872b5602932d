package dev.weir.local;

import io.fabric8.kubernetes.api.model.EventBuilder;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.KubernetesClient;

/** Core events about an object. */
final class Events {
    private Events() {}

    static void emit(KubernetesClient client, HasMetadata about, String type, String reason, String message) {
        client.resource(new EventBuilder()
                        .withNewMetadata()
                        .withGenerateName(about.getMetadata().getName() + ".")
                        .withNamespace(about.getMetadata().getNamespace())
                        .endMetadata()
                        .withNewInvolvedObject()
                        .withApiVersion(about.getApiVersion())
                        .withKind(about.getKind())
                        .withName(about.getMetadata().getName())
                        .withNamespace(about.getMetadata().getNamespace())
                        .withUid(about.getMetadata().getUid())
                        .endInvolvedObject()
                        .withType(type)
                        .withReason(reason)
                        .withMessage(message)
                        .withCount(1)
                        .withFirstTimestamp(PodStatuses.now())
                        .withLastTimestamp(PodStatuses.now())
                        .withNewSource()
                        .withComponent("kubelet")
                        .withHost(Kubelet.NODE)
                        .endSource()
                        .build())
                .create();
    }
}
