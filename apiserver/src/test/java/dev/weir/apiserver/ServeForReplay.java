package dev.weir.apiserver;

import dev.weir.apiserver.auth.User;
import java.io.IOException;
import java.util.List;
import java.util.Map;

/** Runs a server alone, for tools that replay recordings against it; ends with its standard input. */
final class ServeForReplay {
    private ServeForReplay() {}

    public static void main(String[] args) throws IOException {
        Map<String, User> tokens = Map.of("t", new User("admin", "", List.of("system:masters")));
        try (ApiServer server = ApiServer.start(ApiServerOptions.loopback(tokens))) {
            System.out.println(server.url());
            System.out.println(server.kubeconfig("weir-local", "t"));
            System.out.flush();
            while (System.in.read() >= 0) {
                // until the end of input
            }
        }
    }
}
