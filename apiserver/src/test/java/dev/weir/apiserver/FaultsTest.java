package dev.weir.apiserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.weir.apiserver.rest.ApiException;
import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Faults that a test can cause: refused requests, a crash after a write, watches that are cut. */
class FaultsTest {
    private static final String MAPS = "/api/v1/namespaces/default/configmaps";

    private static JsonNode map(String name) throws IOException {
        return new YAMLMapper().readTree("{metadata: {name: " + name + "}, data: {a: b}}");
    }

    @Test
    void aFaultBeforeARequestIsItsAnswerAndChangesNothing() throws Exception {
        AtomicInteger left = new AtomicInteger(1);
        ApiServerOptions options = TestServers.options().withBeforeRequest(request -> {
            if (request.method().equals("POST") && left.getAndDecrement() > 0) {
                throw ApiException.unavailable(503, "ServiceUnavailable", "injected");
            }
        });
        try (ApiServer server = ApiServer.start(options);
                RawClient client = new RawClient(server, TestServers.TOKEN)) {
            RawClient.Answer refused = client.send("POST", MAPS, map("a"), "", "");
            assertThat(refused.code()).isEqualTo(503);
            assertThat(refused.body().path("message").asText()).isEqualTo("injected");
            assertThat(client.send("GET", MAPS + "/a", null, "", "").code()).isEqualTo(404);
            assertThat(client.send("POST", MAPS, map("a"), "", "").code()).isEqualTo(201);
        }
    }

    @Test
    void aCrashAfterAWriteGivesNoAnswerButTheWriteIsThere() throws Exception {
        AtomicInteger left = new AtomicInteger(1);
        ApiServerOptions options = TestServers.options().withAfterWrite(event -> {
            if (event.entry().key().name().equals("a") && left.getAndDecrement() > 0) {
                throw new SimulatedCrash("after " + event.change());
            }
        });
        try (ApiServer server = ApiServer.start(options);
                RawClient client = new RawClient(server, TestServers.TOKEN)) {
            assertThatThrownBy(() -> client.send("POST", MAPS, map("a"), "", ""))
                    .isInstanceOf(IOException.class);
            assertThat(client.send("GET", MAPS + "/a", null, "", "").code()).isEqualTo(200);
            assertThat(client.send("POST", MAPS, map("a"), "", "").code()).isEqualTo(409);
        }
    }

    @Test
    void everyWriteIsReportedOnceInOrder() throws Exception {
        StringBuilder told = new StringBuilder();
        ApiServerOptions options = TestServers.options().withAfterWrite(event -> {
            if (event.entry().key().resource().equals("configmaps")) {
                told.append(event.change()).append(' ');
            }
        });
        try (ApiServer server = ApiServer.start(options);
                RawClient client = new RawClient(server, TestServers.TOKEN)) {
            client.send("POST", MAPS, map("a"), "", "");
            client.send("POST", MAPS + "?dryRun=All", map("b"), "", "");
            client.send("PUT", MAPS + "/a", map("a"), "", "");
            client.send("PUT", MAPS + "/a", new YAMLMapper().readTree("{metadata: {name: a}}"), "", "");
            client.send("DELETE", MAPS + "/a", null, "", "");
        }
        // the second write changed nothing, so it is none
        assertThat(told).hasToString("ADDED MODIFIED DELETED ");
    }

    @Test
    void cutWatchesEndAtOnceAndCanBeContinued() throws Exception {
        try (ApiServer server = ApiServer.start(TestServers.options());
                RawClient client = new RawClient(server, TestServers.TOKEN);
                RawClient other = new RawClient(server, TestServers.TOKEN)) {
            String start = client.send("GET", MAPS, null, "", "")
                    .body()
                    .at("/metadata/resourceVersion")
                    .asText();
            CompletableFuture<JsonNode> watch = CompletableFuture.supplyAsync(() -> {
                try {
                    return other.watch(MAPS + "?watch=1&resourceVersion=" + start);
                } catch (IOException | InterruptedException failed) {
                    throw new IllegalStateException(failed);
                }
            });
            JsonNode created = client.send("POST", MAPS, map("a"), "", "").body();
            org.awaitility.Awaitility.await().until(() -> {
                server.cutWatches();
                return watch.isDone();
            });
            JsonNode seen = watch.get(1, TimeUnit.SECONDS);
            String from = seen.isEmpty()
                    ? start
                    : created.at("/metadata/resourceVersion").asText();
            client.send("POST", MAPS, map("b"), "", "");
            JsonNode rest = client.watch(MAPS + "?watch=1&timeoutSeconds=1&resourceVersion=" + from);
            assertThat(rest.path(rest.size() - 1).at("/object/metadata/name").asText())
                    .isEqualTo("b");
            assertThat(seen.size() + rest.size()).isEqualTo(2);
        }
    }
}
