package dev.weir.dataplane;

import com.fasterxml.jackson.databind.JsonNode;
import dev.weir.dataplane.ReferenceGrants.End;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * One listener of a Gateway.
 *
 * @param gateway its Gateway's name
 * @param hostname a pattern in lower case, {@code *} for all
 * @param problems what keeps parts of it from being served
 * @param identity of an HTTPS listener
 * @param spec as written
 */
record GatewayListener(
        String namespace,
        String gateway,
        String name,
        int port,
        String hostname,
        List<Problem> problems,
        Optional<TlsIdentity> identity,
        JsonNode spec) {
    private static final String HTTP_ROUTE = "HTTPRoute";
    private static final String INVALID_CERTIFICATE = "InvalidCertificateRef";

    /** Those that carry HTTPRoutes. */
    private static final Set<String> CARRYING = new TreeSet<>(Set.of("HTTP", "HTTPS"));

    /** A condition of the listener's status that is not as it should be. */
    record Problem(String condition, String reason, String message) {}

    static List<GatewayListener> of(JsonNode gateway, Secrets secrets, ReferenceGrants grants) {
        List<GatewayListener> listeners = new ArrayList<>();
        JsonNode metadata = gateway.path("metadata");
        for (JsonNode listener : gateway.path("spec").path("listeners")) {
            String hostname = listener.path("hostname").asText("").toLowerCase(Locale.ROOT);
            List<Problem> problems = problems(listener, gateway.path("spec").path("listeners"));
            boolean secure = listener.path("protocol").asText().equals("HTTPS");
            Optional<TlsIdentity> identity =
                    secure ? identity(gateway, listener, secrets, grants, problems) : Optional.empty();
            listeners.add(new GatewayListener(
                    metadata.path("namespace").asText(),
                    metadata.path("name").asText(),
                    listener.path("name").asText(),
                    listener.path("port").asInt(),
                    hostname.isEmpty() ? "*" : hostname,
                    List.copyOf(problems),
                    identity,
                    listener));
        }
        return listeners;
    }

    private static List<Problem> problems(JsonNode listener, JsonNode siblings) {
        List<Problem> problems = new ArrayList<>();
        String protocol = listener.path("protocol").asText();
        if (!CARRYING.contains(protocol)) {
            problems.add(new Problem("Accepted", "UnsupportedProtocol", protocol + " is not served, but " + CARRYING));
        }
        for (JsonNode sibling : siblings) {
            String other = sibling.path("protocol").asText();
            if (sibling.path("port").equals(listener.path("port"))
                    && !other.equals(protocol)
                    && other.equals("UDP") == protocol.equals("UDP")) {
                problems.add(new Problem(
                        "Conflicted",
                        "ProtocolConflict",
                        "the listener " + sibling.path("name").asText() + " has the same port for " + other));
                break;
            }
        }
        for (JsonNode kind : listener.path("allowedRoutes").path("kinds")) {
            if (!isHttpRoute(kind)) {
                problems.add(new Problem(
                        "ResolvedRefs",
                        "InvalidRouteKinds",
                        kind.path("kind").asText() + " cannot be attached, but HTTPRoute"));
                break;
            }
        }
        return problems;
    }

    private static Optional<TlsIdentity> identity(
            JsonNode gateway, JsonNode listener, Secrets secrets, ReferenceGrants grants, List<Problem> problems) {
        JsonNode tls = listener.path("tls");
        if (!tls.path("mode").asText("Terminate").equals("Terminate")) {
            problems.add(new Problem("Accepted", "UnsupportedValue", "TLS is terminated only"));
            return Optional.empty();
        }
        JsonNode reference = tls.path("certificateRefs").path(0);
        String own = gateway.path("metadata").path("namespace").asText();
        String namespace = reference.path("namespace").asText(own);
        String name = reference.path("name").asText();
        String kind = reference.path("kind").asText("Secret");
        if (!reference.path("group").asText("").isEmpty() || !kind.equals("Secret")) {
            problems.add(new Problem("ResolvedRefs", INVALID_CERTIFICATE, kind + " is not Secret"));
            return Optional.empty();
        }
        if (!grants.allows(new End(GatewayApi.GROUP, "Gateway", own), new End("", "Secret", namespace), name)) {
            problems.add(new Problem(
                    "ResolvedRefs",
                    "RefNotPermitted",
                    "no ReferenceGrant of namespace " + namespace + " lets Gateways of " + own + " refer to Secret "
                            + name));
            return Optional.empty();
        }
        Optional<TlsIdentity> found = secrets.find(namespace, name);
        if (found.isEmpty()) {
            problems.add(new Problem("ResolvedRefs", INVALID_CERTIFICATE, secrets.problem(namespace, name)));
        }
        return found;
    }

    private static boolean isHttpRoute(JsonNode kind) {
        return kind.path("group").asText(GatewayApi.GROUP).equals(GatewayApi.GROUP)
                && kind.path("kind").asText().equals(HTTP_ROUTE);
    }

    /** What is wrong about a condition. */
    Optional<Problem> problem(String condition) {
        return problems.stream()
                .filter(problem -> problem.condition().equals(condition))
                .findFirst();
    }

    /** Kinds that cannot be attached do not keep the others away. */
    boolean served() {
        return problems.stream().allMatch(problem -> problem.reason().equals("InvalidRouteKinds"));
    }

    /** Whether HTTPRoutes may be attached at all. */
    boolean allowsHttpRoutes() {
        if (problem("Accepted").isPresent()) {
            return false;
        }
        JsonNode kinds = spec.path("allowedRoutes").path("kinds");
        boolean allowed = kinds.isEmpty();
        for (JsonNode kind : kinds) {
            allowed |= isHttpRoute(kind);
        }
        return allowed;
    }

    /** @param labels of all namespaces, by name */
    boolean allowsNamespace(String from, Map<String, Map<String, String>> labels) {
        JsonNode namespaces = spec.path("allowedRoutes").path("namespaces");
        return switch (namespaces.path("from").asText("Same")) {
            case "All" -> true;
            case "Same" -> from.equals(namespace);
            case "Selector" -> selects(namespaces.path("selector"), labels.getOrDefault(from, Map.of()));
            default -> false;
        };
    }

    /** Kubernetes' label selector; one that asks for nothing selects all. */
    private static boolean selects(JsonNode selector, Map<String, String> labels) {
        Map<String, String> wanted = new HashMap<>();
        selector.path("matchLabels")
                .properties()
                .forEach(label -> wanted.put(label.getKey(), label.getValue().asText()));
        if (!labels.entrySet().containsAll(wanted.entrySet())) {
            return false;
        }
        for (JsonNode expression : selector.path("matchExpressions")) {
            String value = labels.get(expression.path("key").asText());
            List<String> values = new ArrayList<>();
            expression.path("values").forEach(one -> values.add(one.asText()));
            boolean holds = switch (expression.path("operator").asText()) {
                case "In" -> value != null && values.contains(value);
                case "NotIn" -> value == null || !values.contains(value);
                case "Exists" -> value != null;
                case "DoesNotExist" -> value == null;
                default -> false;
            };
            if (!holds) {
                return false;
            }
        }
        return true;
    }
}
