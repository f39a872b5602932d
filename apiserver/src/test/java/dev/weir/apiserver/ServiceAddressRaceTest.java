package dev.weir.apiserver;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/** Several who ask for one address at the same time: one gets it. */
class ServiceAddressRaceTest {
    private static final int ROUNDS = 20;
    private static final int CLIENTS = 4;

    @Test
    void oneAddressIsGivenOnce() throws Exception {
        try (ApiServer server = ApiServer.start(TestServers.options());
                RawClient client = new RawClient(server, TestServers.TOKEN);
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int round = 0; round < ROUNDS; round++) {
                List<Callable<Integer>> asks = new ArrayList<>();
                for (int i = 0; i < CLIENTS; i++) {
                    JsonNode service = new ObjectMapper().readTree("""
                            {"metadata":{"name":"s%d-%d"},
                             "spec":{"clusterIP":"10.96.7.%d","type":"NodePort","ports":[{"port":80,"nodePort":%d}]}}""".formatted(round, i, round + 1, 30_100 + round));
                    asks.add(() -> client.send("POST", "/api/v1/namespaces/default/services", service, "", "")
                            .code());
                }
                List<Integer> codes = new ArrayList<>();
                for (Future<Integer> answer : threads.invokeAll(asks)) {
                    codes.add(answer.get());
                }
                assertThat(codes).containsOnlyOnce(201).containsOnly(201, 422);
            }
        }
    }
}
