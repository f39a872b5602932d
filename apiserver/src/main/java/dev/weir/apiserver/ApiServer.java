package dev.weir.apiserver;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.auth.Access;
import dev.weir.apiserver.auth.Authenticator;
import dev.weir.apiserver.auth.BootstrapRoles;
import dev.weir.apiserver.auth.CertificateAuthority;
import dev.weir.apiserver.auth.KeyFiles;
import dev.weir.apiserver.auth.RoleAggregation;
import dev.weir.apiserver.auth.ServiceAccountTokens;
import dev.weir.apiserver.builtin.ServiceAddresses;
import dev.weir.apiserver.custom.Definitions;
import dev.weir.apiserver.http.HttpServer;
import dev.weir.apiserver.merge.Json;
import dev.weir.apiserver.rest.ApiHandler;
import dev.weir.apiserver.rest.Kinds;
import dev.weir.apiserver.rest.Resources;
import dev.weir.apiserver.rest.Wiring;
import dev.weir.apiserver.store.Journal;
import dev.weir.apiserver.store.VersionedStore;
import dev.weir.apiserver.table.Tables;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.KeyPair;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/**
 * A Kubernetes API server in this process: the same API, without etcd and without controllers.
 *
 * <p>It has the namespaces, service account and roles that every cluster has from the start.
 */
public final class ApiServer implements AutoCloseable {
    /** The folders within a data directory that hold what is kept; deleting them begins anew. */
    public static final List<String> KEPT = List.of("store", "pki");

    private final HttpServer http;
    private final CertificateAuthority authority;

    private final VersionedStore store;
    private final Definitions definitions;

    private ApiServer(HttpServer http, CertificateAuthority authority, VersionedStore store, Definitions definitions) {
        this.http = http;
        this.authority = authority;
        this.store = store;
        this.definitions = definitions;
    }

    /** How long logs of writes get before a snapshot takes their place; reading them is part of every start. */
    private static final long COMPACT_AT_BYTES = 8 << 20;

    /** What a server keeps from one start to the next. */
    private record Kept(CertificateAuthority authority, KeyPair signingKey, Optional<Journal> journal) {
        static Kept of(Optional<Path> dataDir) throws IOException {
            if (dataDir.isEmpty()) {
                return new Kept(CertificateAuthority.create(), CertificateAuthority.keys(), Optional.empty());
            }
            // the journal first: it keeps a second server out
            Journal journal = Journal.open(dataDir.get().resolve("store"), COMPACT_AT_BYTES);
            try {
                KeyFiles keys = new KeyFiles(dataDir.get().resolve("pki"));
                return new Kept(keys.authority(), keys.signingKey(), Optional.of(journal));
            } catch (IOException | RuntimeException failure) {
                journal.close();
                throw failure;
            }
        }
    }

    /**
     * Starts a server; with a data directory it goes on where the last one ended.
     *
     * @throws IOException if the address cannot be bound, or the data directory cannot be used; the message names it
     */
    public static ApiServer start(ApiServerOptions options) throws IOException {
        Kept kept = Kept.of(options.dataDir());
        List<Consumer<VersionedStore.Event>> followers = new CopyOnWriteArrayList<>();
        ServiceAddresses addresses = new ServiceAddresses();
        followers.add(addresses::written);
        Consumer<VersionedStore.Event> afterWrite = event -> {
            followers.forEach(follower -> follower.accept(event));
            options.hooks().afterWrite().accept(event);
        };
        VersionedStore store = kept.journal()
                .map(journal -> new VersionedStore(journal, afterWrite))
                .orElseGet(() -> new VersionedStore(afterWrite));
        try {
            Resources resources = new Resources(store, new Kinds(), addresses);
            Tables tables = new Tables(options.clock());
            Definitions defined = new Definitions(resources, tables, options.clock());
            followers.add(defined::written);
            followers.add(defined::cleanUp);
            followers.add(new RoleAggregation(store)::written);
            followers.add(new EventExpiry(store, options.clock())::written);
            takeUp(store, addresses, defined);
            Bootstrap.fill(store);
            Access access = new Access(store, options.authorize());
            ServiceAccountTokens tokens = new ServiceAccountTokens(kept.signingKey(), options.clock());
            ApiHandler handler = Wiring.handler(resources, defined, tables, access, tokens, options.clock());
            Authenticator authenticator = new Authenticator(options.tokens(), tokens, store);
            HttpServer http = HttpServer.start(
                    options.bind(),
                    kept.authority(),
                    new HttpServer.Service(
                            handler, authenticator, options.hooks().beforeRequest(), options.limits()));
            OwnService.publish(store, http.address());
            return new ApiServer(http, kept.authority(), store, defined);
        } catch (IOException | RuntimeException failure) {
            store.close();
            throw failure;
        }
    }

    /** Does again what followed from writes of an earlier server and was not kept, or not done to its end. */
    private static void takeUp(VersionedStore store, ServiceAddresses addresses, Definitions defined) {
        for (VersionedStore.Entry service : store.list("services").entries()) {
            addresses.written(VersionedStore.Event.added(service));
        }
        for (VersionedStore.Entry definition : store.list(Definitions.RESOURCE).entries()) {
            defined.takeUp(definition);
        }
    }

    /** The objects that exist before anybody asks. */
    private static final class Bootstrap {
        static void fill(VersionedStore store) {
            for (String name : List.of("default", "kube-system", "kube-public", "kube-node-lease")) {
                ObjectNode namespace = object("v1", "Namespace", name);
                namespace.withObject("/metadata").putObject("labels").put("kubernetes.io/metadata.name", name);
                namespace.putObject("spec").putArray("finalizers").add("kubernetes");
                namespace.putObject("status").put("phase", "Active");
                store.create(new VersionedStore.Key("namespaces", "", name), namespace);
            }
            priorityClass(store, "system-cluster-critical", 2_000_000_000);
            priorityClass(store, "system-node-critical", 2_000_001_000);
            for (ObjectNode role : BootstrapRoles.all()) {
                String name = role.path("metadata").path("name").asText();
                boolean binding = role.path("kind").asText().equals("ClusterRoleBinding");
                stamp(role.withObject("/metadata"));
                store.create(
                        new VersionedStore.Key(
                                (binding ? "clusterrolebindings" : "clusterroles") + ".rbac.authorization.k8s.io",
                                "",
                                name),
                        role);
            }
        }

        private static void priorityClass(VersionedStore store, String name, int value) {
            ObjectNode made = object("scheduling.k8s.io/v1", "PriorityClass", name);
            made.withObject("/metadata").put("generation", 1);
            made.put("value", value).put("preemptionPolicy", "PreemptLowerPriority");
            store.create(new VersionedStore.Key("priorityclasses.scheduling.k8s.io", "", name), made);
        }

        private static void stamp(ObjectNode metadata) {
            metadata.put("uid", UUID.randomUUID().toString())
                    .put(
                            "creationTimestamp",
                            java.time.Instant.now()
                                    .truncatedTo(java.time.temporal.ChronoUnit.SECONDS)
                                    .toString());
        }

        private static ObjectNode object(String apiVersion, String kind, String name) {
            ObjectNode object = Json.MAPPER.createObjectNode();
            object.put("apiVersion", apiVersion).put("kind", kind);
            stamp(object.putObject("metadata").put("name", name));
            return object;
        }
    }

    /**
     * Takes the rules of a definition that will be created to be sound, which makes a start much quicker. For definitions
     * whose rules were compiled by a test.
     */
    public void vouchFor(JsonNode definition) {
        definitions.vouchFor(definition);
    }

    /** Ends every watch, as a server that goes away does; clients are expected to come back. */
    public void cutWatches() {
        store.cutWatches();
    }

    /** Forgets the past, as compaction does: no list and no watch can start before now. */
    public void forgetHistory() {
        store.compact();
    }

    public URI url() {
        return URI.create("https://" + http.address().getAddress().getHostAddress() + ":"
                + http.address().getPort());
    }

    /** Signs certificates for those who talk to this server, such as the kubelet endpoint. */
    public CertificateAuthority authority() {
        return authority;
    }

    /** A kubeconfig for a bearer token. */
    public String kubeconfig(String context, String token) {
        String ca =
                Base64.getEncoder().encodeToString(authority.certificatePem().getBytes(StandardCharsets.UTF_8));
        return """
                apiVersion: v1
                kind: Config
                current-context: %1$s
                clusters:
                - name: %1$s
                  cluster:
                    server: %2$s
                    certificate-authority-data: %3$s
                contexts:
                - name: %1$s
                  context:
                    cluster: %1$s
                    user: %1$s
                    namespace: default
                users:
                - name: %1$s
                  user:
                    token: %4$s
                """.formatted(context, url(), ca, token);
    }

    @Override
    public void close() {
        http.close();
        store.close();
    }
}
