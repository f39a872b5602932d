package dev.weir.local;

import io.fabric8.kubernetes.api.model.autoscaling.v2.HorizontalPodAutoscaler;
import io.fabric8.kubernetes.api.model.autoscaling.v2.HorizontalPodAutoscalerBuilder;
import io.fabric8.kubernetes.api.model.autoscaling.v2.HorizontalPodAutoscalerConditionBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.informers.cache.Indexer;

/** Says of each HorizontalPodAutoscaler that it scales nothing, since there are no resource metrics. */
final class AutoscalerController {
    private static final String REASON = "FailedGetResourceMetric";
    private static final String MESSAGE = "the HPA was unable to compute the replica count: local mode has no metrics"
            + " of resources; scale with kubectl scale";

    private final KubernetesClient client;
    private final Indexer<HorizontalPodAutoscaler> scalers;
    private final EventRecorder events;

    AutoscalerController(KubernetesClient client, Indexer<HorizontalPodAutoscaler> scalers, EventRecorder events) {
        this.client = client;
        this.scalers = scalers;
        this.events = events;
    }

    void reconcile(String key) {
        HorizontalPodAutoscaler scaler = scalers.getByKey(key);
        if (scaler == null || said(scaler)) {
            return;
        }
        client.resource(new HorizontalPodAutoscalerBuilder(scaler)
                        .withNewStatus()
                        .withObservedGeneration(scaler.getMetadata().getGeneration())
                        .withCurrentReplicas(0)
                        .withDesiredReplicas(0)
                        .withConditions(new HorizontalPodAutoscalerConditionBuilder()
                                .withType("ScalingActive")
                                .withStatus("False")
                                .withReason(REASON)
                                .withMessage(MESSAGE)
                                .withLastTransitionTime(PodStatuses.now())
                                .build())
                        .endStatus()
                        .build())
                .updateStatus();
        events.record(scaler, EventRecorder.Note.warning("horizontal-pod-autoscaler", REASON, MESSAGE));
    }

    private static boolean said(HorizontalPodAutoscaler scaler) {
        return scaler.getStatus() != null
                && scaler.getStatus().getConditions().stream()
                        .anyMatch(condition -> REASON.equals(condition.getReason()));
    }
}
