package dev.weir.apiserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** The commands of kubectl that people type day by day, on a server with one object of each kind. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class KubectlEverydayTest {
    private static final String WIDGET = """
            apiVersion: example.com/v1
            kind: Widget
            metadata: {name: %s}
            spec: {replicas: 2, color: %s}
            """;

    @TempDir
    static Path folder;

    private String kubectl = "";
    private Cli cli;

    @BeforeAll
    void start() throws Exception {
        kubectl = Cli.program("kubectl");
        cli = new Cli(folder);
        try (InputStream in =
                Objects.requireNonNull(KubectlEverydayTest.class.getResourceAsStream("/one-of-each.yaml"))) {
            cli.write("all.yaml", new String(in.readAllBytes(), StandardCharsets.UTF_8));
        }
        ok("apply", "-f", "all.yaml");
    }

    @AfterAll
    void stop() {
        if (cli != null) {
            cli.close();
        }
    }

    private Cli.Said run(String... words) throws Exception {
        String[] all = new String[words.length + 1];
        all[0] = kubectl;
        System.arraycopy(words, 0, all, 1, words.length);
        return cli.run("", all);
    }

    private String ok(String... words) throws Exception {
        Cli.Said said = run(words);
        assertThat(said.code())
                .as("%s: %s", String.join(" ", words), said.text())
                .isZero();
        return said.text();
    }

    private String refused(String... words) throws Exception {
        Cli.Said said = run(words);
        assertThat(said.code())
                .as("%s: %s", String.join(" ", words), said.text())
                .isNotZero();
        return said.text();
    }

    @Test
    void explains() throws Exception {
        assertThat(ok("explain", "pods.spec.containers.image"))
                .contains("KIND:       Pod", "FIELD: image <string>", "Container image name.");
        assertThat(ok("explain", "deploy", "--recursive"))
                .contains("GROUP:      apps", "maxUnavailable\t<IntOrString>", "containerPort\t<integer> -required-");
        assertThat(ok("explain", "widgets.spec.parts.name")).contains("FIELD: name <string>", "Its name.");
        assertThat(ok("explain", "wd", "--recursive"))
                .contains("GROUP:      example.com", "A thing.", "parts\t<[]Object>", "replicas\t<integer>");
        assertThat(refused("explain", "pods.spec.nothing")).contains("field \"nothing\" does not exist");
    }

    @Test
    void aKindThatIsNotInstalledIsNamed() throws Exception {
        cli.write("nope.yaml", "apiVersion: nope.example.com/v1\nkind: Nope\nmetadata: {name: a}\nspec: {x: 1}\n");
        for (List<String> verb :
                List.of(List.of("apply"), List.of("apply", "--server-side"), List.of("create"), List.of("replace"))) {
            String[] words =
                    Stream.concat(verb.stream(), Stream.of("-f", "nope.yaml")).toArray(String[]::new);
            assertThat(refused(words))
                    .contains("no matches for kind \"Nope\" in version \"nope.example.com/v1\"")
                    .contains("ensure CRDs are installed first")
                    .doesNotContain("error validating");
        }
        assertThat(ok("get", "--raw", "/openapi/v2")).contains("\"swagger\":\"2.0\"", "/openapi/v3");
        assertThat(refused("explain", "-o", "plaintext-openapiv2", "deploy"))
                .contains("couldn't find resource for \"apps/v1, Kind=Deployment\"");
    }

    @Test
    void describesEveryKindAndKnowsShortNamesAndCategories() throws Exception {
        List<String> kinds =
                ok("api-resources", "--verbs=get,list", "-o", "name").lines().toList();
        assertThat(kinds).hasSizeGreaterThan(40).contains("widgets.example.com");
        String described = ok("describe", String.join(",", kinds), "-A");
        for (String name : List.of(
                "web",
                "rs",
                "sts",
                "ds",
                "rc",
                "cr",
                "p",
                "pt",
                "job",
                "cj",
                "svc",
                "ep",
                "es",
                "cm",
                "sec",
                "sa",
                "pv",
                "pvc",
                "rq",
                "lr",
                "ev",
                "hpa",
                "ing",
                "ic",
                "np",
                "pdb",
                "role",
                "rb",
                "scl",
                "pc",
                "lease",
                "widgets.example.com",
                "n1",
                "kubernetes",
                "system-node-critical")) {
            assertThat(described).containsPattern("(?m)^Name: +" + Pattern.quote(name) + "$");
        }
        ok(
                "get",
                "po,svc,deploy,rs,sts,ds,cm,sa,ns,no,pv,pvc,ep,ev,hpa,ing,netpol,pdb,cj,crd,pc,sc,quota,limits,rc,wd");
        ok(
                "create",
                "-f",
                cli.write("toy.yaml", WIDGET.formatted("toy", "green")).toString());
        assertThat(ok("get", "toys", "-o", "name")).contains("widget.example.com/toy");
        assertThat(ok("get", "all", "-o", "name"))
                .contains("widget.example.com/toy", "deployment.apps/web", "service/kubernetes");
    }

    @Test
    void scalesAndSelectsByFields() throws Exception {
        for (String kind : List.of("rs/rs", "sts/sts", "rc/rc")) {
            assertThat(ok("scale", kind, "--replicas=3")).contains("scaled");
            assertThat(ok("get", kind, "-o", "jsonpath={.spec.replicas}")).isEqualTo("3");
        }
        ok("create", "-f", cli.write("w.yaml", WIDGET.formatted("red", "red")).toString());
        ok("create", "-f", cli.write("w.yaml", WIDGET.formatted("blue", "blue")).toString());
        ok("scale", "widget/red", "--replicas=5", "--current-replicas=2");
        assertThat(refused("scale", "widget/red", "--replicas=6", "--current-replicas=2"))
                .contains("Expected replicas to be 2, was 5");
        assertThat(ok("get", "wd", "--field-selector", "spec.color=red", "-o", "name"))
                .isEqualTo("widget.example.com/red\n");
        assertThat(ok("get", "wd", "--field-selector", "spec.color!=red", "-o", "name"))
                .contains("blue")
                .doesNotContain("red");
        assertThat(refused("get", "wd", "--field-selector", "spec.replicas=5"))
                .contains("field label not supported: spec.replicas");
    }

    @Test
    void rollsDeploymentsOutAndBack() throws Exception {
        ok("create", "deployment", "roll", "--image=roll:1");
        String uid = ok("get", "deploy", "roll", "-o", "jsonpath={.metadata.uid}");
        for (int revision = 1; revision <= 2; revision++) {
            cli.write("rs.yaml", """
                    apiVersion: apps/v1
                    kind: ReplicaSet
                    metadata:
                      name: roll-%1$d
                      labels: {app: roll}
                      annotations: {deployment.kubernetes.io/revision: "%1$d", kubernetes.io/change-cause: try %1$d}
                      ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: roll, uid: %2$s, controller: true}]
                    spec:
                      selector: {matchLabels: {app: roll, pod-template-hash: h%1$d}}
                      template:
                        metadata: {labels: {app: roll, pod-template-hash: h%1$d}}
                        spec: {containers: [{name: roll, image: "roll:%1$d"}]}
                    """.formatted(revision, uid));
            ok("create", "-f", "rs.yaml");
        }
        ok("set", "image", "deploy/roll", "roll=roll:2");
        assertThat(ok("rollout", "history", "deploy/roll")).containsPattern("1 +try 1\n2 +try 2");
        assertThat(ok("rollout", "history", "deploy/roll", "--revision=1")).contains("roll:1");
        assertThat(ok("rollout", "undo", "deploy/roll", "--to-revision=1")).contains("rolled back");
        assertThat(ok("get", "deploy", "roll", "-o", "jsonpath={..containers[*].image}"))
                .isEqualTo("roll:1");
        ok("rollout", "restart", "deploy/roll");
        assertThat(ok("get", "deploy", "roll", "-o", "jsonpath={.spec.template.metadata.annotations}"))
                .contains("kubectl.kubernetes.io/restartedAt");
        ok("rollout", "pause", "deploy/roll");
        assertThat(refused("rollout", "pause", "deploy/roll")).contains("is already paused");
        ok("rollout", "resume", "deploy/roll");
    }

    @Test
    void rollsSetsOutAndBack() throws Exception {
        for (String set : List.of("StatefulSet sts", "DaemonSet ds")) {
            String kind = set.split(" ")[0];
            String name = set.split(" ")[1];
            String uid = ok("get", kind, name, "-o", "jsonpath={.metadata.uid}");
            for (int revision = 1; revision <= 2; revision++) {
                cli.write("cr.yaml", """
                        apiVersion: apps/v1
                        kind: ControllerRevision
                        metadata:
                          name: %2$s-%1$d
                          labels: {app: %2$s}
                          ownerReferences: [{apiVersion: apps/v1, kind: %3$s, name: %2$s, uid: %4$s, controller: true}]
                        revision: %1$d
                        data: {spec: {template: {$patch: replace, metadata: {labels: {app: %2$s}},
                          spec: {containers: [{name: web, image: "old:%1$d"}]}}}}
                        """.formatted(revision, name, kind, uid));
                ok("create", "-f", "cr.yaml");
            }
            assertThat(ok("rollout", "history", kind + "/" + name)).containsPattern("1 +<none>\n2 +<none>");
            assertThat(ok("rollout", "undo", kind + "/" + name, "--to-revision=1"))
                    .contains("rolled back");
            assertThat(ok("get", kind, name, "-o", "jsonpath={..containers[*].image}"))
                    .isEqualTo("old:1");
            assertThat(ok("rollout", "restart", kind + "/" + name)).contains("restarted");
        }
    }

    @Test
    void saysWhoMayDoWhat() throws Exception {
        String robot = "--as=system:serviceaccount:default:sa";
        assertThat(ok("auth", "can-i", "create", "pods")).isEqualTo("yes\n");
        assertThat(ok("auth", "can-i", "--list")).containsPattern("\\*\\.\\* +\\[] +\\[] +\\[\\*]");
        assertThat(ok("auth", "can-i", "get", "pods", robot)).isEqualTo("yes\n");
        assertThat(refused("auth", "can-i", "delete", "pods", robot)).isEqualTo("no\n");
        assertThat(ok("auth", "can-i", "--list", robot)).containsPattern("pods +\\[] +\\[] +\\[get]");
        assertThat(ok("auth", "whoami")).containsPattern("Username +admin");
        assertThat(ok("auth", "whoami", robot)).containsPattern("Username +system:serviceaccount:default:sa");
        assertThat(refused("top", "pods")).contains("Metrics API not available");
        assertThat(refused("top", "nodes")).contains("Metrics API not available");
    }

    @Test
    void changesWorkloadsInPlace() throws Exception {
        ok("create", "deployment", "change", "--image=change:1");
        ok("set", "image", "deploy/change", "change=change:2");
        ok("set", "env", "deploy/change", "A=B");
        ok("set", "resources", "deploy/change", "--limits=cpu=1");
        ok("set", "serviceaccount", "deploy/change", "sa");
        assertThat(ok(
                        "get",
                        "deploy",
                        "change",
                        "-o",
                        "jsonpath={.spec.template.spec['containers','serviceAccountName']}"))
                .contains("\"image\":\"change:2\"", "\"name\":\"A\",\"value\":\"B\"", "\"cpu\":\"1\"", "sa");
        ok("expose", "deploy", "change", "--port=80", "--name=change-service");
        assertThat(ok("get", "svc", "change-service", "-o", "jsonpath={.spec.selector}"))
                .isEqualTo("{\"app\":\"change\"}");
        ok("set", "selector", "svc/change-service", "app=other");
        ok("set", "subject", "rolebinding", "rb", "--user=bob");
        ok("autoscale", "deploy", "change", "--min=1", "--max=4", "--cpu-percent=50");
        assertThat(ok("get", "hpa", "change")).containsPattern("Deployment/change +cpu: <unknown>/50% +1 +4");
    }

    @Test
    void keepsPodsOffNodesAndDebugsThem() throws Exception {
        ok("cordon", "n1");
        assertThat(ok("get", "node", "n1")).contains("SchedulingDisabled");
        ok("drain", "n1", "--ignore-daemonsets", "--force", "--timeout=20s");
        ok("uncordon", "n1");
        ok("taint", "nodes", "n1", "key=value:NoSchedule");
        assertThat(ok("get", "node", "n1", "-o", "jsonpath={.spec.taints[*].key}"))
                .isEqualTo("key");
        ok("taint", "nodes", "n1", "key:NoSchedule-");

        ok("run", "patient", "--image=web:1");
        assertThat(ok(
                        "get",
                        "pod",
                        "patient",
                        "-o",
                        "jsonpath={.spec.serviceAccountName} {.spec.priority}"
                                + " {.spec.preemptionPolicy} {.spec.tolerations[*].key}"))
                .isEqualTo("default 0 PreemptLowerPriority node.kubernetes.io/not-ready"
                        + " node.kubernetes.io/unreachable");
        ok("debug", "patient", "--image=tools:1", "-c", "doctor", "--profile=general", "--attach=false", "--", "sh");
        assertThat(ok("get", "pod", "patient", "-o", "jsonpath={.spec.ephemeralContainers[*].name}"))
                .isEqualTo("doctor");
        assertThat(refused(
                        "patch",
                        "pod",
                        "patient",
                        "--subresource=ephemeralcontainers",
                        "-p",
                        "{\"spec\":{\"ephemeralContainers\":[{\"name\":\"doctor\",\"image\":\"other:1\"}]}}"))
                .contains("may not be changed");
        ok("debug", "patient", "--copy-to=copy", "--image=tools:1", "--profile=general", "--attach=false", "--", "sh");
        assertThat(ok("get", "pod", "copy", "-o", "jsonpath={.spec.containers[*].image}"))
                .isEqualTo("web:1 tools:1");
        assertThat(refused(
                        "run", "lost", "--image=web:1", "--overrides={\"spec\":{\"serviceAccountName\":\"nobody\"}}"))
                .contains("error looking up service account default/nobody");
        assertThat(refused("run", "lost", "--image=web:1", "--overrides={\"spec\":{\"priorityClassName\":\"none\"}}"))
                .contains("no PriorityClass with name none was found");
    }

    @Test
    void comparesReplacesAndWaits() throws Exception {
        String file = cli.write("diff.yaml", WIDGET.formatted("other", "red")).toString();
        ok("apply", "-f", file);
        assertThat(ok("diff", "-f", file)).isEmpty();
        cli.write("diff.yaml", WIDGET.formatted("other", "blue"));
        assertThat(refused("diff", "-f", file)).contains("-  color: red", "+  color: blue");
        assertThat(ok("replace", "--force", "-f", file)).contains("deleted", "replaced");
        ok("wait", "--for=jsonpath={.spec.color}=blue", "widget/other", "--timeout=20s");
        ok("patch", "widget", "other", "--subresource=status", "--type=merge", "-p", "{\"status\":{\"replicas\":2}}");
        assertThat(ok("get", "--raw", "/apis/example.com/v1/namespaces/default/widgets/other/scale"))
                .contains("\"kind\":\"Scale\"", "\"replicas\":2");
        String map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s, labels: {prune: me}}\n";
        cli.write("maps.yaml", map.formatted("kept") + "---\n" + map.formatted("pruned"));
        ok("apply", "-f", "maps.yaml");
        cli.write("maps.yaml", map.formatted("kept"));
        assertThat(ok("apply", "--prune", "-l", "prune=me", "-f", "maps.yaml"))
                .contains("configmap/kept unchanged", "configmap/pruned pruned");
        assertThat(ok("cluster-info")).contains("Kubernetes control plane");
        ok("cluster-info", "dump", "--output-directory=dump");
        assertThat(ok("version")).contains("Server Version: v1.34");
    }

    @Test
    void discoveryIsAskedForOnceAndNotSentAgain() throws Exception {
        try (Cli.Running proxy = cli.start(kubectl, "proxy", "--port=0");
                HttpClient http = HttpClient.newBuilder()
                        .version(HttpClient.Version.HTTP_1_1)
                        .build()) {
            Pattern address = Pattern.compile("127\\.0\\.0\\.1:\\d+");
            await().until(() -> address.matcher(proxy.text()).find());
            Matcher found = address.matcher(proxy.text());
            assertThat(found.find()).isTrue();
            HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://" + found.group() + "/apis"))
                    .header("Accept", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
            HttpResponse<String> first = http.send(request.build(), HttpResponse.BodyHandlers.ofString());
            assertThat(first.statusCode()).isEqualTo(200);
            assertThat(first.body()).contains("\"APIGroupDiscoveryList\"", "example.com");
            String tag = first.headers().firstValue("ETag").orElseThrow();
            HttpResponse<String> second =
                    http.send(request.header("If-None-Match", tag).build(), HttpResponse.BodyHandlers.ofString());
            assertThat(second.statusCode()).isEqualTo(304);
            assertThat(second.body()).isEmpty();
        }
    }
}
