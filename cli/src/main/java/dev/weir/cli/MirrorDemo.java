package dev.weir.cli;

import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;

@Command(
        name = "mirror",
        description = "The mirrored release: a candidate gets copies of the requests, users see the primary only.",
        mixinStandardHelpOptions = true)
final class MirrorDemo extends Demo {
    /** Bounds of a fair half of {@link #HALVED} draws, at an error rate below one in a million. */
    private static final int HALVED = 400;

    private static final int LEAST_HALF = 152;
    private static final int MOST_HALF = 248;
    private static final String HOST = "httpbin.default";
    private static final String REQUEST = HOST + "/get";
    private static final String PRIMARY_ROUTE = "httpbin-0.default.svc.cluster.local";

    @Override
    String folder() {
        return "mirror";
    }

    @Override
    String namespace() {
        return "default";
    }

    @Override
    void play(DemoCluster cluster, DemoSteps steps) throws IOException {
        cluster.installController(false);
        cluster.release(values("", "v0", ""), "one version", "all requests to the only version");
        steps.await(
                DemoCluster.WAIT_SECONDS,
                () -> cluster.ready() && PRIMARY_ROUTE.equals(route(cluster, "route", 0, "destination", "host")),
                "the VirtualService sends everything to httpbin-0");

        cluster.applySleep();
        cluster.requests(20, REQUEST, "httpbin-0");
        steps.promise("each request arrives once");
        long first = cluster.received("httpbin-0", "/get");
        steps.check(first == 20, "httpbin-0 logged " + first + " of 20");

        steps.step(
                "curl -H 'Host: httpbin.default' " + cluster.local().gateway(), "404 from outside without a gateway");
        int refused = DemoCluster.outside(cluster.local().gateway(), HOST);
        steps.check(refused == 404, "status " + refused);
        cluster.apply("gateway.yaml", "a gateway to be named by the release", "default");
        cluster.release(
                values("gateway: my-gateway\n", "v0", ""), "gateway: my-gateway", "200 from outside with a gateway");
        steps.await(
                DemoCluster.WAIT_SECONDS,
                () -> DemoCluster.outside(cluster.local().gateway(), HOST) == 200,
                "status 200 through the gateway");
        candidate(cluster, steps);
        promote(cluster, steps);
    }

    private static void candidate(DemoCluster cluster, DemoSteps steps) throws IOException {
        String gateway = "gateway: my-gateway\n";
        cluster.release(values(gateway, "v0", "100"), "a candidate, weight: 100", "copies once the candidate is ready");
        steps.await(
                DemoCluster.WAIT_SECONDS,
                () -> cluster.ready() && "100".equals(route(cluster, "mirrorPercentage", "value")),
                "the VirtualService mirrors 100 % to httpbin-1");
        cluster.requests(50, REQUEST, "httpbin-0");
        steps.promise("a copy of every request");
        steps.await(
                DemoCluster.WAIT_SECONDS,
                () -> cluster.received("httpbin-1", "/get") == 50,
                "httpbin-1 logged a copy of each of 50 requests");

        cluster.release(values(gateway, "v0", "50"), "the same candidate, weight: 50", "another percentage at once");
        steps.await(
                DemoCluster.WAIT_SECONDS,
                () -> cluster.ready() && "50".equals(route(cluster, "mirrorPercentage", "value")),
                "the VirtualService mirrors 50 %");
        cluster.requests(HALVED, REQUEST, "httpbin-0");
        steps.promise("a copy of half of the requests, give or take");
        steps.await(
                DemoCluster.WAIT_SECONDS,
                () -> cluster.received("httpbin-1", "/get") - 50 >= LEAST_HALF,
                "httpbin-1 logged at least " + LEAST_HALF + " of " + HALVED);
        long copies = cluster.received("httpbin-1", "/get") - 50;
        steps.check(copies <= MOST_HALF, copies + " of " + HALVED + " mirrored, at most " + MOST_HALF + " expected");
    }

    private static void promote(DemoCluster cluster, DemoSteps steps) throws IOException {
        cluster.release(
                values("gateway: my-gateway\n", "v1", ""), "the candidate promoted", "the candidate's objects go");
        steps.await(
                DemoCluster.WAIT_SECONDS,
                () -> !cluster.deployed("httpbin-1") && route(cluster, "mirror", "host") == null,
                "httpbin-1 and the mirror are gone");
        cluster.requests(20, REQUEST, "httpbin-0");
        cluster.uninstall(
                () -> !cluster.deployed("httpbin-0") && virtualService(cluster) == null,
                "no Deployment, no VirtualService");
    }

    /**
     * The values of the tutorial.
     *
     * @param gateway a line of its own; empty for none
     * @param label of the primary
     * @param weight of the candidate; empty for no candidate
     */
    private static String values(String gateway, String label, String weight) {
        String candidate = weight.isEmpty() ? "" : """
                  - metadata: {labels: {app.kubernetes.io/version: v1}}
                    image: kennethreitz/httpbin
                    weight: %s
                """.formatted(weight);
        return """
                environment: deployment-istio
                %sapplication:
                  strategy: mirror
                  versions:
                  - metadata: {labels: {app.kubernetes.io/version: %s}}
                    image: kennethreitz/httpbin
                %s""".formatted(gateway, label, candidate);
    }

    private static @Nullable GenericKubernetesResource virtualService(DemoCluster cluster) {
        return cluster.object("networking.istio.io/v1beta1", "VirtualService", "httpbin");
    }

    private static @Nullable String route(DemoCluster cluster, Object... path) {
        GenericKubernetesResource found = virtualService(cluster);
        if (found == null) {
            return null;
        }
        Object[] whole = new Object[path.length + 3];
        System.arraycopy(new Object[] {"spec", "http", 0}, 0, whole, 0, 3);
        System.arraycopy(path, 0, whole, 3, path.length);
        Object value = found.get(whole);
        return value == null ? null : value.toString();
    }
}
