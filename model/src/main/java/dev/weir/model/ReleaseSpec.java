package dev.weir.model;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.engine.Release;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The {@code spec} of a {@code weir.dev/v1alpha1 Release} as the user wrote it, with the defaults of its definition.
 *
 * @param gateways Gateways of the router's kind besides the mesh, each {@code name} or {@code namespace/name}
 * @param metadata labels and annotations for the objects of every version
 * @param versions the first is the primary
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record ReleaseSpec(
        String workload,
        String router,
        String strategy,
        ServiceRef service,
        List<String> gateways,
        boolean adopt,
        Metadata metadata,
        List<Version> versions) {
    static final String STRATEGY_NONE = "None";
    static final String STRATEGY_MIRROR = "Mirror";
    static final String STRATEGY_CANARY = "Canary";
    static final String STRATEGY_BLUE_GREEN = "BlueGreen";
    static final String ROUTER_ISTIO = "Istio";
    static final String ROUTER_GATEWAY_API = "GatewayAPI";
    static final String WORKLOAD_DEPLOYMENT = "Deployment";

    private static final ObjectMapper JSON = new ObjectMapper();

    /** What the definition allows to be left out has its default here. */
    public ReleaseSpec {
        workload = Objects.requireNonNullElse(workload, WORKLOAD_DEPLOYMENT);
        router = Objects.requireNonNullElse(router, ROUTER_ISTIO);
        strategy = Objects.requireNonNullElse(strategy, STRATEGY_NONE);
        service = Objects.requireNonNullElse(service, new ServiceRef(null, null));
        gateways = List.copyOf(Objects.requireNonNullElse(gateways, List.of()));
        metadata = Objects.requireNonNullElse(metadata, new Metadata(null, null));
        versions = List.copyOf(Objects.requireNonNullElse(versions, List.of()));
    }

    /**
     * How clients call the application.
     *
     * @param name null for the release's own
     * @param port 1 to 65535; of every version that names none
     */
    @JsonIgnoreProperties(ignoreUnknown = true)
    public record ServiceRef(
            @Nullable String name, @Nullable Integer port) {
        static final int STANDARD_PORT = 80;

        public ServiceRef {
            port = Objects.requireNonNullElse(port, STANDARD_PORT);
        }
    }

    /** Labels and annotations, empty where not given. */
    @JsonIgnoreProperties(ignoreUnknown = true)
    public record Metadata(
            @Nullable Map<String, String> labels, @Nullable Map<String, String> annotations) {}

    /**
     * One version of the application; exactly one of {@code image}, {@code template} and {@code workloadRef} is given.
     *
     * @param port null for the service's
     * @param mirrorPercent 0 to 100; null for 100
     * @param share relative weight, 0 to 1 000 000; null for 1
     * @param matches which requests a canary's candidate gets, any of them; none for a standard one
     * @param template metadata and spec of its Deployment
     * @param serviceTemplate metadata and spec of its Service
     */
    @JsonIgnoreProperties(ignoreUnknown = true)
    public record Version(
            String name,
            @Nullable Map<String, String> labels,
            @Nullable Map<String, String> annotations,
            @Nullable String image,
            @Nullable Integer port,
            @Nullable Integer mirrorPercent,
            @Nullable Integer share,
            List<HttpRouteMatch> matches,
            @Nullable ObjectNode template,
            @Nullable ObjectNode serviceTemplate,
            @Nullable WorkloadRef workloadRef) {
        public Version {
            matches = List.copyOf(Objects.requireNonNullElse(matches, List.of()));
        }
    }

    /** A Deployment that exists already. */
    @JsonIgnoreProperties(ignoreUnknown = true)
    public record WorkloadRef(String name) {}

    /** Either a release, or what is wrong with the spec: field, value and what is allowed, in order of the fields. */
    public sealed interface Parsed {
        /** @param unused fields that have no effect with the strategy, each as a sentence */
        record Valid(Release release, List<String> unused) implements Parsed {
            public Valid {
                unused = List.copyOf(unused);
            }
        }

        record Invalid(List<String> violations) implements Parsed {}
    }

    /** @param release the whole object as JSON */
    public static Parsed parse(JsonNode release) {
        ReleaseSpec spec;
        try {
            spec = JSON.convertValue(release.path("spec"), ReleaseSpec.class);
        } catch (IllegalArgumentException wrongType) {
            return new Parsed.Invalid(List.of("spec: " + firstLine(wrongType)));
        }
        JsonNode metadata = release.path("metadata");
        return new ReleaseParser(
                        metadata.path("name").asText(),
                        metadata.path("namespace").asText(),
                        spec)
                .parse();
    }

    private static String firstLine(IllegalArgumentException failure) {
        return Objects.requireNonNullElse(failure.getMessage(), "cannot be read")
                .lines()
                .findFirst()
                .orElse("cannot be read");
    }
}
