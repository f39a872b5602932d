package dev.weir.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Volumes that follow what they come from. */
class VolumesTest {
    private static final Duration SOON = Duration.ofSeconds(30);
    private static final String OBJECTS = """
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: conf}
            data: {a.txt: one, b.txt: bee}
            ---
            apiVersion: v1
            kind: Secret
            metadata: {name: sec}
            stringData: {pw: first}
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: reads, labels: {stage: "1"}}
            spec:
              terminationGracePeriodSeconds: 1
              volumes:
              - {name: c, configMap: {name: conf}}
              - {name: i, configMap: {name: conf, items: [{key: a.txt, path: deep/a}]}}
              - {name: later, secret: {secretName: later, optional: true}}
              - name: p
                projected:
                  sources:
                  - secret: {name: sec}
                  - downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}]}
                  - serviceAccountToken: {path: token, expirationSeconds: 600}
              containers:
              - name: main
                image: busybox
                command: [sleep, infinity]
                env: [{name: A, valueFrom: {configMapKeyRef: {name: conf, key: a.txt}}}]
                envFrom: [{configMapRef: {name: none, optional: true}}, {prefix: S_, secretRef: {name: sec}}]
                volumeMounts:
                - {name: c, mountPath: /c}
                - {name: i, mountPath: /i}
                - {name: later, mountPath: /later}
                - {name: p, mountPath: /p}
                - {name: c, mountPath: /one/a, subPath: a.txt}
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

    private static String sh(String script) throws Exception {
        return kubectl.ok("exec", "reads", "--", "sh", "-c", script);
    }

    private static void shows(String script, String expected) {
        await().atMost(SOON).untilAsserted(() -> assertThat(sh(script)).isEqualTo(expected));
    }

    @Test
    void changesAreFollowedButForVariablesAndParts() throws Exception {
        TestBed.apply(kubectl, OBJECTS);
        kubectl.ok("wait", "--for=condition=Ready", "pod/reads", "--timeout=30s");
        assertThat(sh("cat c/a.txt i/deep/a one/a p/pw p/labels; echo -$A-$S_pw; ls c later; wc -w < p/token"))
                .isEqualTo("oneoneonefirststage=\"1\"-one-first\nc:\na.txt\nb.txt\n\nlater:\n1\n");
        kubectl.ok("patch", "configmap", "conf", "--type=merge", "-p", "{\"data\":{\"a.txt\":\"two\",\"b.txt\":null}}");
        kubectl.ok("patch", "secret", "sec", "--type=merge", "-p", "{\"stringData\":{\"pw\":\"second\"}}");
        kubectl.ok("label", "pod", "reads", "stage=2", "--overwrite");
        kubectl.ok("create", "secret", "generic", "later", "--from-literal=k=v");
        shows("cat c/a.txt i/deep/a p/pw p/labels later/k 2>/dev/null; ls c", "twotwosecondstage=\"2\"va.txt\n");
        assertThat(sh("cat one/a; echo -$A-$S_pw")).isEqualTo("one-one-first\n");
        kubectl.ok("delete", "configmap", "conf");
        await().atMost(SOON)
                .untilAsserted(() -> assertThat(kubectl.ok("describe", "pod", "reads"))
                        .containsPattern("Warning +FailedMount .*configmap \"conf\" not found"));
        assertThat(sh("cat c/a.txt")).isEqualTo("two");
        // one that is missing does not hold the others up
        kubectl.ok("label", "pod", "reads", "stage=3", "--overwrite");
        shows("cat p/labels", "stage=\"3\"");
    }
}
