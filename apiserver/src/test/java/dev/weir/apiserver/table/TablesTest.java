package dev.weir.apiserver.table;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.weir.apiserver.rest.Kinds;
import dev.weir.apiserver.rest.ResourceType;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What {@code kubectl get} shows of built-in kinds. */
class TablesTest {
    private static final Clock CLOCK = Clock.fixed(Instant.parse("2026-01-01T00:10:00Z"), ZoneOffset.UTC);
    private static final String METADATA = "metadata: {name: x, creationTimestamp: '2026-01-01T00:00:00Z'}\n";

    private final Kinds kinds = new Kinds();
    private final Tables tables = new Tables(CLOCK);

    private String row(String group, String version, String plural, String yaml) throws Exception {
        ResourceType type = kinds.find(group, version, plural).orElseThrow();
        ObjectNode object = (ObjectNode) new YAMLMapper().readTree(METADATA + yaml);
        ObjectNode table = tables.ofObjects(type, List.of(object), "None", "1", true);
        ArrayNode cells = (ArrayNode) table.path("rows").path(0).path("cells");
        assertThat(cells).as("cells").hasSameSizeAs(table.path("columnDefinitions"));
        return cells.toString();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            apps | v1 | statefulsets | {spec: {replicas: 3}, status: {readyReplicas: 1}} | ["x","1/3","10m","",""]
            batch | v1 | jobs | {spec: {completions: 2}, status: {succeeded: 1, startTime: '2026-01-01T00:09:00Z'}} | ["x","Running","1/2","60s","10m","","","<none>"]
            batch | v1 | cronjobs | {spec: {schedule: '* * * * *', suspend: false}} | ["x","* * * * *","<none>","False",0,"<none>","10m","","","<none>"]
            autoscaling | v1 | horizontalpodautoscalers | {spec: {scaleTargetRef: {kind: Deployment, name: web}, minReplicas: 1, maxReplicas: 3, targetCPUUtilizationPercentage: 80}} | ["x","Deployment/web","cpu: <unknown>/80%","1",3,0,"10m"]
            autoscaling | v2 | horizontalpodautoscalers | {spec: {scaleTargetRef: {kind: Deployment, name: web}, maxReplicas: 3, metrics: [{type: Resource, resource: {name: memory, target: {type: AverageValue, averageValue: 1Gi}}}]}} | ["x","Deployment/web","memory: <unknown>/1Gi","<unset>",3,0,"10m"]
            policy | v1 | poddisruptionbudgets | {spec: {minAvailable: 50%}, status: {disruptionsAllowed: 2}} | ["x","50%","N/A",2,"10m"]
            networking.k8s.io | v1 | ingresses | {spec: {ingressClassName: n, rules: [{host: a.example}, {host: b.example}], tls: [{}]}} | ["x","n","a.example,b.example","","80, 443","10m"]
            networking.k8s.io | v1 | networkpolicies | {spec: {podSelector: {matchLabels: {app: a}}}} | ["x","app=a","10m"]
            '' | v1 | persistentvolumeclaims | {spec: {volumeName: v, accessModes: [ReadWriteOnce], storageClassName: s}, status: {phase: Bound, capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce]}} | ["x","Bound","v","1Gi","RWO","s","<unset>","10m","<unset>"]
            '' | v1 | resourcequotas | {status: {hard: {pods: '2', limits.cpu: '4'}, used: {pods: '1'}}} | ["x","pods: 1/2","limits.cpu: 0/4","10m"]
            storage.k8s.io | v1 | storageclasses | {provisioner: p, reclaimPolicy: Retain, volumeBindingMode: Immediate, allowVolumeExpansion: true} | ["x","p","Retain","Immediate",true,"10m"]
            '' | v1 | nodes | {spec: {unschedulable: true}, status: {conditions: [{type: Ready, status: 'True'}], addresses: [{type: InternalIP, address: 127.0.0.1}], nodeInfo: {kubeletVersion: v1}}} | ["x","Ready,SchedulingDisabled","<none>","10m","v1","127.0.0.1","<none>","<unknown>","<unknown>","<unknown>"]
            """)
    void printsAsTheOriginal(String group, String version, String plural, String yaml, String cells) throws Exception {
        String fields = new YAMLMapper()
                .writeValueAsString(new YAMLMapper().readTree(yaml))
                .replaceFirst("^---\n", "");
        assertThat(row(group, version, plural, fields)).isEqualTo(cells);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {phase: Pending} | "0/1","Pending","0"
            {phase: Running, containerStatuses: [{name: a, ready: true, restartCount: 0, state: {running: {}}}]} | "1/1","Running","0"
            {phase: Running, containerStatuses: [{name: a, restartCount: 3, state: {waiting: {reason: CrashLoopBackOff}}, lastState: {terminated: {finishedAt: '2026-01-01T00:09:30Z'}}}]} | "0/1","CrashLoopBackOff","3 (30s ago)"
            {phase: Succeeded, containerStatuses: [{name: a, restartCount: 0, state: {terminated: {reason: Completed}}}]} | "0/1","Completed","0"
            {phase: Failed, reason: Evicted} | "0/1","Evicted","0"
            {phase: Pending, initContainerStatuses: [{name: i, restartCount: 1, state: {terminated: {exitCode: 2}}}]} | "0/1","Init:ExitCode:2","1"
            {phase: Pending, initContainerStatuses: [{name: i, restartCount: 0, state: {running: {}}}]} | "0/1","Init:0/1","0"
            """)
    void sumsUpPods(String status, String cells) throws Exception {
        String yaml = "spec: {containers: [{name: a}], initContainers: [{name: i}]}\nstatus: " + status + "\n";
        assertThat(row("", "v1", "pods", yaml)).contains(cells);
    }

    @Test
    void everyBuiltInKindHasAsManyCellsAsColumns() throws Exception {
        for (ResourceType type : kinds.all()) {
            if (type.verbs().contains("list")) {
                assertThat(row(type.group(), type.version(), type.plural(), "spec: {}"))
                        .as(type.qualifiedPlural())
                        .startsWith("[");
            }
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            .status.addresses[*].value | 127.0.0.1
            .status.addresses[1].value | 127.0.0.2
            .status.addresses[?(@.type=="IP")].value | 127.0.0.2
            """)
    void aColumnOfACustomResourceShowsTheFirstMatch(String path, String shown) throws Exception {
        ObjectNode object = (ObjectNode) new YAMLMapper()
                .readTree("status: {addresses: [{type: Host, value: 127.0.0.1}, {type: IP, value: 127.0.0.2}]}");
        assertThat(CustomColumns.find(object, path).asText()).isEqualTo(shown);
    }
}
