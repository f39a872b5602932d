package dev.weir.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Jobs, StatefulSets, DaemonSets and what belongs to them, by kubectl. */
class WorkloadsTest {
    private static final Duration SOON = Duration.ofSeconds(30);
    private static final String STATEFUL = """
            apiVersion: v1
            kind: Service
            metadata: {name: %1$s}
            spec: {clusterIP: None, selector: {app: %1$s}, ports: [{port: 9898}]}
            ---
            apiVersion: apps/v1
            kind: StatefulSet
            metadata: {name: %1$s}
            spec:
              serviceName: %1$s
              replicas: 3
              selector: {matchLabels: {app: %1$s}}
              %2$s
              template:
                metadata: {labels: {app: %1$s}}
                spec:
                  terminationGracePeriodSeconds: 1
                  containers:
                  - name: main
                    image: stefanprodan/podinfo:6.0.0
                    ports: [{containerPort: 9898}]
                    readinessProbe: {httpGet: {path: /readyz, port: 9898}, periodSeconds: 1}
                    volumeMounts: [{name: data, mountPath: /data}]
              volumeClaimTemplates:
              - metadata: {name: data}
                spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
            """;
    private static final String DAEMON = """
            apiVersion: apps/v1
            kind: DaemonSet
            metadata: {name: %1$s}
            spec:
              selector: {matchLabels: {app: %1$s}}
              template:
                metadata: {labels: {app: %1$s}}
                spec:
                  terminationGracePeriodSeconds: 1
                  nodeSelector: {%2$s}
                  containers: [{name: main, image: "busybox:1", command: [sleep, infinity]}]
            """;
    private static final String JOB = """
            apiVersion: batch/v1
            kind: Job
            metadata: {name: %1$s}
            spec:
              %2$s
              template:
                spec:
                  restartPolicy: Never
                  terminationGracePeriodSeconds: 1
                  containers: [{name: main, image: busybox, command: [sh, -c, '%3$s']}]
            """;

    @TempDir
    private static Path folder;

    private static TestBed bed;
    private static Kubectl kubectl;

    @BeforeAll
    static void start() throws Exception {
        kubectl = TestBed.kubectl(folder);
        bed = TestBed.start(folder, Map.of());
    }

    @AfterAll
    static void stop() {
        if (bed != null) {
            bed.close();
        }
    }

    private static void apply(String yaml, Object... values) throws Exception {
        TestBed.apply(kubectl, yaml, values);
    }

    private static String images(String app) throws Exception {
        return kubectl.ok("get", "pods", "-l", "app=" + app, "-o", "jsonpath={.items[*].spec.containers[0].image}");
    }

    private static void settled(String workload) throws Exception {
        kubectl.ok("rollout", "status", workload, "--timeout=40s");
    }

    @Test
    void statefulSetsHaveNumberedPodsWithAddressesAndFolders() throws Exception {
        apply(STATEFUL, "web", "");
        settled("statefulset/web");
        String order = kubectl.ok("get", "pods", "-l", "app=web", "--sort-by=.metadata.resourceVersion", "-o", "name");
        assertThat(order.lines()).containsExactlyInAnyOrder("pod/web-0", "pod/web-1", "pod/web-2");
        kubectl.ok("run", "client", "--image=curlimages/curl", "--command", "--", "sleep", "infinity");
        kubectl.ok("wait", "--for=condition=Ready", "pod/client", "--timeout=30s");
        for (String host : new String[] {"web-1.web", "web-1.web.default", "web-1.web.default.svc.cluster.local"}) {
            await().atMost(SOON)
                    .untilAsserted(() -> assertThat(
                                    kubectl.ok("exec", "client", "--", "curl", "-s", "http://" + host + ":9898/"))
                            .contains("\"hostname\": \"web-1\""));
        }
        kubectl.ok("exec", "web-1", "--", "sh", "-c", "echo kept > data/file");
        kubectl.ok("delete", "pod", "web-1");
        kubectl.ok("wait", "--for=condition=Ready", "pod/web-1", "--timeout=30s");
        assertThat(kubectl.ok("exec", "web-1", "--", "cat", "data/file")).isEqualTo("kept\n");
        assertThat(kubectl.ok("get", "pvc")).containsPattern("data-web-1 +Bound +pvc-\\S+ +1Gi +RWO");
        assertThat(kubectl.ok("describe", "pvc", "data-web-1")).contains("whose size is not limited");
        kubectl.ok("scale", "statefulset/web", "--replicas=1");
        kubectl.ok("wait", "--for=delete", "pod/web-1", "pod/web-2", "--timeout=30s");
        assertThat(kubectl.ok("get", "statefulset", "web")).containsPattern("web +1/1");
        kubectl.ok("delete", "pvc", "data-web-1");
        await().atMost(SOON)
                .untilAsserted(() -> assertThat(folder.resolve("local/claims/default/data-web-1"))
                        .doesNotExist());
        assertThat(Files.exists(folder.resolve("local/claims/default/data-web-0")))
                .isTrue();
        assertThat(kubectl.ok("describe", "statefulset", "web"))
                .contains("create Pod web-0 in StatefulSet web successful")
                .contains("delete Pod web-2 in StatefulSet web successful");
    }

    @Test
    void statefulSetsAreUpdatedFromTheEndAndTakenBack() throws Exception {
        apply(STATEFUL, "rolls", "podManagementPolicy: Parallel");
        settled("statefulset/rolls");
        kubectl.ok(
                "patch",
                "statefulset/rolls",
                "-p",
                "{\"spec\":{\"updateStrategy\":{\"rollingUpdate\":{\"partition\":2}}}}");
        kubectl.ok("set", "image", "statefulset/rolls", "main=stefanprodan/podinfo:6.0.1");
        settled("statefulset/rolls");
        String one = "stefanprodan/podinfo:6.0.0";
        String two = "stefanprodan/podinfo:6.0.1";
        assertThat(images("rolls")).isEqualTo(String.join(" ", one, one, two));
        // below the partition, pods come back as they were
        kubectl.ok("delete", "pod", "rolls-0");
        kubectl.ok("wait", "--for=condition=Ready", "pod/rolls-0", "--timeout=30s");
        assertThat(images("rolls")).isEqualTo(String.join(" ", one, one, two));
        kubectl.ok(
                "patch",
                "statefulset/rolls",
                "-p",
                "{\"spec\":{\"updateStrategy\":{\"rollingUpdate\":{\"partition\":0}}}}");
        settled("statefulset/rolls");
        assertThat(images("rolls")).isEqualTo(String.join(" ", two, two, two));
        assertThat(kubectl.ok("rollout", "history", "statefulset/rolls", "--revision=1"))
                .contains(one);
        kubectl.ok("rollout", "undo", "statefulset/rolls");
        settled("statefulset/rolls");
        assertThat(images("rolls")).isEqualTo(String.join(" ", one, one, one));
        assertThat(kubectl.ok("rollout", "history", "statefulset/rolls"))
                .containsPattern("(?m)^3 ")
                .doesNotContainPattern("(?m)^1 ");
    }

    @Test
    void daemonSetsHaveOnePodOnTheNode() throws Exception {
        apply(DAEMON, "agent", "kubernetes.io/os: linux");
        settled("daemonset/agent");
        assertThat(kubectl.ok("get", "daemonset", "agent")).containsPattern("agent +1 +1 +1 +1 +1");
        kubectl.ok("set", "image", "daemonset/agent", "main=busybox:2");
        settled("daemonset/agent");
        assertThat(images("agent")).isEqualTo("busybox:2");
        kubectl.ok("rollout", "undo", "daemonset/agent");
        settled("daemonset/agent");
        assertThat(images("agent")).isEqualTo("busybox:1");
        kubectl.ok("rollout", "restart", "daemonset/agent");
        settled("daemonset/agent");
        apply(DAEMON, "elsewhere", "disk: fast");
        await().atMost(SOON)
                .untilAsserted(() ->
                        assertThat(kubectl.ok("get", "daemonset", "elsewhere")).containsPattern("elsewhere +0 +0 +0"));
    }

    @Test
    void jobsComplete() throws Exception {
        kubectl.ok("create", "job", "hello", "--image=busybox", "--", "echo", "hi");
        kubectl.ok("wait", "--for=condition=complete", "job/hello", "--timeout=30s");
        assertThat(kubectl.ok("logs", "job/hello")).isEqualTo("hi\n");
        assertThat(kubectl.ok("get", "job", "hello")).containsPattern("hello +Complete +1/1");
        assertThat(kubectl.ok("describe", "job", "hello"))
                .containsPattern("0 Active \\(0 Ready\\) / 1 Succeeded / 0 Failed")
                .containsPattern("Normal +SuccessfulCreate .*Created pod: hello-")
                .containsPattern("Normal +Completed .*Job completed");
        apply(
                JOB,
                "parts",
                "completions: 4\n  parallelism: 2\n  completionMode: Indexed\n  ttlSecondsAfterFinished: 3",
                "echo part $JOB_COMPLETION_INDEX");
        kubectl.ok("wait", "--for=condition=complete", "job/parts", "--timeout=30s");
        assertThat(kubectl.ok("logs", "-l", "batch.kubernetes.io/job-name=parts")
                        .lines())
                .containsExactlyInAnyOrder("part 0", "part 1", "part 2", "part 3");
        assertThat(kubectl.ok("get", "job", "parts", "-o", "jsonpath={.status.completedIndexes}"))
                .isEqualTo("0-3");
        kubectl.ok("wait", "--for=delete", "job/parts", "--timeout=30s");
    }

    @Test
    void jobsFail() throws Exception {
        apply(JOB, "fails", "backoffLimit: 1", "exit 3");
        apply(JOB, "late", "activeDeadlineSeconds: 1", "sleep 100");
        kubectl.ok("wait", "--for=condition=failed", "job/fails", "job/late", "--timeout=30s");
        assertThat(kubectl.ok("describe", "job", "fails"))
                .contains("0 Succeeded / 2 Failed")
                .containsPattern("Warning +BackoffLimitExceeded");
        assertThat(kubectl.ok("get", "job", "late", "-o", "jsonpath={.status.conditions[*].reason}"))
                .contains("DeadlineExceeded");
        kubectl.ok("wait", "--for=delete", "pod", "-l", "job-name=late", "--timeout=30s");
        apply(JOB, "waits", "suspend: true", "echo at last");
        await().atMost(SOON)
                .untilAsserted(
                        () -> assertThat(kubectl.ok("get", "job", "waits")).contains("Suspended"));
        assertThat(kubectl.ok("get", "pods", "-l", "job-name=waits")).isEmpty();
        kubectl.ok("patch", "job/waits", "-p", "{\"spec\":{\"suspend\":false}}");
        kubectl.ok("wait", "--for=condition=complete", "job/waits", "--timeout=30s");
    }

    @Test
    void autoscalersSayThatThereAreNoMetrics() throws Exception {
        apply("""
                apiVersion: autoscaling/v2
                kind: HorizontalPodAutoscaler
                metadata: {name: scales}
                spec:
                  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: none}
                  maxReplicas: 3
                  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]
                """);
        await().atMost(SOON)
                .untilAsserted(() -> assertThat(kubectl.ok("describe", "hpa", "scales"))
                        .containsPattern("ScalingActive +False +FailedGetResourceMetric .*local mode has no metrics"));
        assertThat(kubectl.run("", "top", "pods").err()).contains("Metrics API not available");
    }
}
