package dev.weir.model;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.engine.Decision;
import dev.weir.engine.Routed;
import dev.weir.engine.Standing;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The {@code status} of a {@code weir.dev/v1alpha1 Release}.
 *
 * @param serving the version that answers users' requests, as last observed
 * @param routed the route that was in force when last observed; absent if it was not the wanted one
 * @param candidate names of the candidates, joined with commas
 * @param weight the mirror percentages, joined with commas in the order of the candidates
 * @param why the rules that fired, as sentences
 */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_EMPTY)
public record ReleaseStatus(
        long observedGeneration,
        @Nullable String strategy,
        @Nullable String primary,
        @Nullable String serving,
        @Nullable RoutedSince routed,
        @Nullable String candidate,
        @Nullable String weight,
        List<Condition> conditions,
        List<Version> versions,
        List<String> why) {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int MOST_SENTENCES = 64;
    /** In characters, as the definition bounds them: a server's words may be as long as they like. */
    private static final int LONGEST_SENTENCE = 4096;

    private static final int LONGEST_MESSAGE = 32768;

    /** The condition that says whether those who carry the traffic take the route. */
    public static final String ROUTE_ACCEPTED = "RouteAccepted";

    public ReleaseStatus {
        conditions = List.copyOf(Objects.requireNonNullElse(conditions, List.of()));
        versions = List.copyOf(Objects.requireNonNullElse(versions, List.of()));
        why = List.copyOf(Objects.requireNonNullElse(why, List.of()));
    }

    /** As in every Kubernetes API; {@code lastTransitionTime} has whole seconds. */
    @JsonIgnoreProperties(ignoreUnknown = true)
    public record Condition(
            String type,
            String status,
            long observedGeneration,
            String lastTransitionTime,
            String reason,
            String message) {}

    /**
     * @param route the routing object's uid and generation, and what is left of another router
     * @param since when it was first seen in force
     */
    @JsonIgnoreProperties(ignoreUnknown = true)
    public record RoutedSince(String route, String since) {
        private static @Nullable RoutedSince of(@Nullable Routed routed) {
            return routed == null ? null : new RoutedSince(routed.route(), seconds(routed.since()));
        }

        /** What the next decision needs to remember. */
        public Routed routed() {
            return new Routed(route, Instant.parse(since));
        }
    }

    /**
     * @param role Primary, Candidate or Retiring
     * @param hash of the template; absent for a version that the spec has dropped
     * @param readySince since when it has had a ready pod without a break
     * @param interrupted true if it lost its last ready pod and has not been stable since
     */
    @JsonIgnoreProperties(ignoreUnknown = true)
    @JsonInclude(JsonInclude.Include.NON_EMPTY)
    public record Version(
            String name,
            @Nullable String hash,
            String role,
            boolean ready,
            int readyReplicas,
            int replicas,
            @Nullable String weight,
            @Nullable String readySince,
            @Nullable Boolean interrupted) {
        /** What the next decision needs to remember. */
        public Standing standing() {
            return new Standing(
                    readySince == null ? null : Instant.parse(readySince), Boolean.TRUE.equals(interrupted));
        }
    }

    /** The status of a release as it is stored; one with nothing in it if there is none or it cannot be read. */
    public static ReleaseStatus of(JsonNode release) {
        JsonNode status = release.path("status");
        try {
            if (status.isObject()) {
                return JSON.convertValue(status, ReleaseStatus.class);
            }
        } catch (IllegalArgumentException unreadable) {
            // somebody else wrote it; the next write mends it
        }
        return new ReleaseStatus(0, null, null, null, null, null, null, List.of(), List.of(), List.of());
    }

    /**
     * What to store after a decision.
     *
     * @param release the object that the decision was made on
     */
    public static ReleaseStatus after(JsonNode release, Decision decision, Instant now) {
        ReleaseStatus before = of(release);
        Decision.Status status = decision.status();
        long generation = release.path("metadata").path("generation").asLong();
        return new ReleaseStatus(
                generation,
                release.path("spec").path("strategy").asText(ReleaseSpec.STRATEGY_NONE),
                status.traffic().primary(),
                status.traffic().serving(),
                RoutedSince.of(status.traffic().routed()),
                status.traffic().candidate(),
                status.traffic().weight(),
                Stream.concat(
                                Stream.of(Decision.Phase.values())
                                        .map(phase -> before.condition(phase, status, generation, now)),
                                Stream.of(before.accepted(status.acceptance(), generation, now)))
                        .toList(),
                status.versions().stream().map(ReleaseStatus::version).toList(),
                decision.why().stream()
                        .limit(MOST_SENTENCES)
                        .map(sentence -> shortened(sentence, LONGEST_SENTENCE))
                        .toList());
    }

    private static String shortened(String text, int longest) {
        return text.length() <= longest ? text : text.substring(0, longest - 1) + "…";
    }

    private static String word(Enum<?> constant) {
        return constant.name().charAt(0) + constant.name().substring(1).toLowerCase(Locale.ROOT);
    }

    /** One condition for each phase: a release is Ready, Reconciling or Stalled. */
    private Condition condition(Decision.Phase phase, Decision.Status status, long generation, Instant now) {
        String value = status.phase() == phase ? "True" : "False";
        return new Condition(
                word(phase),
                value,
                generation,
                since(word(phase), value, now),
                status.reason(),
                shortened(status.message(), LONGEST_MESSAGE));
    }

    private Condition accepted(Decision.Acceptance acceptance, long generation, Instant now) {
        Boolean accepted = acceptance.accepted();
        String value = accepted == null ? "Unknown" : accepted ? "True" : "False";
        return new Condition(
                ROUTE_ACCEPTED,
                value,
                generation,
                since(ROUTE_ACCEPTED, value, now),
                acceptance.reason(),
                shortened(acceptance.message(), LONGEST_MESSAGE));
    }

    private String since(String type, String value, Instant now) {
        return condition(type)
                .filter(old -> old.status().equals(value))
                .map(Condition::lastTransitionTime)
                .orElse(seconds(now));
    }

    /** @param type Ready, Reconciling, Stalled or RouteAccepted */
    public Optional<Condition> condition(String type) {
        return conditions.stream().filter(c -> c.type().equals(type)).findFirst();
    }

    private static Version version(Decision.VersionStatus version) {
        Standing standing = version.seen().standing();
        return new Version(
                version.name(),
                version.hash(),
                word(version.role()),
                version.seen().ready(),
                version.seen().readyReplicas(),
                version.seen().replicas(),
                version.weight(),
                standing.readySince() == null ? null : seconds(standing.readySince()),
                standing.interrupted() ? true : null);
    }

    private static String seconds(Instant time) {
        return time.truncatedTo(ChronoUnit.SECONDS).toString();
    }

    public ObjectNode toJson() {
        return JSON.valueToTree(this);
    }
}
