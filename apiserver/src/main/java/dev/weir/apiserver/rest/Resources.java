package dev.weir.apiserver.rest;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.builtin.BuiltInStrategy;
import dev.weir.apiserver.builtin.KindCheck;
import dev.weir.apiserver.builtin.ServiceAddresses;
import dev.weir.apiserver.schema.BuiltInSchemas;
import dev.weir.apiserver.store.VersionedStore;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** The store, what is served from it, and how each kind behaves. */
public final class Resources {
    private final VersionedStore store;
    private final Kinds kinds;
    private final BuiltInSchemas schemas = new BuiltInSchemas();
    private final ServiceAddresses addresses;
    private final Map<String, ResourceStrategy> strategies = new ConcurrentHashMap<>();
    private final Map<String, KindCheck> checks = new ConcurrentHashMap<>();

    public Resources(VersionedStore store, Kinds kinds, ServiceAddresses addresses) {
        this.store = store;
        this.kinds = kinds;
        this.addresses = addresses;
    }

    public VersionedStore store() {
        return store;
    }

    public Kinds kinds() {
        return kinds;
    }

    public ResourceStrategy strategy(ResourceType type) {
        return strategies.computeIfAbsent(
                id(type),
                _ -> new BuiltInStrategy(
                        type,
                        schemas.of(type.group(), type.version(), type.kind()),
                        addresses,
                        checks.getOrDefault(type.qualifiedPlural(), KindCheck.NONE)));
    }

    /** Checks a built-in kind by these rules too; to be called before the first request. */
    public void addCheck(String qualifiedPlural, KindCheck check) {
        checks.put(qualifiedPlural, check);
    }

    /** Serves a custom type by this strategy from now on. */
    public void setStrategy(ResourceType type, ResourceStrategy strategy) {
        strategies.put(id(type), strategy);
    }

    private static String id(ResourceType type) {
        return type.apiVersion() + "/" + type.plural();
    }

    /** Events live under one name whichever group asks for them. */
    public static VersionedStore.Key key(ResourceType type, String namespace, String name) {
        return new VersionedStore.Key(storageName(type), namespace, name);
    }

    public static String storageName(ResourceType type) {
        return type.plural().equals("events") ? "events" : type.qualifiedPlural();
    }

    /** The stored object in this version's form, as readers see it; a copy that may be changed. */
    public Optional<ObjectNode> find(ResourceType type, String namespace, String name) {
        return store.get(key(type, namespace, name)).map(entry -> strategy(type).shown(read(type, entry.object())));
    }

    public ObjectNode get(ResourceType type, String namespace, String name) {
        return find(type, namespace, name).orElseThrow(() -> ApiException.notFound(type, name));
    }

    /** A copy in this version's form, with all that is stored. */
    public ObjectNode read(ResourceType type, ObjectNode stored) {
        return strategy(type).onRead(stored).deepCopy();
    }
}
