package dev.weir.apiserver.builtin;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.weir.apiserver.rest.FieldError;
import dev.weir.apiserver.rest.Kinds;
import dev.weir.apiserver.rest.ResourceType;
import dev.weir.apiserver.schema.BuiltInSchemas;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Defaults and rules of built-in kinds that the recordings do not touch. */
class BuiltInRulesTest {
    private static final Kinds KINDS = new Kinds();
    private static final BuiltInSchemas SCHEMAS = new BuiltInSchemas();
    private static final Map<String, String> GROUPS = Map.of(
            "pods", "",
            "persistentvolumeclaims", "",
            "secrets", "",
            "deployments", "apps",
            "jobs", "batch",
            "cronjobs", "batch",
            "horizontalpodautoscalers", "autoscaling",
            "poddisruptionbudgets", "policy",
            "ingresses", "networking.k8s.io",
            "rolebindings", "rbac.authorization.k8s.io");

    private static BuiltInStrategy strategy(String plural) {
        ResourceType type =
                KINDS.find(GROUPS.getOrDefault(plural, ""), "v1", plural).orElseThrow();
        return new BuiltInStrategy(
                type, SCHEMAS.of(type.group(), type.version(), type.kind()), new ServiceAddresses(), KindCheck.NONE);
    }

    private static ObjectNode made(String plural, String yaml) throws Exception {
        BuiltInStrategy strategy = strategy(plural);
        ObjectNode object = (ObjectNode) new YAMLMapper().readTree(yaml);
        object.withObject("/metadata").put("name", "x").put("uid", "u");
        strategy.decode(object);
        strategy.setDefaults(object);
        strategy.prepareForCreate(object);
        return object;
    }

    private static List<String> problems(String plural, String yaml, @Nullable String before) throws Exception {
        ObjectNode old = before == null ? null : made(plural, before);
        return strategy(plural).validate(made(plural, yaml), old, List.of()).stream()
                .map(FieldError::message)
                .toList();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            pods | {spec: {}} | spec.containers: Required value
            pods | {spec: {containers: [{name: A, image: i}]}} | spec.containers[0].name: Invalid value: "A": a lowercase RFC 1123 label
            pods | {spec: {containers: [{name: a, image: i}], initContainers: [{name: a, image: i}]}} | spec.initContainers[0].name: Duplicate value: "a"
            pods | {spec: {containers: [{name: a, image: ' i'}]}} | spec.containers[0].image: Invalid value: " i": must not have leading or trailing whitespace
            pods | {spec: {restartPolicy: Sometimes, containers: [{name: a, image: i}]}} | spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"
            pods | {spec: {containers: [{name: a, image: i, ports: [{containerPort: 70000}]}]}} | spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive
            pods | {spec: {containers: [{name: a, image: i, ports: [{containerPort: 80, protocol: HTTP}]}]}} | spec.containers[0].ports[0].protocol: Unsupported value: "HTTP": supported values: "SCTP", "TCP", "UDP"
            pods | {spec: {containers: [{name: a, image: i, volumeMounts: [{name: v, mountPath: /v}]}]}} | spec.containers[0].volumeMounts[0].name: Not found: "v"
            pods | {spec: {containers: [{name: a, image: i, env: [{name: 'a=b'}]}]}} | spec.containers[0].env[0].name: Invalid value: "a=b"
            pods | {spec: {containers: [{name: a, image: i, readinessProbe: {periodSeconds: 1}}]}} | spec.containers[0].readinessProbe: Required value: must specify a handler type
            pods | {spec: {volumes: [{name: v, emptyDir: {}, hostPath: {path: /}}], containers: [{name: a, image: i}]}} | spec.volumes[0]: Forbidden: may not specify more than 1 volume type
            deployments | {spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {restartPolicy: Never, containers: [{name: a, image: i}]}}}} | spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"
            jobs | {spec: {template: {spec: {containers: [{name: a, image: i}]}}}} | spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"
            cronjobs | {spec: {jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: i}]}}}}}} | spec.schedule: Required value
            horizontalpodautoscalers | {spec: {minReplicas: 3, maxReplicas: 2, scaleTargetRef: {kind: D, name: d}}} | spec.maxReplicas: Invalid value: 2: must be greater than or equal to `minReplicas`
            poddisruptionbudgets | {spec: {minAvailable: 1, maxUnavailable: 1}} | minAvailable and maxUnavailable cannot be both set
            ingresses | {spec: {}} | either `defaultBackend` or `rules` must be specified
            ingresses | {spec: {rules: [{http: {paths: [{path: /, backend: {service: {name: s, port: {number: 80}}}}]}}]}} | spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified
            persistentvolumeclaims | {spec: {resources: {requests: {storage: 1Gi}}}} | spec.accessModes: Required value: at least 1 access mode is required
            rolebindings | {roleRef: {kind: Thing, name: r}} | roleRef.kind: Unsupported value: "Thing": supported values: "Role", "ClusterRole"
            secrets | {type: kubernetes.io/tls, data: {tls.crt: ''}} | data[tls.key]: Required value
            """)
    void refuses(String plural, String object, String message) throws Exception {
        assertThat(problems(plural, object, null))
                .anySatisfy(error -> assertThat(error).contains(message));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            pods | {spec: {containers: [{name: a, image: i}]}} | {spec: {containers: [{name: b, image: i}]}} | spec: Forbidden: pod updates may not change fields other than
            rolebindings | {roleRef: {kind: Role, name: a}} | {roleRef: {kind: Role, name: b}} | cannot change roleRef
            secrets | {type: a} | {type: b} | type: Invalid value: "b": field is immutable
            jobs | {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: i}]}}}} | {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: j}]}}}} | field is immutable
            """)
    void refusesChanges(String plural, String before, String after, String message) throws Exception {
        assertThat(problems(plural, before, before)).isEmpty();
        assertThat(problems(plural, after, before))
                .anySatisfy(error -> assertThat(error).contains(message));
    }

    @Test
    void aPodsImageMayChange() throws Exception {
        assertThat(problems(
                        "pods",
                        "{spec: {nodeName: n, containers: [{name: a, image: 'i:2'}]}}",
                        "{spec: {containers: [{name: a, image: 'i:1'}]}}"))
                .isEmpty();
    }

    @Test
    void podsAreFilledIn() throws Exception {
        ObjectNode pod = made(
                "pods",
                "{spec: {hostNetwork: true, volumes: [{name: v}], containers: [{name: a, image: i, ports: [{containerPort: 80}],"
                        + " resources: {limits: {cpu: 1, memory: 1024Mi}}, livenessProbe: {httpGet: {port: 80}}}]}}");
        assertThat(pod.at("/spec/volumes/0").toString()).isEqualTo("{\"name\":\"v\",\"emptyDir\":{}}");
        assertThat(pod.at("/spec/containers/0/ports/0/hostPort").asInt()).isEqualTo(80);
        assertThat(pod.at("/spec/containers/0/resources/requests").toString())
                .isEqualTo("{\"cpu\":\"1\",\"memory\":\"1Gi\"}");
        assertThat(pod.at("/spec/containers/0/livenessProbe/httpGet").toString())
                .isEqualTo("{\"port\":80,\"path\":\"/\",\"scheme\":\"HTTP\"}");
        assertThat(pod.at("/status/qosClass").asText()).isEqualTo("Guaranteed");
    }

    @Test
    void jobsSelectTheirOwnPods() throws Exception {
        ObjectNode job =
                made("jobs", "{spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: i}]}}}}");
        assertThat(job.at("/spec/selector/matchLabels").toString())
                .isEqualTo("{\"batch.kubernetes.io/controller-uid\":\"u\"}");
        assertThat(job.at("/spec/template/metadata/labels/job-name").asText()).isEqualTo("x");
    }

    @ParameterizedTest
    @CsvSource({
        "1, 1",
        "1000m, 1",
        "0.5, 500m",
        "1500m, 1500m",
        "100000, 100k",
        "1234, 1234",
        "1024Mi, 1Gi",
        "1.5Gi, 1536Mi",
        "512, 512",
        "0.5Ki, 512",
        "1e3, 1e3",
        "12e6, 12e6",
        "-1.5, -1500m",
        "0, 0",
        "0Gi, 0",
        "1u, 1u",
        "0.1n, 1n",
        "64Mi, 64Mi"
    })
    void amountsAreWrittenInOneWay(String text, String canonical) {
        assertThat(Quantities.canonical(text)).isEqualTo(canonical);
        assertThat(Quantities.canonical(canonical)).isEqualTo(canonical);
    }
}
