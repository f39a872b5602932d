package dev.weir.apiserver;

import dev.weir.apiserver.auth.User;
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
 * @param beforeRequest called with every request before it is carried out; throwing an ApiException injects a fault
 * @param afterWrite called after every write, before the writer gets its answer; throwing a {@link SimulatedCrash} cuts
 *     the writer off
 * @param dataDir where state and keys are kept; without one they live in memory and end with the server
 */
public record ApiServerOptions(
        InetSocketAddress bind,
        Map<String, User> tokens,
        boolean authorize,
        Clock clock,
        Consumer<ApiRequest> beforeRequest,
        Consumer<VersionedStore.Event> afterWrite,
        Optional<Path> dataDir) {

    /** A server on a free loopback port for these users. */
    public static ApiServerOptions loopback(Map<String, User> tokens) {
        return new ApiServerOptions(
                new InetSocketAddress("127.0.0.1", 0),
                tokens,
                true,
                Clock.systemUTC(),
                _ -> {},
                _ -> {},
                Optional.empty());
    }

    public ApiServerOptions withBind(InetSocketAddress address) {
        return new ApiServerOptions(address, tokens, authorize, clock, beforeRequest, afterWrite, dataDir);
    }

    public ApiServerOptions withBeforeRequest(Consumer<ApiRequest> hook) {
        return new ApiServerOptions(bind, tokens, authorize, clock, hook, afterWrite, dataDir);
    }

    public ApiServerOptions withAfterWrite(Consumer<VersionedStore.Event> hook) {
        return new ApiServerOptions(bind, tokens, authorize, clock, beforeRequest, hook, dataDir);
    }

    /** Keeps state and keys in a folder, which is made if absent. */
    public ApiServerOptions withDataDir(Path folder) {
        return new ApiServerOptions(bind, tokens, authorize, clock, beforeRequest, afterWrite, Optional.of(folder));
    }
}
