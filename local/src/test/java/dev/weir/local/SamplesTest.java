package dev.weir.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The images that local mode knows, as users of kubectl run and call them. */
class SamplesTest {
    private static final Duration SOON = Duration.ofSeconds(30);
    /** The container as podinfo's own manifests have it. */
    private static final String PODINFO = """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: %1$s}
            spec:
              selector: {matchLabels: {app: %1$s}}
              template:
                metadata: {labels: {app: %1$s}}
                spec:
                  terminationGracePeriodSeconds: 1
                  containers:
                  - name: podinfod
                    image: %2$s
                    ports:
                    - {name: http, containerPort: 9898}
                    - {name: http-metrics, containerPort: 9797}
                    command: [./podinfo, --port=9898, --port-metrics=9797, --level=info, --random-delay=false]
                    env: [{name: PODINFO_UI_COLOR, value: "#34577c"}, {name: %3$s, value: "%4$s"}]
                    livenessProbe: {exec: {command: [podcli, check, http, "localhost:9898/healthz"]}}
                    readinessProbe: {exec: {command: [podcli, check, http, "localhost:9898/readyz"]}}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: %1$s}
            spec:
              selector: {app: %1$s}
              ports: [{name: http, port: 9898}, {name: http-metrics, port: 9797}]
            """;

    @TempDir
    private static Path folder;

    private static TestBed bed;
    private static Kubectl kubectl;

    @BeforeAll
    static void start() throws Exception {
        kubectl = TestBed.kubectl(folder);
        bed = TestBed.start(folder, Map.of());
        kubectl.ok("run", "client", "--image=curlimages/curl", "--command", "--", "sleep", "infinity");
        kubectl.ok("wait", "--for=condition=Ready", "pod/client", "--timeout=30s");
    }

    @AfterAll
    static void stop() {
        if (bed != null) {
            bed.close();
        }
    }

    private static void podinfo(String name, String image, String variable, String value) throws Exception {
        TestBed.apply(kubectl, PODINFO, name, image, variable, value);
    }

    private static String call(String url) throws IOException, InterruptedException {
        return kubectl.ok("exec", "client", "--", "curl", "-s", "-w", " %{http_code}", url);
    }

    @Test
    void podinfoServesTheVersionOfItsTag() throws Exception {
        podinfo("plain", "ghcr.io/stefanprodan/podinfo:6.0.0", "UNUSED", "");
        kubectl.ok("rollout", "status", "deployment/plain", "--timeout=30s");
        assertThat(call("http://plain:9898/version"))
                .contains("\"version\": \"6.0.0\"")
                .endsWith(" 200");
        assertThat(call("http://plain.default:9898/status/418")).endsWith(" 418");
        assertThat(call("http://plain:9797/metrics")).contains("http_requests_total{status=\"418\"} 1");
        assertThat(kubectl.ok("logs", "deployment/plain")).contains("\"GET /version HTTP/1.1\" 200");
        kubectl.ok("set", "image", "deployment/plain", "podinfod=stefanprodan/podinfo:6.0.1");
        kubectl.ok("rollout", "status", "deployment/plain", "--timeout=30s");
        await().atMost(SOON)
                .untilAsserted(
                        () -> assertThat(call("http://plain:9898/version")).contains("\"version\": \"6.0.1\""));
    }

    @Test
    void aBadVersionIsReadyAndFails() throws Exception {
        podinfo("bad", "stefanprodan/podinfo:6.0.2", "WEIR_FAIL_PERCENT", "100");
        kubectl.ok("rollout", "status", "deployment/bad", "--timeout=30s");
        assertThat(call("http://bad:9898/version")).endsWith(" 500");
        podinfo("wrong", "stefanprodan/podinfo:6.0.2", "WEIR_DELAY_MILLIS", "soon");
        await().atMost(SOON)
                .untilAsserted(() -> assertThat(kubectl.ok("describe", "pod", "-l", "app=wrong"))
                        .contains("CreateContainerConfigError")
                        .contains("WEIR_DELAY_MILLIS=soon: must be a number from 0 to 600000"));
    }

    @Test
    void aPanicIsACrash() throws Exception {
        podinfo("panics", "quay.io/stefanprodan/podinfo:0.2.1", "UNUSED", "");
        kubectl.ok("rollout", "status", "deployment/panics", "--timeout=30s");
        call("http://panics:9898/panic");
        await().atMost(SOON)
                .untilAsserted(() ->
                        assertThat(kubectl.ok("get", "pod", "-l", "app=panics")).containsPattern("1/1 +Running +1"));
        assertThat(kubectl.ok("logs", "deployment/panics", "--previous")).endsWith("Panic command received\n");
    }

    @Test
    void theLoadTesterIsAShell() throws Exception {
        kubectl.ok("run", "load", "--image=stefanprodan/loadtest", "--", "sh", "-c", "command -v hey; sleep infinity");
        kubectl.ok("wait", "--for=condition=Ready", "pod/load", "--timeout=30s");
        await().atMost(SOON)
                .untilAsserted(() -> assertThat(kubectl.ok("logs", "load")).endsWith("/hey\n"));
        String alone = "PATH=${PATH%%:*}; hey -n 1 http://plain";
        Kubectl.Said said = kubectl.run("", "exec", "load", "--", "sh", "-c", alone);
        assertThat(said.code()).isEqualTo(127);
        assertThat(said.err()).contains("hey: not found on this machine");
    }

    /** hey does not look at http_proxy by itself. */
    @Test
    void theLoadTesterSendsThroughTheMesh() throws Exception {
        kubectl.ok("run", "tester", "--image=stefanprodan/loadtest", "--", "sleep", "infinity");
        kubectl.ok("wait", "--for=condition=Ready", "pod/tester", "--timeout=30s");
        // a hey that says what it was asked for, in the place of the host's
        String command = "mkdir -p bin; printf '#!/bin/sh\\necho hey \"$@\"\\n' >bin/hey; chmod +x bin/hey;"
                + " PATH=${PATH%%:*}:$PWD/bin; hey -n 3 http://loaded:9898/";
        assertThat(kubectl.ok("exec", "tester", "--", "sh", "-c", command))
                .isEqualTo("hey -x "
                        + kubectl.ok("exec", "tester", "--", "printenv", "http_proxy")
                                .strip() + " -n 3 http://loaded:9898/\n");
        String own = "PATH=${PATH%%:*}:$PWD/bin; hey -x http://other http://loaded:9898/";
        assertThat(kubectl.ok("exec", "tester", "--", "sh", "-c", own))
                .isEqualTo("hey -x http://other http://loaded:9898/\n");
    }

    @Test
    void wordsThatAreNoCommandGoToCurl() throws Exception {
        kubectl.ok("run", "says", "--image=curlimages/curl", "--restart=Never", "--", "--version");
        kubectl.ok("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/says", "--timeout=30s");
        assertThat(kubectl.ok("logs", "says")).startsWith("curl ");
    }
}
