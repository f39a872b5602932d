package dev.weir.local;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.api.model.GenericKubernetesResourceBuilder;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.zip.GZIPInputStream;

/** What local mode has from the start as an installed cluster has: Istio's and Gateway API's definitions, a gateway. */
final class Installation {
    private static final String DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    private static final String RELEASES = "/crds/weir.dev_releases.yaml";
    private static final String ISTIO = "istio-system";
    private static final int GATEWAY_WAIT_SECONDS = 30;
    private static final int CONFLICT = 409;

    private Installation() {}

    /** The definitions of the mesh's kinds, as JSON. */
    static List<JsonNode> definitions() throws IOException {
        ObjectMapper json = new ObjectMapper();
        List<JsonNode> all = new ArrayList<>();
        for (String file : List.of("/crds/istio.json.gz", "/crds/gateway-api.json.gz")) {
            try (InputStream in = new GZIPInputStream(resource(file))) {
                json.readTree(in).forEach(all::add);
            }
        }
        return all;
    }

    /** Posts the definitions, several at a time. */
    static void install(KubernetesClient client, List<JsonNode> definitions) throws IOException {
        try (Together together = new Together()) {
            for (JsonNode definition : definitions) {
                together.run(() -> ensure(() -> client.raw(DEFINITIONS, "POST", definition)));
            }
            together.finish();
        }
    }

    /**
     * The definition of Release, which the operator needs.
     *
     * @param first gets the definition as it is going to be sent
     */
    static void installReleases(KubernetesClient client, Consumer<JsonNode> first) throws IOException {
        ObjectMapper json = new ObjectMapper();
        try (InputStream in = resource(RELEASES)) {
            for (HasMetadata definition : client.load(in).items()) {
                first.accept(json.readTree(Serialization.asJson(definition)));
                create(client, definition);
            }
        }
    }

    /** The gateway that Istio's demo profile brings. */
    static void ingress(KubernetesClient client) throws IOException {
        create(
                client,
                new NamespaceBuilder()
                        .withNewMetadata()
                        .withName(ISTIO)
                        .endMetadata()
                        .build());
        try (InputStream in = resource("/istio-ingressgateway.yaml")) {
            client.load(in).items().forEach(object -> {
                object.getMetadata().setNamespace(ISTIO);
                create(client, object);
            });
        }
    }

    /** The class of Gateways that istiod brings. */
    static void gatewayClass(KubernetesClient client) {
        create(
                client,
                new GenericKubernetesResourceBuilder()
                        .withApiVersion("gateway.networking.k8s.io/v1")
                        .withKind("GatewayClass")
                        .withNewMetadata()
                        .withName("istio")
                        .endMetadata()
                        .addToAdditionalProperties(
                                "spec",
                                Map.of(
                                        "controllerName",
                                        GatewayApiController.CONTROLLER,
                                        "description",
                                        "The default Istio GatewayClass"))
                        .build());
    }

    /**
     * Says to the chart of the operator whether the operator runs inside, and to the command line where requests are counted.
     *
     * @param statistics the data plane's page
     */
    static void describe(KubernetesClient client, boolean operatorInside, URI statistics) {
        var description = new ConfigMapBuilder()
                .withNewMetadata()
                .withName("weir-local")
                .withNamespace("kube-public")
                .endMetadata()
                .withData(
                        Map.of("operatorInside", Boolean.toString(operatorInside), "statistics", statistics.toString()))
                .build();
        // an earlier local mode of the same data directory may have been another in this respect
        client.resource(description).createOr(present -> present.update());
    }

    private static void create(KubernetesClient client, HasMetadata object) {
        ensure(() -> client.resource(object).create());
    }

    /** What an earlier start has made already is left. */
    private static void ensure(Runnable creation) {
        try {
            creation.run();
        } catch (KubernetesClientException refused) {
            if (refused.getCode() != CONFLICT) {
                throw refused;
            }
        }
    }

    private static InputStream resource(String name) {
        return Objects.requireNonNull(Installation.class.getResourceAsStream(name), name);
    }

    /** Waits until the gateway is ready; where it listens. */
    static URI awaitGateway(KubernetesClient client) {
        var pod = client.pods()
                .inNamespace(ISTIO)
                .withLabel("istio", "ingressgateway")
                .waitUntilCondition(OwnedPods::isReady, GATEWAY_WAIT_SECONDS, TimeUnit.SECONDS);
        Map<String, String> annotations = pod.getMetadata().getAnnotations();
        String bound = annotations == null ? null : annotations.get(DataPlaneFeed.BOUND_PORTS);
        String own = pod.getStatus().getPodIP() + ":80";
        try {
            String address = bound == null
                    ? own
                    : new ObjectMapper().readTree(bound).path("80").asText(own);
            return URI.create("http://" + address);
        } catch (IOException malformed) {
            throw new UncheckedIOException(malformed);
        }
    }
}
