package dev.weir.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Local mode started again on the data directory of an earlier one. */
class RestartTest {
    private static final Duration SOON = Duration.ofSeconds(40);
    private static final String OBJECTS = """
            apiVersion: weir.dev/v1alpha1
            kind: Release
            metadata: {name: app}
            spec:
              workload: Deployment
              router: Istio
              strategy: Canary
              service: {name: app, port: 9898}
              versions: [{name: app-0, image: "stefanprodan/podinfo:6.0.0"}]
            ---
            apiVersion: apps/v1
            kind: StatefulSet
            metadata: {name: data}
            spec:
              serviceName: data
              selector: {matchLabels: {app: data}}
              template:
                metadata: {labels: {app: data}}
                spec:
                  terminationGracePeriodSeconds: 1
                  containers: [{name: main, image: busybox, command: [sleep, infinity], volumeMounts: [{name: d, mountPath: /d}]}]
              volumeClaimTemplates:
              - metadata: {name: d}
                spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
            ---
            apiVersion: apps/v1
            kind: DaemonSet
            metadata: {name: everywhere}
            spec:
              selector: {matchLabels: {app: everywhere}}
              template:
                metadata: {labels: {app: everywhere}}
                spec:
                  terminationGracePeriodSeconds: 1
                  containers: [{name: main, image: busybox, command: [sleep, infinity]}]
            ---
            apiVersion: batch/v1
            kind: Job
            metadata: {name: once}
            spec: {template: {spec: {restartPolicy: Never, containers: [{name: main, image: busybox, command: [echo, once]}]}}}
            ---
            apiVersion: v1
            kind: Event
            metadata: {name: old.1}
            involvedObject: {kind: Pod, name: gone, namespace: default, uid: "1"}
            type: Normal
            reason: Started
            message: long ago
            count: 1
            firstTimestamp: "%1$s"
            lastTimestamp: "%1$s"
            """;

    @TempDir
    private Path folder;

    private LocalMode start() throws Exception {
        return LocalMode.start(LocalOptions.in(folder.resolve("local")));
    }

    private static void awaitAll(Kubectl kubectl) throws Exception {
        kubectl.ok("wait", "--for=condition=Ready", "release/app", "--timeout=40s");
        kubectl.ok("rollout", "status", "statefulset/data", "--timeout=40s");
        kubectl.ok("rollout", "status", "daemonset/everywhere", "--timeout=40s");
        kubectl.ok("wait", "--for=condition=complete", "job/once", "--timeout=40s");
    }

    private static String names(Kubectl kubectl) throws Exception {
        return kubectl.ok(
                "get",
                "deployments,replicasets,statefulsets,daemonsets,jobs,pods,pvc,services,leases",
                "-A",
                "-o",
                "name");
    }

    @Test
    void everythingGoesOn() throws Exception {
        Kubectl kubectl = Kubectl.find(folder.resolve("local/kubeconfig"), folder);
        String before;
        try (LocalMode first = start()) {
            assertThat(first.apiUrl()).isNotNull();
            String hoursAgo = Instant.now().minusSeconds(7200).toString();
            Kubectl.Said said = kubectl.run(OBJECTS.formatted(hoursAgo), "apply", "-f", "-");
            assertThat(said.code()).as(said.err()).isZero();
            awaitAll(kubectl);
            kubectl.ok("exec", "data-0", "--", "sh", "-c", "echo kept > d/file");
            before = names(kubectl);
        }
        try (LocalMode second = start()) {
            assertThat(second.apiUrl()).isNotNull();
            awaitAll(kubectl);
            await().atMost(SOON)
                    .untilAsserted(() -> assertThat(kubectl.ok("get", "pods", "-l", "app=data"))
                            .containsPattern("data-0 +1/1 +Running +1 "));
            assertThat(names(kubectl)).isEqualTo(before);
            assertThat(kubectl.ok("exec", "data-0", "--", "cat", "d/file")).isEqualTo("kept\n");
            // the mesh sends to where the pods are now
            await().atMost(SOON)
                    .untilAsserted(() -> assertThat(kubectl.run(
                                            "", "exec", "data-0", "--", "curl", "-s", "http://app.default:9898/version")
                                    .out())
                            .contains("6.0.0"));
            assertThat(kubectl.ok("get", "job", "once", "-o", "jsonpath={.status.succeeded}"))
                    .isEqualTo("1");
            assertThat(kubectl.ok("get", "pods", "-l", "job-name=once", "--no-headers")
                            .lines())
                    .hasSize(1);
            await().atMost(SOON)
                    .untilAsserted(() -> assertThat(kubectl.ok("get", "events")).doesNotContain("long ago"));
        }
        assertThat(Files.list(folder.resolve("local/processes"))).isEmpty();
    }
}
