package dev.weir.apiserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.weir.apiserver.rest.ApiException;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** The informers of an unmodified client library, and how they come back after faults. */
class InformerTest {
    private static ConfigMap map(String name, String value) {
        return new ConfigMapBuilder()
                .withNewMetadata()
                .withName(name)
                .withNamespace("default")
                .endMetadata()
                .withData(Map.of("key", value))
                .build();
    }

    /** Writes down what an informer tells. */
    private static final class Diary implements ResourceEventHandler<ConfigMap> {
        final List<String> lines = new CopyOnWriteArrayList<>();

        private void add(String what, ConfigMap map) {
            if (map.getData() != null && map.getData().containsKey("key")) {
                lines.add(what + " " + map.getMetadata().getName() + "="
                        + map.getData().get("key"));
            }
        }

        @Override
        public void onAdd(ConfigMap map) {
            add("added", map);
        }

        @Override
        public void onUpdate(ConfigMap before, ConfigMap after) {
            add("updated", after);
        }

        @Override
        public void onDelete(ConfigMap map, boolean unknownState) {
            add("deleted", map);
        }
    }

    @Test
    void tellsEveryChangeOnce() throws Exception {
        try (ApiServer server = ApiServer.start(TestServers.options());
                KubernetesClient client = TestServers.client(server)) {
            client.resource(map("before", "0")).create();
            Diary diary = new Diary();
            try (SharedIndexInformer<ConfigMap> informer =
                    client.configMaps().inNamespace("default").inform(diary)) {
                client.resource(map("one", "1")).create();
                client.resource(map("one", "2")).update();
                client.configMaps().inNamespace("default").withName("one").delete();
                await().untilAsserted(() -> assertThat(diary.lines)
                        .containsExactly("added before=0", "added one=1", "updated one=2", "deleted one=2"));
                assertThat(informer.getStore().list()).hasSize(1);
            }
        }
    }

    @Test
    void goesOnWhereItWasAfterItsWatchIsCut() throws Exception {
        AtomicInteger lists = new AtomicInteger();
        ApiServerOptions options = TestServers.options().withBeforeRequest(request -> {
            if (request.path().endsWith("/configmaps") && request.method().equals("GET") && !request.flag("watch")) {
                lists.incrementAndGet();
            }
        });
        try (ApiServer server = ApiServer.start(options);
                KubernetesClient client = TestServers.client(server)) {
            Diary diary = new Diary();
            try (SharedIndexInformer<ConfigMap> informer =
                    client.configMaps().inNamespace("default").inform(diary)) {
                client.resource(map("one", "1")).create();
                await().until(() -> diary.lines.contains("added one=1"));
                int before = lists.get();
                server.cutWatches();
                client.resource(map("one", "2")).update();
                client.resource(map("one", "3")).update();
                await().untilAsserted(() ->
                        assertThat(diary.lines).containsExactly("added one=1", "updated one=2", "updated one=3"));
                assertThat(lists.get()).as("lists after the cut").isEqualTo(before);
                assertThat(informer.isRunning()).isTrue();
            }
        }
    }

    @Test
    void listsAgainWhenThePastIsForgotten() throws Exception {
        AtomicInteger refusals = new AtomicInteger();
        ApiServerOptions options = TestServers.options().withBeforeRequest(request -> {
            if (request.flag("watch") && refusals.get() > 0) {
                refusals.decrementAndGet();
                throw ApiException.unavailable(503, "ServiceUnavailable", "down for a moment");
            }
        });
        try (ApiServer server = ApiServer.start(options);
                KubernetesClient client = TestServers.client(server)) {
            Diary diary = new Diary();
            try (SharedIndexInformer<ConfigMap> informer =
                    client.configMaps().inNamespace("default").inform(diary)) {
                client.resource(map("gone", "1")).create();
                client.resource(map("kept", "1")).create();
                await().until(() -> diary.lines.contains("added kept=1"));
                refusals.set(2);
                server.cutWatches();
                client.resource(map("kept", "2")).update();
                client.configMaps().inNamespace("default").withName("gone").delete();
                client.resource(map("new", "1")).create();
                server.forgetHistory();
                await().untilAsserted(() ->
                        assertThat(diary.lines).contains("updated kept=2", "deleted gone=1", "added new=1"));
                client.resource(map("new", "2")).update();
                await().until(() -> diary.lines.contains("updated new=2"));
                assertThat(informer.isRunning()).isTrue();
            }
        }
    }
}
