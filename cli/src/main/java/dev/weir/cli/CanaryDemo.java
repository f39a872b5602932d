package dev.weir.cli;

import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import java.io.IOException;
import java.net.URI;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;

@Command(
        name = "canary",
        description = "The canary release on Gateway API: a candidate gets the requests that match its conditions.",
        mixinStandardHelpOptions = true)
final class CanaryDemo extends Demo {
    private static final String HOST = "httpbin.test";
    private static final String PLAIN = HOST + "/get";
    private static final String TESTER = PLAIN + " -H 'traffic: test'";
    private static final String API = "gateway.networking.k8s.io/v1";

    @Override
    String folder() {
        return "canary";
    }

    @Override
    String namespace() {
        return "test";
    }

    @Override
    void play(DemoCluster cluster, DemoSteps steps) throws IOException {
        cluster.installController(true);
        steps.step("kubectl create namespace test", "a place for the application");
        cluster.client()
                .namespaces()
                .resource(new NamespaceBuilder()
                        .withNewMetadata()
                        .withName("test")
                        .endMetadata()
                        .build())
                .create();
        cluster.release(values("", "v0", false), "one version", "all requests to the only version");
        steps.await(
                DemoCluster.WAIT_SECONDS,
                () -> cluster.ready() && backends(cluster).equals(List.of("httpbin-0")),
                "the HTTPRoute sends everything to httpbin-0");

        cluster.applySleep();
        cluster.requests(10, PLAIN, "httpbin-0");
        cluster.requests(10, TESTER, "httpbin-0");
        steps.promise("each request arrives once");
        received(cluster, steps, "httpbin-0", 20);
        candidate(cluster, steps);
        outside(cluster, steps);
        promote(cluster, steps);
    }

    private static void candidate(DemoCluster cluster, DemoSteps steps) throws IOException {
        cluster.release(
                values("", "v0", true), "a candidate for requests with traffic: test", "its rule once it is ready");
        steps.await(
                DemoCluster.WAIT_SECONDS,
                () -> cluster.ready() && backends(cluster).equals(List.of("httpbin-1", "httpbin-0")),
                "the HTTPRoute has the candidate's rule before the primary's");
        cluster.requests(20, TESTER, "httpbin-1");
        cluster.requests(10, PLAIN, "httpbin-0");
        cluster.requests(10, PLAIN + " -H 'traffic: other'", "httpbin-0");
        steps.promise("what matches went to the candidate, the rest to the primary");
        received(cluster, steps, "httpbin-1", 20);
        received(cluster, steps, "httpbin-0", 40);
    }

    private static void outside(DemoCluster cluster, DemoSteps steps) throws IOException {
        cluster.apply("gateway.yaml", "a Gateway with an address", "test");
        steps.await(DemoCluster.WAIT_SECONDS, () -> cluster.gateway("public").isPresent(), "the Gateway is programmed");
        URI address = cluster.gateway("public").orElse(URI.create("http://127.0.0.1:1"));
        steps.step("curl -H 'Host: httpbin.test' " + address, "404 from outside as long as no route names the Gateway");
        int refused = DemoCluster.outside(address, HOST);
        steps.check(refused == 404, "status " + refused);
        cluster.release(values("gateway: public\n", "v0", true), "gateway: public", "200 from outside");
        steps.await(
                DemoCluster.WAIT_SECONDS,
                () -> DemoCluster.outside(address, HOST) == 200,
                "status 200 through the Gateway");
        steps.promise("the same rules for requests from outside");
        long before = cluster.received("httpbin-1", "/get");
        int answered = DemoCluster.outside(address, HOST, "traffic", "test");
        steps.check(
                answered == 200 && cluster.received("httpbin-1", "/get") == before + 1,
                "traffic: test was answered " + answered + " by httpbin-1");
    }

    private static void promote(DemoCluster cluster, DemoSteps steps) throws IOException {
        cluster.release(
                values("gateway: public\n", "v1", false), "the candidate promoted", "the candidate's objects go");
        steps.await(
                DemoCluster.WAIT_SECONDS,
                () -> cluster.ready()
                        && !cluster.deployed("httpbin-1")
                        && backends(cluster).equals(List.of("httpbin-0")),
                "httpbin-1 and its rule are gone");
        cluster.requests(10, PLAIN, "httpbin-0");
        cluster.requests(10, TESTER, "httpbin-0");
        cluster.uninstall(
                () -> !cluster.deployed("httpbin-0") && route(cluster) == null, "no Deployment, no HTTPRoute");
    }

    private static void received(DemoCluster cluster, DemoSteps steps, String version, long expected) {
        long logged = cluster.received(version, "/get");
        steps.check(logged == expected, version + " logged " + logged + " of " + expected);
    }

    /**
     * The values of the tutorial.
     *
     * @param gateway a line of its own; empty for none
     * @param label of the primary
     */
    private static String values(String gateway, String label, boolean candidate) {
        String second = candidate ? """
                  - metadata: {labels: {app.kubernetes.io/version: v1}}
                    image: kennethreitz/httpbin
                    matches:
                    - headers:
                      - name: traffic
                        value: test
                """ : "";
        return """
                environment: deployment-gtw
                %sapplication:
                  strategy: canary
                  versions:
                  - metadata: {labels: {app.kubernetes.io/version: %s}}
                    image: kennethreitz/httpbin
                %s""".formatted(gateway, label, second);
    }

    private static @Nullable GenericKubernetesResource route(DemoCluster cluster) {
        return cluster.object(API, "HTTPRoute", "httpbin");
    }

    /** The versions that the rules lead to, in their order. */
    private static List<String> backends(DemoCluster cluster) {
        GenericKubernetesResource found = route(cluster);
        if (found == null || !(found.get("spec", "rules") instanceof List<?> rules)) {
            return List.of();
        }
        return IntStream.range(0, rules.size())
                .mapToObj(rule -> String.valueOf(found.<Object>get("spec", "rules", rule, "backendRefs", 0, "name")))
                .toList();
    }
}
