package dev.weir.apiserver.difference;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.RawClient;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Waits until a server that answers from caches knows what was written. A cache takes changes in the order of their
 * revisions, so what was written after a change, and is known, says that the change is known.
 */
final class Settling {
    /** What a step waits for: permissions, or definitions, or else the collection that its path names. */
    static final String ACCESS = "access";

    static final String DEFINITIONS = "definitions ";

    private static final String NAMESPACE = "settling";
    private static final String ROLES = "/apis/rbac.authorization.k8s.io/v1/namespaces/" + NAMESPACE;
    private static final String CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    private static final Duration LONGEST = Duration.ofSeconds(60);

    private final RawClient client;
    /** Markers of an earlier run may still be there. */
    private final String run = Long.toString(System.currentTimeMillis(), Character.MAX_RADIX);

    private final AtomicInteger markers = new AtomicInteger();

    Settling(RawClient client) {
        this.client = client;
    }

    @FunctionalInterface
    private interface Condition {
        boolean holds() throws IOException, InterruptedException;
    }

    /** Makes the place for markers. */
    void prepare() throws IOException, InterruptedException {
        Step make = Sequence.namespace(NAMESPACE);
        created(make.path(), Objects.requireNonNull(make.body()));
    }

    /** @param what {@link #ACCESS}, {@link #DEFINITIONS} with a collection, or the path of a collection */
    void await(String what) throws IOException, InterruptedException {
        if (what.equals(ACCESS)) {
            access();
        } else if (what.startsWith(DEFINITIONS)) {
            definition(what.substring(DEFINITIONS.length()));
        } else if (!what.isEmpty()) {
            cached(what);
        }
    }

    /** Until the cache of a collection holds what its store holds now; the server itself waits for that. */
    private void cached(String collection) throws IOException, InterruptedException {
        RawClient.Answer now = get(collection + "?limit=1");
        if (now.code() != 200) {
            return;
        }
        String revision = now.body().path("metadata").path("resourceVersion").asText();
        until(
                collection,
                () -> get(collection + "?limit=1&resourceVersionMatch=NotOlderThan&resourceVersion=" + revision)
                                .code()
                        == 200);
    }

    /** Until a role and a binding that are younger than the change allow what they say. */
    private void access() throws IOException, InterruptedException {
        String marker = marker();
        Map<String, String> words = Map.of("$name", marker, "$ns", NAMESPACE);
        created(ROLES + "/roles", word("""
                {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "$name"},
                 "rules": [{"apiGroups": ["$name"], "resources": ["markers"], "verbs": ["get"]}]}""", words));
        created(ROLES + "/rolebindings", word("""
                {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "$name"},
                 "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "$name"},
                 "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "$name"}]}""", words));
        JsonNode review = word("""
                {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
                 "spec": {"user": "$name", "resourceAttributes":
                  {"group": "$name", "resource": "markers", "verb": "get", "namespace": "$ns"}}}""", words);
        until(
                "the permissions of " + marker,
                () -> client.send("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review, "", "")
                        .body()
                        .path("status")
                        .path("allowed")
                        .asBoolean());
        client.send("DELETE", ROLES + "/rolebindings/" + marker, null, "", "");
        client.send("DELETE", ROLES + "/roles/" + marker, null, "", "");
    }

    /** Until a definition that is younger than the change is served, and the collection has a store again. */
    private void definition(String collection) throws IOException, InterruptedException {
        String marker = marker();
        ObjectNode definition = (ObjectNode) word("""
                {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
                 "metadata": {"name": "markers.$name.example.com"},
                 "spec": {"group": "$name.example.com", "scope": "Cluster",
                  "names": {"plural": "markers", "kind": "Marker"},
                  "versions": [{"name": "v1", "served": true, "storage": true,
                   "schema": {"openAPIV3Schema": {"type": "object"}}}]}}""", Map.of("$name", marker));
        created(CRDS, definition);
        served(definition);
        until(collection, () -> get(collection).code() != 429);
        client.send(
                "DELETE", CRDS + "/" + definition.path("metadata").path("name").asText(), null, "", "");
    }

    /** Until a definition is established and each of its versions that is served lists its objects. */
    void served(JsonNode definition) throws IOException, InterruptedException {
        String name = definition.path("metadata").path("name").asText();
        until(
                name,
                () -> get(CRDS + "/" + name)
                        .body()
                        .path("status")
                        .path("conditions")
                        .valueStream()
                        .anyMatch(condition -> condition.path("type").asText().equals("Established")
                                && condition.path("status").asText().equals("True")));
        JsonNode spec = definition.path("spec");
        for (JsonNode version : spec.path("versions")) {
            String collection = "/apis/" + spec.path("group").asText() + "/"
                    + version.path("name").asText() + "/"
                    + spec.path("names").path("plural").asText();
            if (version.path("served").asBoolean()) {
                until(collection, () -> get(collection).code() == 200);
            }
        }
    }

    private String marker() {
        return "m" + run + "-" + markers.incrementAndGet();
    }

    private static JsonNode word(String template, Map<String, String> words) {
        String text = template;
        for (Map.Entry<String, String> word : words.entrySet()) {
            text = text.replace(word.getKey(), word.getValue());
        }
        return Plan.json(text);
    }

    private RawClient.Answer get(String path) throws IOException, InterruptedException {
        return client.send("GET", path, null, "", "");
    }

    private void created(String path, JsonNode object) throws IOException, InterruptedException {
        RawClient.Answer answer = client.send("POST", path, object, "", "");
        if (answer.code() != 201 && answer.code() != 409) {
            throw new IllegalStateException(answer.body().toString());
        }
    }

    private static void until(String what, Condition condition) throws IOException, InterruptedException {
        long end = System.nanoTime() + LONGEST.toNanos();
        while (!condition.holds()) {
            if (System.nanoTime() - end > 0) {
                throw new IllegalStateException("not within " + LONGEST.toSeconds() + " s: " + what);
            }
        }
    }
}
