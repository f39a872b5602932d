package dev.weir.metrics;

import java.util.Map;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

/** The metric providers on the class path, by name. */
public final class MetricProviders {
    private final Map<String, MetricProvider> byName;

    public MetricProviders(Iterable<MetricProvider> providers) {
        byName = StreamSupport.stream(providers.spliterator(), false)
                .collect(Collectors.toUnmodifiableMap(MetricProvider::name, Function.identity()));
    }

    public static MetricProviders load() {
        return new MetricProviders(ServiceLoader.load(MetricProvider.class));
    }

    /** In the alphabet's order. */
    public Set<String> names() {
        return new TreeSet<>(byName.keySet());
    }

    /** @throws IllegalArgumentException if no provider has that name */
    public MetricProvider require(String name) {
        MetricProvider provider = byName.get(name);
        if (provider == null) {
            throw new IllegalArgumentException("unknown metric provider '" + name + "', have " + names());
        }
        return provider;
    }
}
