package dev.weir.local;

import io.fabric8.kubernetes.api.model.HTTPGetAction;
import io.fabric8.kubernetes.api.model.HTTPGetActionBuilder;
import io.fabric8.kubernetes.api.model.IntOrString;
import java.net.URI;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** {@code podcli check http ADDRESS}, which podinfo's images bring along and its manifests use in probes. */
final class PodCli {
    private static final int HTTP = 80;
    private static final int WORDS = 4;
    private static final Set<String> SELF = Set.of("localhost", "127.0.0.1");

    private PodCli() {}

    /** What a probe's command asks; empty if it is another command. Localhost is the pod. */
    static Optional<HTTPGetAction> check(List<String> command) {
        if (command.size() < WORDS
                || !Set.of("podcli", "./podcli").contains(command.getFirst())
                || !command.subList(1, WORDS - 1).equals(List.of("check", "http"))) {
            return Optional.empty();
        }
        String address = command.get(WORDS - 1);
        URI uri = URI.create(address.contains("://") ? address : "http://" + address);
        String host = String.valueOf(uri.getHost());
        return Optional.of(new HTTPGetActionBuilder()
                .withScheme("https".equals(uri.getScheme()) ? "HTTPS" : "HTTP")
                .withHost(SELF.contains(host) ? "" : host)
                .withPort(new IntOrString(uri.getPort() < 0 ? HTTP : uri.getPort()))
                .withPath(uri.getRawPath() == null || uri.getRawPath().isEmpty() ? "/" : uri.getRawPath())
                .build());
    }
}
