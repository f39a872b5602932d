package dev.weir.kubernetes;

import java.util.Map;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

/** The routers on the class path, by name. */
public final class TrafficRouters {
    private final Map<String, TrafficRouter> byName;

    public TrafficRouters(Iterable<TrafficRouter> routers) {
        byName = StreamSupport.stream(routers.spliterator(), false)
                .collect(Collectors.toUnmodifiableMap(TrafficRouter::name, Function.identity()));
    }

    public static TrafficRouters load() {
        return new TrafficRouters(ServiceLoader.load(TrafficRouter.class));
    }

    /** What the routers make, each kind once. */
    public Set<ObjectKind> kinds() {
        return byName.values().stream().map(TrafficRouter::kind).collect(Collectors.toUnmodifiableSet());
    }

    /** The values that {@code spec.router} may have. */
    public Set<String> names() {
        return byName.keySet();
    }

    /** @throws IllegalArgumentException if no router has that name */
    public TrafficRouter require(String name) {
        TrafficRouter router = byName.get(name);
        if (router == null) {
            throw new IllegalArgumentException("unknown router '" + name + "', have " + byName.keySet());
        }
        return router;
    }
}
