package dev.weir.operator;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.javaoperatorsdk.operator.api.reconciler.Context;
import io.javaoperatorsdk.operator.api.reconciler.ErrorStatusUpdateControl;
import io.javaoperatorsdk.operator.api.reconciler.EventSourceContext;
import io.javaoperatorsdk.operator.api.reconciler.Reconciler;
import io.javaoperatorsdk.operator.api.reconciler.UpdateControl;
import io.javaoperatorsdk.operator.processing.event.source.EventSource;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lets JOSDK watch, queue and retry for the loop, which decides everything. Only this class,
 * {@link ObjectSource} and {@link Operator} know JOSDK.
 */
final class ReleaseReconciler implements Reconciler<ReleaseResource> {
    private static final Logger LOGGER = LoggerFactory.getLogger(ReleaseReconciler.class);
    private static final ObjectMapper JSON = new ObjectMapper();

    private final ReleaseLoop loop;
    private final List<ObjectSource> sources;
    private final Clock clock;
    private volatile Supplier<Stream<ReleaseResource>> known = Stream::empty;

    /** @param sources of what releases own */
    ReleaseReconciler(ReleaseLoop loop, List<ObjectSource> sources, Clock clock) {
        this.loop = loop;
        this.sources = sources;
        this.clock = clock;
    }

    @Override
    public List<EventSource<?, ReleaseResource>> prepareEventSources(EventSourceContext<ReleaseResource> context) {
        known = () -> context.getPrimaryCache().list();
        return List.copyOf(sources);
    }

    /** The releases that the cache holds. */
    List<JsonNode> releases() {
        return known.get().<JsonNode>map(JSON::valueToTree).toList();
    }

    @Override
    public UpdateControl<ReleaseResource> reconcile(ReleaseResource release, Context<ReleaseResource> context) {
        if (context.isPrimaryResourceDeleted()) {
            loop.forget(
                    release.getMetadata().getNamespace(), release.getMetadata().getName());
            return UpdateControl.noUpdate();
        }
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
