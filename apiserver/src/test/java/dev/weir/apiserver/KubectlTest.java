package dev.weir.apiserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a user of an unmodified kubectl sees. */
class KubectlTest {
    private static final String MAP = """
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: settings}
            data: {key: %s}
            """;

    @TempDir
    Path folder;

    private String kubectl = "";
    private Cli cli;

    @BeforeEach
    void start() throws Exception {
        kubectl = Cli.program("kubectl");
        cli = new Cli(folder);
    }

    @AfterEach
    void stop() {
        if (cli != null) {
            cli.close();
        }
    }

    private String ok(String... words) throws Exception {
        Cli.Said said = run(words);
        assertThat(said.code()).as("%s", said.text()).isZero();
        return said.text();
    }

    private Cli.Said run(String... words) throws Exception {
        String[] all = new String[words.length + 1];
        all[0] = kubectl;
        System.arraycopy(words, 0, all, 1, words.length);
        return cli.run("", all);
    }

    @Test
    void applySaysCreatedUnchangedConfigured() throws Exception {
        String file = cli.write("map.yaml", MAP.formatted("one")).toString();
        assertThat(ok("apply", "-f", file)).contains("configmap/settings created");
        assertThat(ok("apply", "-f", file)).contains("configmap/settings unchanged");
        cli.write("map.yaml", MAP.formatted("two"));
        assertThat(ok("apply", "--dry-run=server", "-f", file)).contains("configured (server dry run)");
        assertThat(ok("get", "cm", "settings", "-o", "jsonpath={.data.key}")).isEqualTo("one");
        assertThat(ok("apply", "-f", file)).contains("configmap/settings configured");
        assertThat(ok("get", "cm", "settings", "-o", "jsonpath={.data.key}")).isEqualTo("two");
    }

    @Test
    void serverSideApplyNamesTheConflict() throws Exception {
        String file = cli.write("map.yaml", MAP.formatted("one")).toString();
        ok("apply", "--server-side", "-f", file);
        cli.write("map.yaml", MAP.formatted("two"));
        Cli.Said refused = run("apply", "--server-side", "--field-manager=other", "-f", file);
        assertThat(refused.code()).isNotZero();
        assertThat(refused.text()).contains("Apply failed with 1 conflict: conflict with \"kubectl\": .data.key");
        ok("apply", "--server-side", "--field-manager=other", "--force-conflicts", "-f", file);
        assertThat(ok("get", "cm", "settings", "-o", "jsonpath={.data.key}")).isEqualTo("two");
    }

    @Test
    void generatorsSendProtobuf() throws Exception {
        assertThat(ok("create", "deployment", "web", "--image=web:1", "--replicas=2"))
                .contains("deployment.apps/web created");
        ok("create", "namespace", "other");
        ok("create", "configmap", "settings", "--from-literal=key=before");
        ok("create", "secret", "generic", "password", "--from-literal=p=q");
        ok("create", "serviceaccount", "robot");
        ok("create", "service", "clusterip", "web", "--tcp=80:8080");
        ok("create", "role", "reader", "--verb=get", "--resource=pods");
        ok("create", "rolebinding", "reader", "--role=reader", "--serviceaccount=default:robot");
        ok("create", "clusterrole", "lister", "--verb=get,list", "--resource=pods,deployments.apps");
        ok("create", "job", "once", "--image=once:1", "--", "echo", "hi");
        assertThat(ok("get", "deployment", "web", "-o", "jsonpath={.spec.replicas} {..image}"))
                .isEqualTo("2 web:1");
        assertThat(ok("get", "svc", "web", "-o", "jsonpath={.spec.ports[0].targetPort}"))
                .isEqualTo("8080");
        assertThat(ok("get", "clusterrole", "lister", "-o", "jsonpath={.rules[*].resources}"))
                .isEqualTo("[\"pods\"] [\"deployments\"]");
        assertThat(ok("get", "job", "once", "-o", "jsonpath={..command}")).isEqualTo("[\"echo\",\"hi\"]");
        assertThat(ok("get", "secret", "password", "-o", "jsonpath={.data.p}")).isEqualTo("cQ==");
        assertThat(ok("create", "token", "robot")).startsWith("ey");
        String robot = "--as=system:serviceaccount:default:robot";
        assertThat(run("auth", "can-i", "get", "pods", robot).text()).isEqualTo("yes\n");
        assertThat(run("auth", "can-i", "delete", "pods", robot).text()).isEqualTo("no\n");
    }

    @Test
    void printsTablesAndDescriptions() throws Exception {
        ok("create", "deployment", "web", "--image=web:1", "--replicas=2");
        ok("create", "configmap", "settings", "--from-literal=key=before");
        assertThat(ok("get", "deployment"))
                .containsPattern("NAME +READY +UP-TO-DATE +AVAILABLE +AGE")
                .containsPattern("web +0/2 +0 +0 +\\d+s");
        assertThat(ok("get", "all", "-o", "wide")).containsPattern("deployment.apps/web .*web:1 +app=web");
        assertThat(ok("get", "cm", "--sort-by=.metadata.name", "-o", "name")).isEqualTo("configmap/settings\n");
        assertThat(ok("describe", "deployment", "web")).contains("2 desired | 0 updated", "Image:         web:1");
        assertThat(ok("events")).contains("No events found in default namespace.");
        assertThat(ok("api-resources")).containsPattern("deployments +deploy +apps/v1 +true +Deployment");
        Cli.Said missing = run("get", "cm", "missing");
        assertThat(missing.code()).isOne();
        assertThat(missing.text()).contains("Error from server (NotFound): configmaps \"missing\" not found");
    }

    @Test
    void changesObjects() throws Exception {
        ok("create", "configmap", "settings", "--from-literal=key=before");
        assertThat(ok("edit", "cm", "settings")).contains("configmap/settings edited");
        ok("annotate", "cm", "settings", "note=x");
        ok("label", "cm", "settings", "tier=a");
        ok("patch", "cm", "settings", "--type=merge", "-p", "{\"data\":{\"more\":\"1\"}}");
        ok("patch", "cm", "settings", "--type=json", "-p", "[{\"op\":\"remove\",\"path\":\"/data/more\"}]");
        String path = "jsonpath={.data} {.metadata.labels.tier} {.metadata.annotations.note}";
        assertThat(ok("get", "cm", "settings", "-o", path)).isEqualTo("{\"key\":\"edited\"} a x");
        ok("wait", "--for=jsonpath={.data.key}=edited", "cm/settings", "--timeout=10s");
        ok("create", "deployment", "web", "--image=web:1");
        ok("set", "image", "deploy/web", "web=web:2");
        ok("scale", "deploy/web", "--replicas=3");
        assertThat(ok("get", "deploy", "web", "-o", "jsonpath={.spec.replicas} {..image} {.metadata.generation}"))
                .isEqualTo("3 web:2 3");
        assertThat(run("rollout", "status", "deploy/web", "--timeout=1s").text())
                .contains("Waiting for deployment spec update to be observed");
    }

    @Test
    void deletesAtOnceWhatNoNodeRuns() throws Exception {
        ok("run", "unscheduled", "--image=web:1");
        assertThat(ok("get", "pods")).containsPattern("unscheduled +0/1 +Pending +0 ");
        ok("delete", "pod", "unscheduled", "--now", "--timeout=20s");
        ok("create", "configmap", "settings", "--from-literal=key=before");
        ok("delete", "cm", "settings", "--timeout=20s");
        assertThat(run("get", "pod,cm", "-o", "name").text()).doesNotContain("unscheduled", "settings");
    }

    @Test
    void getsInEveryForm() throws Exception {
        cli.write("map.yaml", MAP.formatted("one"));
        ok("apply", "-f", "map.yaml");
        assertThat(ok("get", "cm", "settings", "-o", "wide")).containsPattern("NAME +DATA +AGE\n.*settings +1 +\\d+s");
        assertThat(ok("get", "cm", "settings", "-o", "yaml")).contains("kind: ConfigMap\n", "  key: one\n");
        assertThat(ok("get", "cm", "-o", "json")).contains("\"kind\": \"List\"", "\"key\": \"one\"");
        assertThat(ok("get", "cm/settings", "-o", "name")).isEqualTo("configmap/settings\n");
        assertThat(ok("get", "cm", "-o", "jsonpath={.items[*].data.key}")).isEqualTo("one");
        assertThat(ok("get", "cm", "-o", "custom-columns=N:.metadata.name,K:.data.key"))
                .containsPattern("N +K\nsettings +one");
        assertThat(ok("get", "cm", "--show-labels", "-l", "a!=b")).contains("LABELS", "<none>");
        assertThat(ok("get", "cm", "--field-selector", "metadata.name=settings", "-o", "name"))
                .isEqualTo("configmap/settings\n");
        assertThat(ok("get", "--raw", "/api/v1/namespaces/default/configmaps/settings"))
                .contains("\"data\":{\"key\":\"one\"}");
    }

    @Test
    void watchPrintsWhatHappens() throws Exception {
        ok("create", "deployment", "web", "--image=web:1");
        try (Cli.Running watch = cli.start(kubectl, "get", "deployments", "-w", "--output-watch-events")) {
            await().until(() -> watch.text().contains("ADDED"));
            ok("scale", "deploy/web", "--replicas=2");
            ok("delete", "deploy", "web");
            await().untilAsserted(() -> assertThat(watch.text())
                    .containsPattern("EVENT +NAME +READY")
                    .containsPattern("ADDED +web +0/1")
                    .containsPattern("MODIFIED +web +0/2")
                    .containsPattern("DELETED +web +0/2"));
        }
    }

    @Test
    void waitsForWhatHappensMeanwhile() throws Exception {
        ok("create", "deployment", "web", "--image=web:1");
        try (Cli.Running wait = cli.start(kubectl, "wait", "--for=condition=Available", "deploy/web", "--timeout=30s");
                Cli.Running rollout = cli.start(kubectl, "rollout", "status", "deploy/web", "--timeout=30s");
                Cli.Running gone = cli.start(kubectl, "wait", "--for=delete", "deploy/web", "--timeout=30s")) {
            await().until(() -> rollout.text().contains("Waiting for deployment"));
            ok("patch", "deploy", "web", "--subresource=status", "--type=merge", "-p", """
                    {"status": {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1,
                     "availableReplicas": 1, "conditions": [{"type": "Available", "status": "True",
                     "reason": "MinimumReplicasAvailable", "message": "m"}]}}""");
            await().until(() -> wait.text().contains("deployment.apps/web condition met"));
            await().until(() -> rollout.text().contains("deployment \"web\" successfully rolled out"));
            ok("delete", "deploy", "web");
            await().until(() -> gone.text().contains("deployment.apps/web condition met"));
        }
    }

    @Test
    void printsEvents() throws Exception {
        ok("create", "configmap", "settings", "--from-literal=key=before");
        cli.write("event.yaml", """
                apiVersion: v1
                kind: Event
                metadata: {name: settings.1, namespace: default}
                involvedObject: {apiVersion: v1, kind: ConfigMap, name: settings, namespace: default}
                type: Warning
                reason: Tested
                message: all is well
                firstTimestamp: "2026-01-01T00:00:00Z"
                lastTimestamp: "2026-01-01T00:00:00Z"
                """);
        ok("create", "-f", "event.yaml");
        assertThat(ok("events")).containsPattern("Warning +Tested +ConfigMap/settings +all is well");
        assertThat(ok("events", "--for", "configmap/settings")).contains("all is well");
        assertThat(ok("get", "events")).containsPattern("Warning +Tested +configmap/settings +all is well");
    }

    @Test
    void patchesInThreeWays() throws Exception {
        ok("create", "deployment", "web", "--image=web:1");
        String containers =
                "{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"side\",\"image\":\"s:1\"}]}}}}";
        assertThat(ok("patch", "deploy", "web", "-p", containers)).contains("deployment.apps/web patched");
        assertThat(ok("get", "deploy", "web", "-o", "jsonpath={..containers[*].image}"))
                .isEqualTo("s:1 web:1");
        ok("patch", "deploy", "web", "--type=merge", "-p", containers);
        assertThat(ok("get", "deploy", "web", "-o", "jsonpath={..containers[*].image}"))
                .isEqualTo("s:1");
        ok(
                "patch",
                "deploy",
                "web",
                "--type=json",
                "-p",
                "[{\"op\":\"replace\",\"path\":\"/spec/replicas\",\"value\":3}]");
        assertThat(ok(
                        "patch",
                        "deploy",
                        "web",
                        "--type=json",
                        "-p",
                        "[{\"op\":\"replace\",\"path\":\"/spec/replicas\",\"value\":3}]"))
                .contains("patched (no change)");
        Cli.Said refused = run("patch", "deploy", "web", "--type=merge", "-p", "{\"spec\":{\"replicas\":-1}}");
        assertThat(refused.text()).contains("spec.replicas: Invalid value: -1: must be greater than or equal to 0");
    }

    @Test
    void movesFromClientSideToServerSideApply() throws Exception {
        String file = cli.write("map.yaml", MAP.formatted("one")).toString();
        ok("apply", "-f", file);
        cli.write("map.yaml", MAP.formatted("two"));
        assertThat(ok("apply", "--server-side", "-f", file)).contains("configmap/settings serverside-applied");
        assertThat(ok("get", "cm", "settings", "-o", "jsonpath={.data.key}")).isEqualTo("two");
        ok("apply", "-f", file);
        assertThat(ok("get", "cm", "settings", "-o", "jsonpath={.data.key}")).isEqualTo("two");
        cli.write("map.yaml", MAP.formatted("one").replace("key: one", "other: one"));
        ok("apply", "--server-side", "-f", file);
        assertThat(ok("get", "cm", "settings", "-o", "jsonpath={.data}")).isEqualTo("{\"other\":\"one\"}");
    }

    @Test
    void refusesUnknownFieldsByName() throws Exception {
        cli.write("map.yaml", MAP.formatted("one") + "dta: {key: one}\n");
        Cli.Said refused = run("apply", "-f", "map.yaml");
        assertThat(refused.code()).isNotZero();
        assertThat(refused.text()).contains("unknown field \"dta\"");
        assertThat(ok("apply", "--validate=warn", "-f", "map.yaml")).contains("Warning: unknown field \"dta\"");
    }
}
