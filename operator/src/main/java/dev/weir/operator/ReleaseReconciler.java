package dev.weir.operator;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.weir.kubernetes.ObjectKind;
import dev.weir.kubernetes.ReleaseObjects;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.javaoperatorsdk.operator.api.config.informer.InformerEventSourceConfiguration;
import io.javaoperatorsdk.operator.api.reconciler.Context;
import io.javaoperatorsdk.operator.api.reconciler.ErrorStatusUpdateControl;
import io.javaoperatorsdk.operator.api.reconciler.EventSourceContext;
import io.javaoperatorsdk.operator.api.reconciler.Reconciler;
import io.javaoperatorsdk.operator.api.reconciler.UpdateControl;
import io.javaoperatorsdk.operator.processing.GroupVersionKind;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.javaoperatorsdk.operator.processing.event.source.EventSource;
import io.javaoperatorsdk.operator.processing.event.source.informer.InformerEventSource;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lets JOSDK watch, queue and retry for the loop, which decides everything. The only class that knows JOSDK besides
 * {@link Operator}.
 */
final class ReleaseReconciler implements Reconciler<ReleaseResource> {
    private static final Logger LOGGER = LoggerFactory.getLogger(ReleaseReconciler.class);
    private static final ObjectMapper JSON = new ObjectMapper();

    private final ReleaseLoop loop;
    private final KubernetesWorld world;
    private final Collection<ObjectKind> kinds;
    private final Clock clock;

    /** @param kinds of which a release may own objects */
    ReleaseReconciler(ReleaseLoop loop, KubernetesWorld world, Collection<ObjectKind> kinds, Clock clock) {
        this.loop = loop;
        this.world = world;
        this.kinds = kinds;
        this.clock = clock;
    }

    @Override
    public List<EventSource<?, ReleaseResource>> prepareEventSources(EventSourceContext<ReleaseResource> context) {
        List<EventSource<?, ReleaseResource>> sources = new ArrayList<>();
        for (ObjectKind kind : kinds) {
            InformerEventSource<GenericKubernetesResource, ReleaseResource> source = new InformerEventSource<>(
                    InformerEventSourceConfiguration.from(
                                    new GroupVersionKind(kind.group(), kind.version(), kind.kind()),
                                    ReleaseResource.class)
                            .withName(kind.plural())
                            .withLabelSelector(ReleaseObjects.RELEASE)
                            .withNamespacesInheritedFromController()
                            .withSecondaryToPrimaryMapper(ReleaseReconciler::release)
                            .build(),
                    context);
            world.reads(source);
            sources.add(source);
        }
        return sources;
    }

    private static Set<ResourceID> release(GenericKubernetesResource object) {
        String release = object.getMetadata().getLabels().get(ReleaseObjects.RELEASE);
        return release == null || release.isEmpty()
                ? Set.of()
                : Set.of(new ResourceID(release, object.getMetadata().getNamespace()));
    }

    @Override
    public UpdateControl<ReleaseResource> reconcile(ReleaseResource release, Context<ReleaseResource> context) {
        JsonNode object = JSON.valueToTree(release);
        Optional<Instant> wake = loop.pass(object);
        UpdateControl<ReleaseResource> control = UpdateControl.noUpdate();
        wake.ifPresent(time -> {
            Duration left = Duration.between(clock.instant(), time);
            control.rescheduleAfter(left.isPositive() ? left : Duration.ofMillis(1));
        });
        return control;
    }

    @Override
    public ErrorStatusUpdateControl<ReleaseResource> updateErrorStatus(
            ReleaseResource release, Context<ReleaseResource> context, Exception failure) {
        LOGGER.atWarn()
                .addKeyValue("release", release.getFullResourceName())
                .log(
                        "a pass over {}/{} failed and is repeated: {}",
                        release.getMetadata().getNamespace(),
                        release.getMetadata().getName(),
                        failure.getMessage());
        return ErrorStatusUpdateControl.noStatusUpdate();
    }
}
