package dev.weir.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Pods as a user of the API sees them: states, events, volumes, variables, probes, logs. */
class PodLifecycleTest {
    private static final Duration SOON = Duration.ofSeconds(30);
    private static final String NAMESPACE = "default";

    @TempDir
    private static Path folder;

    private static TestBed bed;
    private static KubernetesClient client;

    @BeforeAll
    static void start() throws IOException {
        bed = TestBed.start(folder, Map.of("example.com/server", "exec python3 -m http.server $PORT --bind $HOST"));
        client = bed.client();
    }

    @AfterAll
    static void stop() {
        bed.close();
    }

    /** A pod with one container of curl's image and the fields given as flow YAML. */
    private static void pod(String name, String podFields, String containerFields) {
        bed.create("""
                apiVersion: v1
                kind: Pod
                metadata: {name: %s, labels: {app: %1$s}, annotations: {note: "a \\"b\\""}}
                spec:
                  %s
                  containers:
                  - name: main
                    image: curlimages/curl
                    %s
                """.formatted(name, podFields, containerFields.replace("\n", "\n    ")));
    }

    private static Pod awaitPod(String name, Predicate<Pod> condition) {
        return await().atMost(SOON)
                .until(() -> client.pods().inNamespace(NAMESPACE).withName(name).get(), condition);
    }

    private static ContainerStatus main(Pod pod) {
        return pod.getStatus().getContainerStatuses().getFirst();
    }

    private static boolean phase(Pod pod, String phase) {
        return pod.getStatus() != null && phase.equals(pod.getStatus().getPhase());
    }

    private static boolean waiting(Pod pod, String reason) {
        return !pod.getStatus().getContainerStatuses().isEmpty()
                && main(pod).getState().getWaiting() != null
                && main(pod).getState().getWaiting().getReason().equals(reason);
    }

    private static String log(String pod) {
        return client.pods().inNamespace(NAMESPACE).withName(pod).getLog();
    }

    private static List<Event> events(String pod) {
        return client.v1().events().inNamespace(NAMESPACE).list().getItems().stream()
                .filter(event -> event.getInvolvedObject().getName().equals(pod))
                .toList();
    }

    private static void awaitEvent(String pod, String reason, String part) {
        await().atMost(SOON)
                .untilAsserted(() -> assertThat(events(pod))
                        .anyMatch(event -> event.getReason().equals(reason)
                                && event.getMessage().contains(part)));
    }

    @Test
    void readinessThatAnotherTookAwayComesBack() {
        pod("late", "", "command: [sleep, '600']");
        awaitPod("late", PodLifecycleTest::ready);
        // as who watches nodes does with the pods of one that is not heard of
        Pod taken = client.pods()
                .inNamespace(NAMESPACE)
                .withName("late")
                .subresource("status")
                .patch(
                        PatchContext.of(PatchType.STRATEGIC_MERGE),
                        "{\"status\": {\"conditions\": [{\"type\": \"Ready\", \"status\": \"False\"}]}}");
        assertThat(ready(taken)).isFalse();
        awaitPod("late", PodLifecycleTest::ready);
    }

    private static boolean ready(Pod pod) {
        return pod.getStatus() != null
                && pod.getStatus().getConditions().stream()
                        .anyMatch(condition -> condition.getType().equals("Ready")
                                && condition.getStatus().equals("True"));
    }

    @Test
    void aCrashingCommandIsRestartedWithGrowingPausesAndItsLastEndIsKept() {
        pod("crash", "", "command: [sh, -c, 'echo run; exit 3']");
        Pod crashing = awaitPod(
                "crash",
                p -> waiting(p, "CrashLoopBackOff")
                        && main(p).getState().getWaiting().getMessage().startsWith("back-off 2s"));
        assertThat(main(crashing).getRestartCount()).isEqualTo(2);
        assertThat(main(crashing).getLastState().getTerminated().getExitCode()).isEqualTo(3);
        assertThat(main(crashing).getLastState().getTerminated().getReason()).isEqualTo("Error");
        assertThat(crashing.getStatus().getPhase()).isEqualTo("Running");
        awaitEvent("crash", "BackOff", "Back-off restarting failed container main in pod crash_default");
        await().atMost(SOON)
                .untilAsserted(() -> assertThat(events("crash"))
                        .filteredOn(event -> event.getReason().equals("Created"))
                        .singleElement()
                        .satisfies(event -> assertThat(event.getCount()).isGreaterThanOrEqualTo(3)));
        assertThat(client.raw("/api/v1/namespaces/default/pods/crash/log?previous=true"))
                .isEqualTo("run\n");
    }

    @Test
    void anUnknownImageAlternatesBetweenErrorAndPauseAndKeepsTheHint() {
        Set<String> seen = ConcurrentHashMap.newKeySet();
        pod("mystery", "", "command: [never]");
        client.pods().inNamespace(NAMESPACE).withName("mystery").delete();
        await().atMost(SOON)
                .until(() ->
                        client.pods().inNamespace(NAMESPACE).withName("mystery").get() == null);
        bed.create("""
                apiVersion: v1
                kind: Pod
                metadata: {name: mystery}
                spec: {containers: [{name: main, image: "example.com/mystery:1"}]}
                """);
        await().atMost(SOON).untilAsserted(() -> {
            Pod pod = client.pods().inNamespace(NAMESPACE).withName("mystery").get();
            assertThat(pod.getStatus().getPhase()).isEqualTo("Pending");
            assertThat(pod.getStatus().getContainerStatuses()).isNotEmpty();
            var waiting = main(pod).getState().getWaiting();
            assertThat(waiting.getReason()).isIn("ContainerCreating", "ErrImagePull", "ImagePullBackOff");
            seen.add(waiting.getReason());
            assertThat(waiting.getReason()).isEqualTo("ImagePullBackOff");
            assertThat(waiting.getMessage())
                    .startsWith("Back-off pulling image \"example.com/mystery:1\"")
                    .contains("weir local --image example.com/mystery=COMMAND");
        });
        assertThat(seen).contains("ErrImagePull", "ImagePullBackOff");
        client.pods().inNamespace(NAMESPACE).withName("mystery").edit(p -> {
            p.getSpec().getContainers().getFirst().setImage("kennethreitz/httpbin");
            return p;
        });
        awaitPod("mystery", p -> OwnedPods.isReady(p));
    }

    @Test
    void whatIsMissingIsWaitedForAndNamed() {
        pod(
                "waits",
                "volumes: [{name: files, configMap: {name: later}}]",
                "command: [sh, -c, 'cat etc/files/a; echo $WORD']\n"
                        + "env: [{name: WORD, valueFrom: {secretKeyRef: {name: later, key: word}}}]\n"
                        + "volumeMounts: [{name: files, mountPath: /etc/files}]");
        awaitEvent("waits", "FailedMount", "configmap \"later\" not found");
        bed.create("{apiVersion: v1, kind: ConfigMap, metadata: {name: later}, data: {a: \"from a file, \"}}");
        awaitPod(
                "waits",
                p -> waiting(p, "CreateContainerConfigError")
                        && main(p).getState().getWaiting().getMessage().equals("secret \"later\" not found"));
        bed.create("{apiVersion: v1, kind: Secret, metadata: {name: later}, stringData: {word: secret}}");
        await().atMost(SOON)
                .ignoreExceptions() // there is no log before the container has started
                .untilAsserted(() -> assertThat(log("waits")).startsWith("from a file, secret"));
    }

    @Test
    void variablesAndVolumesComeFromEverywhereThatASpecMayName() {
        bed.create("""
                apiVersion: v1
                kind: ConfigMap
                metadata: {name: all}
                data: {one: "1", two: "2"}
                ---
                apiVersion: v1
                kind: ConfigMap
                metadata: {name: empty}
                """);
        pod("sources", """
                restartPolicy: Never
                  volumes:
                  - {name: items, configMap: {name: all, items: [{key: one, path: deep/uno}]}}
                  - {name: nothing, configMap: {name: empty}}
                  - {name: scratch, emptyDir: {}}
                  - {name: absent, secret: {secretName: absent, optional: true}}
                  - name: mixed
                    projected:
                      sources:
                      - configMap: {name: all, items: [{key: two, path: zwei}]}
                      - downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}]}
                      - serviceAccountToken: {path: token}
                """.strip(), """
                command: [sh, -c]
                args: ['echo $(GREETING) ''$$(GREETING) $(NOBODY)''; env; cat deep/uno ../mixed/zwei ../mixed/labels; ls ../nothing ../absent; touch ../scratch/x; test -s ../mixed/token && echo token']
                workingDir: /data/items
                resources: {limits: {cpu: 1500m, memory: 64Mi}}
                envFrom: [{prefix: ALL_, configMapRef: {name: all}}]
                env:
                - {name: WHO, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
                - {name: APP, valueFrom: {fieldRef: {fieldPath: "metadata.labels['app']"}}}
                - {name: NOTE, valueFrom: {fieldRef: {fieldPath: "metadata.annotations['note']"}}}
                - {name: ADDRESS, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
                - {name: CPUS, valueFrom: {resourceFieldRef: {resource: limits.cpu}}}
                - {name: MEGAS, valueFrom: {resourceFieldRef: {resource: limits.memory, divisor: 1Mi}}}
                - {name: NUMBER, valueFrom: {configMapKeyRef: {name: all, key: two}}}
                - {name: NONE, valueFrom: {configMapKeyRef: {name: all, key: three, optional: true}}}
                - {name: GREETING, value: "hello-$(WHO)-$(ALL_one)"}
                volumeMounts:
                - {name: items, mountPath: /data/items}
                - {name: mixed, mountPath: /data/mixed}
                - {name: nothing, mountPath: /data/nothing}
                - {name: absent, mountPath: /data/absent}
                - {name: scratch, mountPath: /data/scratch}
                """.strip().replace("\n", "\n    ").replace("\n    ", "\n"));
        Pod done = awaitPod("sources", p -> phase(p, "Succeeded") || phase(p, "Failed"));
        String log = log("sources");
        assertThat(done.getStatus().getPhase()).as(log).isEqualTo("Succeeded");
        assertThat(log.lines().toList())
                .startsWith("hello-sources-1 $(GREETING) $(NOBODY)")
                .contains("ALL_one=1", "ALL_two=2", "WHO=sources", "APP=sources", "NOTE=a \"b\"")
                .contains(
                        "CPUS=2",
                        "MEGAS=64",
                        "NUMBER=2",
                        "ADDRESS=" + done.getStatus().getPodIP())
                .contains("12app=\"sources\"../absent:", "token")
                .noneMatch(line -> line.startsWith("NONE="));
    }

    @Test
    void initContainersRunInOrderAndAnUnknownSidecarKeepsThePodFromBeingReady() {
        bed.create("""
                apiVersion: v1
                kind: Pod
                metadata: {name: several}
                spec:
                  volumes: [{name: shared, emptyDir: {}}]
                  initContainers:
                  - {name: first, image: curlimages/curl, workingDir: /s, command: [sh, -c, 'echo 1 >> order'], volumeMounts: [{name: shared, mountPath: /s}]}
                  - {name: second, image: curlimages/curl, workingDir: /s, command: [sh, -c, 'echo 2 >> order'], volumeMounts: [{name: shared, mountPath: /s}]}
                  containers:
                  - {name: web, image: kennethreitz/httpbin}
                  - {name: main, image: curlimages/curl, workingDir: /s, command: [sh, -c, 'cat order; exec sleep infinity'], volumeMounts: [{name: shared, mountPath: /s}]}
                  - {name: proxy, image: example.com/sidecar}
                """);
        Pod pod = awaitPod(
                "several",
                p -> p.getStatus() != null
                        && p.getStatus().getContainerStatuses().size() == 3
                        && p.getStatus().getContainerStatuses().get(1).getReady()
                        && p.getStatus()
                                        .getContainerStatuses()
                                        .get(2)
                                        .getState()
                                        .getWaiting()
                                != null
                        && p.getStatus()
                                .getContainerStatuses()
                                .get(2)
                                .getState()
                                .getWaiting()
                                .getReason()
                                .equals("ImagePullBackOff"));
        assertThat(pod.getStatus().getInitContainerStatuses())
                .extracting(s -> s.getState().getTerminated().getReason())
                .containsExactly("Completed", "Completed");
        assertThat(OwnedPods.isReady(pod)).isFalse();
        assertThat(pod.getStatus().getConditions())
                .anyMatch(c -> c.getType().equals("Ready")
                        && "containers with unready status: [proxy]".equals(c.getMessage()));
        await().atMost(SOON)
                .untilAsserted(() -> assertThat(client.pods()
                                .inNamespace(NAMESPACE)
                                .withName("several")
                                .inContainer("main")
                                .getLog())
                        .isEqualTo("1\n2\n"));
    }

    @Test
    void probesDecideAboutReadinessAndRestarts() {
        pod(
                "probed",
                "volumes: [{name: s, emptyDir: {}}]",
                "command: [sh, -c, 'touch alive; exec sleep infinity']\nworkingDir: /s\n"
                        + "volumeMounts: [{name: s, mountPath: /s}]\n"
                        + "startupProbe: {exec: {command: [test, -e, alive]}, periodSeconds: 1, failureThreshold: 30}\n"
                        + "readinessProbe: {exec: {command: [test, -e, ready]}, periodSeconds: 1, failureThreshold: 1}\n"
                        + "livenessProbe: {exec: {command: [test, -e, alive]}, periodSeconds: 1, failureThreshold: 1}");
        awaitEvent("probed", "Unhealthy", "Readiness probe failed");
        assertThat(OwnedPods.isReady(
                        client.pods().inNamespace(NAMESPACE).withName("probed").get()))
                .isFalse();
        touch("touch", "ready");
        awaitPod("probed", p -> OwnedPods.isReady(p) && main(p).getStarted());
        touch("rm", "ready");
        awaitPod("probed", p -> !OwnedPods.isReady(p));
        touch("rm", "alive");
        awaitEvent("probed", "Killing", "Container main failed liveness probe, will be restarted");
        awaitPod("probed", p -> main(p).getRestartCount() == 1 && main(p).getStarted());
    }

    private static void touch(String command, String file) {
        try (var watch = client.pods()
                .inNamespace(NAMESPACE)
                .withName("probed")
                .writingOutput(java.io.OutputStream.nullOutputStream())
                .exec(command, file)) {
            assertThat(watch.exitCode().get(20, java.util.concurrent.TimeUnit.SECONDS))
                    .isZero();
        } catch (Exception failure) {
            throw new AssertionError(failure);
        }
    }

    @Test
    void httpAndTcpProbesAskThePodWhereItListens() {
        bed.create("""
                apiVersion: v1
                kind: Pod
                metadata: {name: web}
                spec:
                  containers:
                  - name: main
                    image: kennethreitz/httpbin
                    ports: [{name: http, containerPort: 80}]
                    startupProbe: {tcpSocket: {port: 80}, periodSeconds: 1}
                    readinessProbe: {httpGet: {path: /status/200, port: http}, periodSeconds: 1}
                """);
        awaitPod("web", OwnedPods::isReady);
        assertThat(log("web")).contains("GET /status/200 HTTP/1.1\" 200");
        bed.create("""
                apiVersion: v1
                kind: Pod
                metadata: {name: sick}
                spec:
                  containers:
                  - name: main
                    image: kennethreitz/httpbin
                    readinessProbe: {httpGet: {path: /status/500, port: 80}, periodSeconds: 1}
                """);
        awaitEvent("sick", "Unhealthy", "HTTP probe failed with statuscode: 500");
        assertThat(OwnedPods.isReady(
                        client.pods().inNamespace(NAMESPACE).withName("sick").get()))
                .isFalse();
    }

    @Test
    void securitySettingsAreAcceptedAndSaidOnceToHaveNoEffect() {
        pod("secure", "securityContext: {runAsUser: 100}", "command: [sleep, infinity]");
        awaitPod("secure", OwnedPods::isReady);
        awaitEvent("secure", "SecuritySettingsIgnored", "runAsUser: accepted without effect");
        awaitEvent("secure", "Scheduled", "Successfully assigned default/secure to weir-local");
        awaitEvent("secure", "Started", "Started container main");
        client.pods()
                .inNamespace(NAMESPACE)
                .withName("secure")
                .withGracePeriod(1)
                .delete();
        awaitEvent("secure", "Killing", "Stopping container main");
        assertThat(events("secure"))
                .filteredOn(e -> e.getReason().equals("SecuritySettingsIgnored"))
                .hasSize(1);
    }

    @Test
    void everyNamespaceHasWhatPodsExpect() {
        bed.create("{apiVersion: v1, kind: Namespace, metadata: {name: fresh}}");
        await().atMost(SOON).untilAsserted(() -> {
            assertThat(client.serviceAccounts()
                            .inNamespace("fresh")
                            .withName("default")
                            .get())
                    .isNotNull();
            assertThat(client.configMaps()
                            .inNamespace("fresh")
                            .withName("kube-root-ca.crt")
                            .get())
                    .isNotNull()
                    .satisfies(
                            map -> assertThat(map.getData().get("ca.crt")).startsWith("-----BEGIN CERTIFICATE-----"));
        });
    }

    @Test
    void logsAreCutAsAsked() {
        pod("talks", "restartPolicy: Never", "command: [sh, -c, 'for i in 1 2 3 4 5; do echo line $i; done']");
        awaitPod("talks", p -> phase(p, "Succeeded"));
        String path = "/api/v1/namespaces/default/pods/talks/log";
        assertThat(client.raw(path + "?tailLines=2")).isEqualTo("line 4\nline 5\n");
        assertThat(client.raw(path + "?limitBytes=8")).isEqualTo("line 1\nl");
        assertThat(client.raw(path + "?sinceSeconds=600")).startsWith("line 1");
        assertThat(client.raw(path + "?sinceTime=2100-01-01T00:00:00Z")).isEmpty();
        assertThat(client.raw(path + "?timestamps=true&tailLines=1"))
                .matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{9}Z line 5\n");
        assertThat(org.assertj.core.api.Assertions.catchThrowable(() -> client.raw(path + "?previous=true")))
                .hasMessageContaining("previous terminated container \"main\" in pod \"talks\" not found");
        assertThat(new HashSet<>(List.of(client.raw(path + "?follow=true").split("\n"))))
                .hasSize(5);
    }
}
