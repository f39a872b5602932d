package dev.weir.operator;

import dev.weir.apiserver.ApiServer;
import dev.weir.apiserver.ApiServerOptions;
import dev.weir.apiserver.auth.User;
import dev.weir.apiserver.rest.ApiRequest;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.apps.DeploymentStatusBuilder;
import io.fabric8.kubernetes.api.model.discovery.v1.EndpointSliceBuilder;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** An API server without controllers: what they would do, the test does. */
final class Cluster implements AutoCloseable {
    private static final String NAMESPACE = "default";
    private static final PatchContext APPLY = new PatchContext.Builder()
            .withPatchType(PatchType.SERVER_SIDE_APPLY)
            .withFieldManager("user")
            .withForce(true)
            .build();

    private final ApiServer api;
    private final KubernetesClient user;
    private final KubernetesClient own;
    private final KubernetesClient second;

    /** @param beforeOperator sees every request of the operator's and may refuse it */
    Cluster(Consumer<ApiRequest> beforeOperator) {
        User admin = new User("user", "", List.of("system:masters", "system:authenticated"));
        User operator = new User("operator", "", List.of("system:masters", "system:authenticated"));
        User another = new User("another", "", List.of("system:masters", "system:authenticated"));
        ApiServerOptions options = ApiServerOptions.loopback(Map.of("u", admin, "o", operator, "a", another))
                .withBeforeRequest(request -> {
                    if (request.user().name().equals("operator")) {
                        beforeOperator.accept(request);
                    }
                });
        try {
            api = ApiServer.start(options);
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
        user = client("u");
        own = client("o");
        second = client("a");
        install("/crds/weir.dev_releases.yaml");
    }

    private KubernetesClient client(String token) {
        return new KubernetesClientBuilder()
                .withConfig(Config.fromKubeconfig(api.kubeconfig("test", token)))
                .build();
    }

    void install(String definition) {
        InputStream in = Objects.requireNonNull(Cluster.class.getResourceAsStream(definition), definition);
        // applied, not created: the client repeats a request whose answer is late
        user.load(in).serverSideApply();
    }

    Operator operator() {
        return Operator.start(own, Operator.Options.allNamespaces());
    }

    /** What the operator asks with; of one process. */
    KubernetesClient operatorClient() {
        return own;
    }

    /** What another operator asks with, whose requests nobody refuses. */
    KubernetesClient secondClient() {
        return second;
    }

    KubernetesClient user() {
        return user;
    }

    /** Applies any object as the user. */
    void apply(String yaml) {
        user.resource(Serialization.unmarshal(yaml, GenericKubernetesResource.class))
                .inNamespace(NAMESPACE)
                .patch(APPLY);
    }

    /** Applies the release {@code app} with this in its spec. */
    void release(String spec) {
        apply("apiVersion: weir.dev/v1alpha1\nkind: Release\nmetadata: {name: app}\nspec:\n" + spec.indent(2));
    }

    /** Creates the release {@code app}, as {@code kubectl create} does. */
    void createRelease(String spec) {
        String yaml = "apiVersion: weir.dev/v1alpha1\nkind: Release\nmetadata: {name: app}\nspec:\n" + spec.indent(2);
        user.resource(Serialization.unmarshal(yaml, GenericKubernetesResource.class))
                .inNamespace(NAMESPACE)
                .create();
    }

    @Nullable
    GenericKubernetesResource get(String apiVersion, String kind, String name) {
        return user.genericKubernetesResources(apiVersion, kind)
                .inNamespace(NAMESPACE)
                .withName(name)
                .get();
    }

    @Nullable
    GenericKubernetesResource route(String name) {
        return get("networking.istio.io/v1beta1", "VirtualService", name);
    }

    /** The percentage that the route mirrors; null for none. */
    @Nullable
    Object mirrored() {
        GenericKubernetesResource route = route("app");
        return route == null ? null : route.get("spec", "http", 0, "mirrorPercentage", "value");
    }

    /** Why the release is ready or not; empty if that is not about its newest spec. */
    String reason() {
        return ready("reason");
    }

    /** The message that goes with the reason. */
    String message() {
        return ready("message");
    }

    private String ready(String field) {
        GenericKubernetesResource release = get("weir.dev/v1alpha1", "Release", "app");
        if (release == null
                || !(release.get("status", "conditions") instanceof List<?> conditions)
                || !release.getMetadata()
                        .getGeneration()
                        .equals(((Number) release.get("status", "observedGeneration")).longValue())) {
            return "";
        }
        return conditions.stream()
                .map(condition -> (Map<?, ?>) condition)
                .filter(condition -> "Ready".equals(condition.get("type")))
                .map(condition -> String.valueOf(condition.get(field)))
                .findFirst()
                .orElse("");
    }

    /** True once the Deployment and the Service of a version exist. */
    boolean exists(String version) {
        return get("apps/v1", "Deployment", version) != null && get("v1", "Service", version) != null;
    }

    /** What the controllers would do once a version has this many ready pods. */
    void ready(String version, int pods) {
        user.apps()
                .deployments()
                .inNamespace(NAMESPACE)
                .withName(version)
                .editStatus(deployment -> status(deployment, pods));
        var slice = new EndpointSliceBuilder()
                .withNewMetadata()
                .withName(version + "-slice")
                .withNamespace(NAMESPACE)
                .addToLabels("kubernetes.io/service-name", version)
                .addToLabels("weir.dev/release", "app")
                .endMetadata()
                .withAddressType("IPv4");
        for (int i = 0; i < pods; i++) {
            slice.addNewEndpoint()
                    .addToAddresses("10.0.0." + (i + 1))
                    .withNewConditions()
                    .withReady(true)
                    .endConditions()
                    .endEndpoint();
        }
        user.resource(slice.build()).patch(APPLY);
    }

    private static Deployment status(Deployment deployment, int pods) {
        deployment.setStatus(new DeploymentStatusBuilder()
                .withObservedGeneration(deployment.getMetadata().getGeneration())
                .withReplicas(1)
                .withUpdatedReplicas(1)
                .withReadyReplicas(pods)
                .withAvailableReplicas(pods)
                .build());
        return deployment;
    }

    @Override
    public void close() {
        second.close();
        own.close();
        user.close();
        api.close();
    }
}
