package dev.weir.bench;

import com.sun.management.OperatingSystemMXBean;
import dev.weir.local.LocalMode;
import dev.weir.local.LocalOptions;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/** What a local mode in which nothing happens costs: CPU time of its process and requests by user. */
public final class IdleBench {
    /** What the compiler of the Java machine takes to come to rest after a start. */
    private static final Duration SETTLING = Duration.ofSeconds(60);

    private static final int READY_SECONDS = 60;
    private static final String RELEASE = """
            apiVersion: weir.dev/v1alpha1
            kind: Release
            metadata: {name: httpbin, namespace: default}
            spec:
              strategy: Mirror
              versions:
              - {name: httpbin-0, image: kennethreitz/httpbin}
              - {name: httpbin-1, image: kennethreitz/httpbin, mirrorPercent: 50}
            """;

    private IdleBench() {}

    /**
     * Brings a release up in a local mode of this process and then watches both doing nothing.
     *
     * @return 0 if it used less than 1 % of a core and the operator made no request; otherwise 1
     * @throws IOException if local mode cannot start
     */
    public static int run(PrintStream out, Path folder, Duration time) throws IOException, InterruptedException {
        try (LocalMode local = LocalMode.start(LocalOptions.in(folder.resolve("local")))) {
            try (KubernetesClient client = new KubernetesClientBuilder()
                    .withConfig(Config.fromKubeconfig(Files.readString(local.kubeconfig())))
                    .build()) {
                client.resource(Serialization.unmarshal(RELEASE, GenericKubernetesResource.class))
                        .inNamespace("default")
                        .create();
                client.genericKubernetesResources("weir.dev/v1alpha1", "Release")
                        .inNamespace("default")
                        .withName("httpbin")
                        .waitUntilCondition(
                                release -> release != null
                                        && String.valueOf(release.getAdditionalProperties())
                                                .contains("reason=Ready"),
                                READY_SECONDS,
                                TimeUnit.SECONDS);
            }
            TimeUnit.MILLISECONDS.sleep(SETTLING.toMillis());
            return watch(out, local, time);
        }
    }

    private static int watch(PrintStream out, LocalMode local, Duration time) throws InterruptedException {
        OperatingSystemMXBean system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        Map<String, Long> before = local.requests();
        long cpu = system.getProcessCpuTime();
        long start = System.nanoTime();
        TimeUnit.MILLISECONDS.sleep(time.toMillis());
        double share = 100.0 * (system.getProcessCpuTime() - cpu) / (System.nanoTime() - start);
        Map<String, Long> made = new TreeMap<>(local.requests());
        made.replaceAll((user, count) -> count - before.getOrDefault(user, 0L));
        long operators = made.getOrDefault(LocalMode.OPERATOR, 0L);
        out.printf(
                "one release, %d s without a change, %d s after it was ready%n",
                time.toSeconds(), SETTLING.toSeconds());
        out.printf("%-32s %.2f %% of a core%n", "CPU time", share);
        made.forEach((user, count) -> out.printf("%-32s %d requests%n", user, count));
        return share < 1 && operators == 0 ? 0 : 1;
    }
}
