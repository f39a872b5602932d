package dev.weir.apiserver;

import dev.weir.apiserver.auth.User;
import dev.weir.apiserver.http.HttpLimits;
import dev.weir.apiserver.rest.ApiRequest;
import dev.weir.apiserver.store.VersionedStore;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * How to start a server.
 *
 * @param bind where to listen; port 0 takes a free one
 * @param tokens who a bearer token stands for
 * @param authorize false lets every known user do everything
 * @param dataDir where state and keys are kept; without one they live in memory and end with the server
 * @param limits what clients may cost
 */
public record ApiServerOptions(
        InetSocketAddress bind,
        Map<String, User> tokens,
        boolean authorize,
        Clock clock,
        Hooks hooks,
        Optional<Path> dataDir,
        HttpLimits limits) {

    /**
     * What is called along the way, to count and to inject faults.
     *
     * @param beforeRequest called with every request before it is carried out; throwing an ApiException injects a fault
     * @param afterWrite called after every write, before the writer gets its answer; throwing a {@link SimulatedCrash}
     *     cuts the writer off
     */
    public record Hooks(Consumer<ApiRequest> beforeRequest, Consumer<VersionedStore.Event> afterWrite) {}

    /** A server on a free loopback port for these users, in memory. */
    public static ApiServerOptions loopback(Map<String, User> tokens) {
        return new ApiServerOptions(
                new InetSocketAddress("127.0.0.1", 0),
                tokens,
                true,
                Clock.systemUTC(),
                new Hooks(_ -> {}, _ -> {}),
                Optional.empty(),
                HttpLimits.STANDARD);
    }

    public ApiServerOptions withBind(InetSocketAddress address) {
        return new ApiServerOptions(address, tokens, authorize, clock, hooks, dataDir, limits);
    }

    public ApiServerOptions withBeforeRequest(Consumer<ApiRequest> hook) {
        return new ApiServerOptions(
                bind, tokens, authorize, clock, new Hooks(hook, hooks.afterWrite()), dataDir, limits);
    }

    public ApiServerOptions withAfterWrite(Consumer<VersionedStore.Event> hook) {
        return new ApiServerOptions(
                bind, tokens, authorize, clock, new Hooks(hooks.beforeRequest(), hook), dataDir, limits);
    }

    /** Keeps state and keys in a folder, which is made if absent. */
    public ApiServerOptions withDataDir(Path folder) {
        return new ApiServerOptions(bind, tokens, authorize, clock, hooks, Optional.of(folder), limits);
    }

    public ApiServerOptions withLimits(HttpLimits other) {
        return new ApiServerOptions(bind, tokens, authorize, clock, hooks, dataDir, other);
    }
}
