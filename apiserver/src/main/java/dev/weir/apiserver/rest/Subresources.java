package dev.weir.apiserver.rest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.auth.Access;
import dev.weir.apiserver.auth.ServiceAccountTokens;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** Bindings, evictions, tokens, reviews, and what the kubelet answers. */
public final class Subresources {
    private static final Set<String> REVIEWS = Set.of(
            "selfsubjectaccessreviews",
            "localsubjectaccessreviews",
            "subjectaccessreviews",
            "selfsubjectrulesreviews",
            "selfsubjectreviews",
            "tokenreviews");

    private final Resources resources;
    private final Writes writes;
    private final Deletes deletes;
    private final ServiceAccountTokens tokens;
    private final Access access;
    private final Evictions evictions;

    Subresources(
            Resources resources,
            Writes writes,
            Deletes deletes,
            Evictions evictions,
            ServiceAccountTokens tokens,
            Access access) {
        this.evictions = evictions;
        this.resources = resources;
        this.writes = writes;
        this.deletes = deletes;
        this.tokens = tokens;
        this.access = access;
    }

    Deletes deletes() {
        return deletes;
    }

    boolean isReview(ResourceType type) {
        return REVIEWS.contains(type.plural());
    }

    ApiResponse handle(String verb, Writes.Target target, ApiRequest request) {
        return switch (target.subresource()) {
            case "binding" -> {
                require(request, "POST");
                yield bind(target, request);
            }
            case "eviction" -> {
                require(request, "POST");
                yield evictions.evict(target, request);
            }
            case "finalize" -> finalizeNamespace(target, request);
            case "token" -> token(target, request);
            case "log" -> {
                require(request, "GET");
                yield kubelet(target, request);
            }
            case "exec", "attach", "portforward" -> {
                // GET is what WebSocket asks for, POST what SPDY does
                require(request, "GET", "POST");
                ApiResponse place = kubelet(target, request);
                if (!request.upgrade()) {
                    throw ApiException.badRequest("Upgrade request required");
                }
                yield place;
            }
            default -> throw ApiException.noSuchResource();
        };
    }

    private static void require(ApiRequest request, String... methods) {
        if (!List.of(methods).contains(request.method())) {
            throw ApiException.methodNotAllowed();
        }
    }

    private ApiResponse bind(Writes.Target target, ApiRequest request) {
        WriteOptions options = WriteOptions.of(request, "CreateOptions");
        ObjectNode binding = Bodies.object(request);
        if (!binding.path("metadata").path("name").asText("").equals(target.name())) {
            throw ApiException.badRequest("name in URL does not match name in Binding object");
        }
        String node = binding.path("target").path("name").asText();
        String kind = binding.path("target").path("kind").asText("");
        List<String> problems = new ArrayList<>();
        if (!List.of("", "Node").contains(kind)) {
            problems.add("target.kind: Unsupported value: \"" + kind + "\": supported values: \"Node\", \"<empty>\"");
        }
        if (node.isEmpty()) {
            problems.add("target.name: Required value");
        }
        if (!problems.isEmpty()) {
            throw ApiException.internal(problems.size() == 1 ? problems.getFirst() : problems.toString());
        }
        writes.modify(target, options, live -> {
            refuseToBind(live).ifPresent(why -> {
                throw ApiException.conflict(
                        "pods/binding", "", "pods/binding", target.name(), "pod " + target.name() + " " + why);
            });
            ObjectNode next = live.deepCopy();
            next.withObject("/spec").put("nodeName", node);
            ArrayNode conditions = next.withObject("/status").withArray("conditions");
            // a scheduler that found no node before has said so in this condition
            conditions.removeIf(known -> known.path("type").asText().equals("PodScheduled"));
            ObjectNode scheduled = conditions.addObject();
            scheduled.put("type", "PodScheduled").put("status", "True").putNull("lastProbeTime");
            scheduled.put("lastTransitionTime", writes.now());
            return next;
        });
        return new ApiResponse.Json(201, ApiException.status("Success", null, null, null, 201));
    }

    private static Optional<String> refuseToBind(ObjectNode pod) {
        if (pod.path("metadata").has("deletionTimestamp")) {
            return Optional.of("is being deleted, cannot be assigned to a host");
        }
        if (!pod.path("spec").path("schedulingGates").isEmpty()) {
            return Optional.of("has non-empty .spec.schedulingGates");
        }
        String node = pod.path("spec").path("nodeName").asText("");
        return node.isEmpty() ? Optional.empty() : Optional.of("is already assigned to node \"" + node + "\"");
    }

    private ApiResponse finalizeNamespace(Writes.Target target, ApiRequest request) {
        ObjectNode sent = Bodies.object(request);
        WriteOptions options = WriteOptions.of(request, "UpdateOptions");
        Writes.Target raw = new Writes.Target(target.type(), "", target.name(), "finalize");
        return writes.modify(raw, options, live -> {
                    ObjectNode next = live.deepCopy();
                    next.withObject("/spec").set("finalizers", sent.path("spec").path("finalizers"));
                    if (next.path("spec").path("finalizers").isEmpty()) {
                        next.withObject("/spec").remove("finalizers");
                    }
                    return next;
                })
                .answer(200, List.of());
    }

    private ApiResponse token(Writes.Target target, ApiRequest request) {
        ObjectNode account = resources.get(target.type(), target.namespace(), target.name());
        ObjectNode review = Bodies.object(request);
        long seconds = review.path("spec").path("expirationSeconds").asLong(3600);
        ServiceAccountTokens.Issued issued = tokens.issue(
                target.namespace(),
                target.name(),
                account.path("metadata").path("uid").asText(),
                seconds);
        review.put("kind", "TokenRequest").put("apiVersion", "authentication.k8s.io/v1");
        ObjectNode metadata = review.withObject("/metadata");
        metadata.put("name", target.name()).put("namespace", target.namespace());
        review.withObject("/status")
                .put("token", issued.token())
                .put("expirationTimestamp", issued.expires().toString());
        return new ApiResponse.Json(201, review);
    }

    private static ApiException noReview(ResourceType type, String field, String value, String why) {
        FieldError error = new FieldError(FieldError.Kind.INVALID, field, value, why);
        return ApiException.invalid(type.group(), "", "", List.of(error));
    }

    ApiResponse review(ResourceType type, ApiRequest request) {
        ObjectNode review = Bodies.object(request);
        boolean access = type.plural().endsWith("accessreviews");
        if (access
                && review.path("spec").has("resourceAttributes")
                        == review.path("spec").has("nonResourceAttributes")) {
            throw noReview(
                    type,
                    "spec.resourceAttributes",
                    "null",
                    "exactly one of nonResourceAttributes or resourceAttributes must be specified");
        }
        if (type.plural().equals("subjectaccessreviews")
                && review.path("spec").path("user").asText("").isEmpty()
                && review.path("spec").path("groups").isEmpty()) {
            throw noReview(type, "spec.user", "\"\"", "at least one of user or group must be specified");
        }
        review.put("kind", type.kind()).put("apiVersion", type.apiVersion());
        ObjectNode metadata = review.withObject("/metadata");
        if (type.plural().equals("selfsubjectreviews")) {
            metadata.put("creationTimestamp", writes.now());
        }
        if (review.has("spec")) {
            Writes.Target target = new Writes.Target(type, "", "", "");
            WriteOptions options = WriteOptions.of(request, "CreateOptions");
            resources.strategy(type).decode(review);
            writes.management(target).track(null, review, writes.writer(target, options));
        }
        this.access.review(type.plural(), review, request.user());
        return new ApiResponse.Json(201, review);
    }

    /** The pod's node answers; the query goes along. */
    private ApiResponse kubelet(Writes.Target target, ApiRequest request) {
        ObjectNode pod = resources.get(target.type(), target.namespace(), target.name());
        String container = target.subresource().equals("portforward")
                ? ""
                : container(target, pod.path("spec"), request.queryOr("container", ""));
        String node = pod.path("spec").path("nodeName").asText("");
        if (node.isEmpty()) {
            throw ApiException.badRequest("pod " + target.name() + " does not have a host assigned");
        }
        ObjectNode host =
                resources.get(resources.kinds().find("", "v1", "nodes").orElseThrow(), "", node);
        String address = "";
        for (JsonNode candidate : host.path("status").path("addresses")) {
            if (candidate.path("type").asText().equals("InternalIP")) {
                address = candidate.path("address").asText();
            }
        }
        if (address.isEmpty()) {
            throw ApiException.internal("no preferred addresses found; known addresses: "
                    + host.path("status").path("addresses").valueStream().toList());
        }
        int port = host.path("status")
                .path("daemonEndpoints")
                .path("kubeletEndpoint")
                .path("Port")
                .asInt();
        String verb = switch (target.subresource()) {
            case "log" -> "containerLogs";
            case "portforward" -> "portForward";
            default -> target.subresource();
        };
        String query = request.query().entrySet().stream()
                .filter(entry -> !entry.getKey().equals("container"))
                .flatMap(entry -> entry.getValue().stream()
                        .map(value -> encode(rename(entry.getKey())) + "=" + encode(flag(entry.getKey(), value))))
                .collect(Collectors.joining("&"));
        String path = "/" + verb + "/" + target.namespace() + "/" + target.name()
                + (container.isEmpty() ? "" : "/" + container) + (query.isEmpty() ? "" : "?" + query);
        return new ApiResponse.Kubelet(address, port, path);
    }

    /** The container that is asked for, or the only one that there is. */
    private static String container(Writes.Target target, JsonNode spec, String asked) {
        String pod = target.name();
        List<String> names = names(spec.path("containers"));
        List<String> others = names(spec.path("initContainers"));
        if (asked.isEmpty()) {
            if (names.size() == 1) {
                return names.getFirst();
            }
            if (!target.subresource().equals("log")) {
                others.addAll(names);
                others.addAll(names(spec.path("ephemeralContainers")));
                throw ApiException.badRequest("a container name must be specified for pod " + pod + ", choose one of: ["
                        + String.join(" ", others) + "]");
            }
            String initial =
                    others.isEmpty() ? "" : " or one of the init containers: [" + String.join(" ", others) + "]";
            throw ApiException.badRequest("a container name must be specified for pod " + pod + ", choose one of: ["
                    + String.join(" ", names) + "]" + initial);
        }
        others.addAll(names(spec.path("ephemeralContainers")));
        if (!names.contains(asked) && !others.contains(asked)) {
            throw ApiException.badRequest("container " + asked + " is not valid for pod " + pod);
        }
        return asked;
    }

    private static List<String> names(JsonNode containers) {
        List<String> names = new ArrayList<>();
        containers.forEach(container -> names.add(container.path("name").asText()));
        return names;
    }

    private static String rename(String name) {
        return switch (name) {
            case "stdin" -> "input";
            case "stdout" -> "output";
            case "stderr" -> "error";
            default -> name;
        };
    }

    private static String flag(String name, String value) {
        return List.of("stdin", "stdout", "stderr", "tty").contains(name) ? value.equals("true") ? "1" : "0" : value;
    }

    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}
