package dev.weir.apiserver;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A server with a data directory is the same server after a restart. */
class RestartTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String CONFIG_MAPS = "/api/v1/namespaces/default/configmaps";
    private static final String WIDGETS = "/apis/example.com/v1/namespaces/default/widgets";

    @TempDir
    Path folder;

    private ApiServer start() throws Exception {
        return ApiServer.start(TestServers.options().withDataDir(folder));
    }

    private static JsonNode post(RawClient client, String path, String body) throws Exception {
        RawClient.Answer answer = client.send("POST", path, JSON.readTree(body), "", "");
        assertThat(answer.code()).as("%s", answer.body()).isEqualTo(201);
        return answer.body();
    }

    private static JsonNode get(RawClient client, String path) throws Exception {
        RawClient.Answer answer = client.send("GET", path, null, "", "");
        assertThat(answer.code()).as("%s", answer.body()).isEqualTo(200);
        return answer.body();
    }

    private static final String DEFINITION = """
            {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",
             "metadata":{"name":"widgets.example.com"},
             "spec":{"group":"example.com","scope":"Namespaced",
              "names":{"plural":"widgets","kind":"Widget","shortNames":["wd"]},
              "versions":[{"name":"v1","served":true,"storage":true,"subresources":{"status":{}},
               "schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":{"type":"object",
                "properties":{"size":{"type":"integer","maximum":10}}}}}}}]}}""";

    @Test
    void everythingIsThereAgain() throws Exception {
        List<JsonNode> before = new ArrayList<>();
        String token;
        String authority;
        String revision;
        try (ApiServer server = start();
                RawClient client = new RawClient(server, TestServers.TOKEN)) {
            post(client, CONFIG_MAPS, """
                    {"metadata":{"name":"c","labels":{"a":"b"}},"data":{"k":"v"}}""");
            post(client, "/api/v1/namespaces/default/services", """
                    {"metadata":{"name":"s"},"spec":{"ports":[{"port":80}]}}""");
            post(client, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", DEFINITION);
            post(client, WIDGETS, """
                    {"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"w"},"spec":{"size":3}}""");
            post(client, "/api/v1/namespaces/default/serviceaccounts", "{\"metadata\":{\"name\":\"robot\"}}");
            token = post(client, "/api/v1/namespaces/default/serviceaccounts/robot/token", "{\"spec\":{}}")
                    .path("status")
                    .path("token")
                    .asText();
            authority = server.authority().certificatePem();
            for (String path : paths()) {
                before.add(get(client, path));
            }
            revision = get(client, CONFIG_MAPS)
                    .path("metadata")
                    .path("resourceVersion")
                    .asText();
            post(client, CONFIG_MAPS, "{\"metadata\":{\"name\":\"later\"}}");
        }
        try (ApiServer server = start();
                RawClient client = new RawClient(server, TestServers.TOKEN)) {
            assertThat(server.authority().certificatePem()).isEqualTo(authority);
            for (int i = 0; i < before.size(); i++) {
                assertThat(get(client, paths().get(i))).isEqualTo(before.get(i));
            }
            JsonNode events = client.watch(CONFIG_MAPS + "?watch=1&timeoutSeconds=1&resourceVersion=" + revision);
            assertThat(events.findValuesAsText("type")).containsExactly("ADDED");
            assertThat(events.path(0)
                            .path("object")
                            .path("metadata")
                            .path("name")
                            .asText())
                    .isEqualTo("later");
            rulesStillHold(client, before.get(1).path("spec").path("clusterIP").asText());
            try (RawClient robot = new RawClient(server, token)) {
                assertThat(robot.send("GET", "/version", null, "", "").code()).isEqualTo(200);
            }
        }
        filesArePrivate();
    }

    private static List<String> paths() {
        return List.of(
                CONFIG_MAPS + "/c",
                "/api/v1/namespaces/default/services/s",
                WIDGETS + "/w",
                "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com",
                "/api/v1/namespaces/kube-system",
                "/apis/rbac.authorization.k8s.io/v1/clusterroles/admin");
    }

    /** What a server knows beside its objects is known again: schemas, addresses in use. */
    private static void rulesStillHold(RawClient client, String address) throws Exception {
        ObjectNode widget = (ObjectNode) JSON.readTree("""
                {"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"big"},"spec":{"size":11}}""");
        assertThat(client.send("POST", WIDGETS, widget, "", "").code()).isEqualTo(422);
        JsonNode service = JSON.readTree("{\"metadata\":{\"name\":\"t\"},\"spec\":{\"clusterIP\":\"" + address
                + "\",\"ports\":[{\"port\":80}]}}");
        assertThat(client.send("POST", "/api/v1/namespaces/default/services", service, "", "")
                        .code())
                .isEqualTo(422);
    }

    private void filesArePrivate() throws Exception {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                if (!file.getFileName().toString().equals("lock")) {
                    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                            .as("%s", file)
                            .isEqualTo("rw-------");
                }
            }
        }
    }

    @Test
    void aDefinitionWhoseDeletionWasCutOffIsDeletedByTheNextServer() throws Exception {
        try (ApiServer server = start();
                RawClient client = new RawClient(server, TestServers.TOKEN)) {
            post(client, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", DEFINITION);
        }
        markDeleted();
        try (ApiServer server = start();
                RawClient client = new RawClient(server, TestServers.TOKEN)) {
            assertThat(client.send(
                                    "GET",
                                    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com",
                                    null,
                                    "",
                                    "")
                            .code())
                    .isEqualTo(404);
        }
    }

    /** As a server leaves it that dies between the two writes of a deletion. */
    private void markDeleted() throws Exception {
        try (var store = new dev.weir.apiserver.store.VersionedStore(
                dev.weir.apiserver.store.Journal.open(folder.resolve("store"), 1 << 20), _ -> {})) {
            var entry = store.list("customresourcedefinitions.apiextensions.k8s.io")
                    .entries()
                    .getFirst();
            ObjectNode next = entry.object().deepCopy();
            next.withObject("/metadata")
                    .put("deletionTimestamp", "2026-01-01T00:00:00Z")
                    .putArray("finalizers")
                    .add("customresourcecleanup.apiextensions.k8s.io");
            assertThat(store.replace(entry.key(), entry.revision(), next)).isPresent();
        }
    }
}
