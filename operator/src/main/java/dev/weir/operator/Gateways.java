package dev.weir.operator;

import dev.weir.kubernetes.ObjectKind;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Which of the gateways that releases name exist. Others make them, and they are not watched; that one was there is
 * believed for a while, to spare requests.
 */
final class Gateways {
    private static final Duration BELIEVED = Duration.ofSeconds(15);

    private final World world;
    private final Clock clock;
    /** By kind and name: when it was last there. */
    private final Map<String, Instant> seen = new ConcurrentHashMap<>();

    Gateways(World world, Clock clock) {
        this.world = world;
        this.clock = clock;
    }

    /**
     * False only if it is known not to exist: an operator of one namespace may not ask for what is in others.
     *
     * @param gateway {@code namespace/name}
     */
    boolean mayExist(ObjectKind kind, String gateway) {
        String key = kind.apiVersion() + " " + gateway;
        Instant last = seen.get(key);
        if (last != null && clock.instant().isBefore(last.plus(BELIEVED))) {
            return true;
        }
        seen.values().removeIf(then -> !clock.instant().isBefore(then.plus(BELIEVED)));
        int slash = gateway.indexOf('/');
        try {
            if (world.find(kind, gateway.substring(0, slash), gateway.substring(slash + 1))
                    .isEmpty()) {
                return false;
            }
        } catch (World.Refused forbidden) {
            return true;
        }
        seen.put(key, clock.instant());
        return true;
    }
}
