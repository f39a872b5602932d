package dev.weir.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Local mode as a user of an unmodified kubectl sees it. */
class KubectlTest {
    private static final Duration SOON = Duration.ofSeconds(30);
    private static final String WEB = """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: %1$s}
            spec:
              replicas: %2$d
              selector: {matchLabels: {app: %1$s}}
              template:
                metadata: {labels: {app: %1$s}}
                spec:
                  terminationGracePeriodSeconds: 5
                  containers: [{name: main, image: "%3$s", ports: [{containerPort: 80}]}]
            """;
    private static final String SHELL = """
            apiVersion: v1
            kind: Pod
            metadata: {name: %1$s}
            spec:
              terminationGracePeriodSeconds: 1
              containers:
              - {name: main, image: curlimages/curl, command: [sh, -c, '%2$s']}
              - {name: other, image: curlimages/curl, command: [sh, -c, 'echo from the other; exec sleep infinity']}
            """;

    @TempDir
    private static Path folder;

    private static TestBed bed;
    private static Kubectl kubectl;

    @BeforeAll
    static void start() throws IOException {
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

    private static void deploy(String name, int replicas) throws Exception {
        apply(WEB, name, replicas, "kennethreitz/httpbin:one");
        kubectl.ok("rollout", "status", "deployment/" + name, "--timeout=30s");
    }

    private static void shell(String name, String script) throws Exception {
        apply(SHELL, name, script);
        kubectl.ok("wait", "--for=condition=Ready", "pod/" + name, "--timeout=30s");
    }

    @Test
    void logsAreShownFollowedAndChosen() throws Exception {
        shell("talks", "i=0; while sleep 0.1; do i=$((i+1)); echo line $i; done");
        try (Kubectl.Running following = kubectl.start("logs", "-f", "talks", "-c", "main")) {
            await().atMost(SOON).until(() -> following.out().contains("line 5\n"));
            assertThat(following.ended()).isFalse();
            assertThat(following.out()).startsWith("line 1\nline 2\n");
            kubectl.ok("delete", "pod", "talks", "--now");
            await().atMost(SOON).until(following::ended);
        }
        shell("says", "echo first; echo last; exec sleep infinity");
        assertThat(kubectl.ok("logs", "says", "-c", "other")).isEqualTo("from the other\n");
        assertThat(kubectl.ok("logs", "says", "--tail=1")).isEqualTo("last\n");
        assertThat(kubectl.ok("logs", "says", "--since=1h")).isEqualTo("first\nlast\n");
        assertThat(kubectl.ok("logs", "says", "--all-containers")).contains("first", "from the other");
        assertThat(kubectl.ok("logs", "says", "--timestamps", "--tail=1")).matches("\\d{4}-\\d\\d-\\d\\dT\\S+Z last\n");
        Kubectl.Said none = kubectl.run("", "logs", "says", "-c", "main", "--previous");
        assertThat(none.code()).isOne();
        assertThat(none.err())
                .contains("previous terminated container \"main\" in pod \"says\" not found")
                .contains("BadRequest");
    }

    @Test
    void aCrashIsShownWithTheLogOfTheRunBefore() throws Exception {
        apply(SHELL, "crash", "echo it breaks; exit 9");
        await().atMost(SOON)
                .untilAsserted(
                        () -> assertThat(kubectl.ok("get", "pod", "crash")).contains("CrashLoopBackOff"));
        assertThat(kubectl.ok("logs", "crash", "-c", "main", "--previous")).isEqualTo("it breaks\n");
        assertThat(kubectl.ok("describe", "pod", "crash"))
                .containsPattern("Last State: +Terminated\\s+Reason: +Error\\s+Exit Code: +9")
                .containsPattern("Restart Count: +[1-9]")
                .containsPattern("Warning +BackOff .*Back-off restarting failed container main");
        assertThat(kubectl.ok("get", "pod", "crash", "-o", "jsonpath={.status.containerStatuses[0].lastState}"))
                .contains("\"exitCode\":9");
    }

    @Test
    void execGivesInputAndTheExitCodeBack() throws Exception {
        shell("works", "exec sleep infinity");
        assertThat(kubectl.run("given\n", "exec", "-i", "works", "-c", "main", "--", "cat"))
                .isEqualTo(new Kubectl.Said(0, "given\n", ""));
        Kubectl.Said failed =
                kubectl.run("", "exec", "works", "-c", "main", "--", "sh", "-c", "echo out; echo err >&2; exit 7");
        assertThat(failed.code()).isEqualTo(7);
        assertThat(failed.out()).isEqualTo("out\n");
        assertThat(failed.err()).startsWith("err\n").contains("exit code 7");
        String large = "0123456789abcdef".repeat(64 * 1024);
        assertThat(kubectl.run(large, "exec", "-i", "works", "-c", "main", "--", "wc", "-c")
                        .out()
                        .strip())
                .isEqualTo(Integer.toString(large.length()));
        // a command that does not read its input: no noise, no harm
        assertThat(kubectl.run(large, "exec", "-i", "works", "-c", "main", "--", "true")
                        .code())
                .isZero();
        assertThat(kubectl.run("", "exec", "works", "-c", "main", "--", "no-such-command")
                        .err())
                .contains("no-such-command");
        assertThat(kubectl.run("", "exec", "works", "-c", "nobody", "--", "true")
                        .err())
                .contains("nobody");
    }

    @Test
    void rolloutsAreFollowedUndoneRestartedAndRemembered() throws Exception {
        deploy("rolls", 2);
        kubectl.ok("set", "image", "deployment/rolls", "main=kennethreitz/httpbin:two");
        kubectl.ok("annotate", "deployment/rolls", "kubernetes.io/change-cause=the second image");
        assertThat(kubectl.ok("rollout", "status", "deployment/rolls", "--timeout=30s"))
                .contains("successfully rolled out");
        await().atMost(SOON)
                .untilAsserted(() -> assertThat(kubectl.ok("rollout", "history", "deployment/rolls"))
                        .containsPattern("(?m)^1 +<none>$")
                        .containsPattern("(?m)^2 +the second image$"));
        assertThat(kubectl.ok("rollout", "history", "deployment/rolls", "--revision=1"))
                .contains("kennethreitz/httpbin:one");
        assertThat(kubectl.ok("rollout", "undo", "deployment/rolls")).contains("rolled back");
        kubectl.ok("rollout", "status", "deployment/rolls", "--timeout=30s");
        assertThat(kubectl.ok("get", "deployment/rolls", "-o", "jsonpath={.spec.template.spec.containers[0].image}"))
                .isEqualTo("kennethreitz/httpbin:one");
        assertThat(kubectl.ok("get", "rs", "-l", "app=rolls", "--no-headers").lines())
                .hasSize(2);
        kubectl.ok("rollout", "restart", "deployment/rolls");
        kubectl.ok("rollout", "status", "deployment/rolls", "--timeout=30s");
        assertThat(kubectl.ok("rollout", "history", "deployment/rolls"))
                .containsPattern("(?m)^4 ")
                .doesNotContainPattern("(?m)^1 ");
    }

    @Test
    void aRolloutThatIsStuckEndsTheWait() throws Exception {
        deploy("stuck", 1);
        kubectl.ok("patch", "deployment/stuck", "-p", "{\"spec\":{\"progressDeadlineSeconds\":1}}");
        kubectl.ok("set", "image", "deployment/stuck", "main=example.com/nobody:1");
        Kubectl.Said said = kubectl.run("", "rollout", "status", "deployment/stuck", "--timeout=30s");
        assertThat(said.code()).isOne();
        assertThat(said.err()).contains("exceeded its progress deadline");
        assertThat(kubectl.ok("describe", "deployment", "stuck"))
                .containsPattern("Progressing +False +ProgressDeadlineExceeded")
                .containsPattern("Available +True +MinimumReplicasAvailable")
                .containsPattern("Normal +ScalingReplicaSet .*Scaled up replica set stuck-\\w+ from 0 to 1");
        String pods = kubectl.ok("describe", "pods", "-l", "app=stuck");
        assertThat(pods)
                .contains("weir local --image example.com/nobody=COMMAND")
                .containsPattern("Normal +Scheduled .*Successfully assigned default/stuck-\\S+ to weir-local")
                .containsPattern("Reason: +(ErrImagePull|ImagePullBackOff)");
    }

    @Test
    void scalingWatchingAndWaiting() throws Exception {
        deploy("scales", 1);
        try (Kubectl.Running watching = kubectl.start("get", "pods", "-l", "app=scales", "-w", "--no-headers")) {
            await().atMost(SOON).until(() -> watching.out().contains("Running"));
            kubectl.ok("scale", "deployment/scales", "--replicas=3");
            kubectl.ok("wait", "--for=jsonpath={.status.readyReplicas}=3", "deployment/scales", "--timeout=30s");
            await().atMost(SOON)
                    .untilAsserted(() -> assertThat(watching.out()
                                    .lines()
                                    .filter(line -> line.contains("1/1") && line.contains("Running"))
                                    .map(line -> line.split(" ")[0])
                                    .distinct())
                            .hasSize(3));
            kubectl.ok("scale", "deployment/scales", "--replicas=0");
            kubectl.ok("wait", "--for=delete", "pod", "-l", "app=scales", "--timeout=30s");
            await().atMost(SOON).until(() -> watching.out().contains("Terminating"));
        }
        assertThat(kubectl.ok("get", "deployment", "scales")).containsPattern("scales +0/0 +0 +0");
    }

    @Test
    void allAndEventsAreListed() throws Exception {
        deploy("listed", 1);
        kubectl.ok("expose", "deployment/listed", "--port=8080", "--target-port=80");
        String all = kubectl.ok("get", "all");
        assertThat(all)
                .containsPattern("pod/listed-\\w+-\\w+ +1/1 +Running +0")
                .containsPattern("deployment.apps/listed +1/1 +1 +1")
                .containsPattern("replicaset.apps/listed-\\w+ +1 +1 +1");
        assertThat(kubectl.ok("get", "service,endpoints", "listed"))
                .containsPattern("service/listed +ClusterIP +\\S+ +<none> +8080/TCP")
                .containsPattern("endpoints/listed +127\\.[0-9.]+:80");
        await().atMost(SOON)
                .untilAsserted(() -> assertThat(kubectl.ok("events", "--for", "deployment/listed"))
                        .contains("ScalingReplicaSet"));
        await().atMost(SOON)
                .untilAsserted(() -> assertThat(kubectl.ok("get", "events"))
                        .containsPattern("Normal +Started +pod/listed-\\S+ +Started container main")
                        .containsPattern("Normal +SuccessfulCreate +replicaset/listed-"));
        String pod = kubectl.ok("get", "pod", "-l", "app=listed", "-o", "name").strip();
        assertThat(kubectl.ok("describe", pod))
                .containsPattern("Status: +Running")
                .containsPattern("Ready +True")
                .containsPattern("Controlled By: +ReplicaSet/listed-");
    }

    @Test
    void whatIsDeletedNowIsGoneWhenTheCommandReturns() throws Exception {
        shell("goes", "trap : TERM; while true; do sleep 0.2; done");
        kubectl.ok("delete", "pod", "goes", "--now");
        assertThat(kubectl.run("", "get", "pod", "goes").err()).contains("NotFound");
        deploy("leaves", 1);
        kubectl.ok("delete", "deployment", "leaves", "--cascade=foreground");
        assertThat(kubectl.ok("get", "rs,pods", "-l", "app=leaves")).isEmpty();
        kubectl.ok("create", "namespace", "brief");
        kubectl.ok("create", "deployment", "-n", "brief", "web", "--image=kennethreitz/httpbin");
        kubectl.ok("delete", "namespace", "brief");
        assertThat(kubectl.run("", "get", "namespace", "brief").code()).isOne();
    }

    @Test
    void theNodeIsReadyAndRenewsItsLease() throws Exception {
        assertThat(kubectl.ok("get", "nodes")).containsPattern("weir-local +Ready");
        assertThat(kubectl.ok("get", "lease", "-n", "kube-node-lease", "weir-local", "-o", "jsonpath={.spec}"))
                .contains("\"holderIdentity\":\"weir-local\"", "renewTime");
        assertThat(Files.readString(folder.resolve("local/kubeconfig"))).contains("weir-local");
    }
}
