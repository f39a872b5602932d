package dev.weir.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import dev.weir.dataplane.MeshConfig.Kind;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Which pods a subset of a service is. */
class SubsetTest {
    private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());
    private static final String APP = "app.shop.svc.cluster.local";
    private static final String PODS = """
            {metadata: {name: a1, namespace: shop, labels: {version: v1, tier: gold}}}
            ---
            {metadata: {name: a2, namespace: shop, labels: {version: v2, tier: gold}}}
            ---
            {metadata: {name: a3, namespace: shop, labels: {version: v2}}}
            """;
    private static final String SLICE = """
            metadata: {name: app-x, namespace: shop, labels: {kubernetes.io/service-name: app}}
            ports: [{name: "", port: 80}]
            endpoints:
            - {addresses: [127.0.0.1], targetRef: {name: a1}}
            - {addresses: [127.0.0.2], targetRef: {name: a2}}
            - {addresses: [127.0.0.3], targetRef: {name: a3}}
            """;
    private static final String SERVICE = "{metadata: {name: app, namespace: shop}, spec: {ports: [{port: 80}]}}";

    private static List<JsonNode> read(String yaml) throws IOException {
        try (MappingIterator<JsonNode> objects = YAML.readerFor(JsonNode.class).readValues(yaml)) {
            return objects.readAll();
        }
    }

    private static RouteTable table(String rules) throws IOException {
        return new RouteTable(new MeshConfig(
                Map.of(
                        Kind.SERVICE, read(SERVICE),
                        Kind.ENDPOINT_SLICE, read(SLICE),
                        Kind.POD, read(PODS),
                        Kind.DESTINATION_RULE, read(rules)),
                Map.of()));
    }

    private static @Nullable List<String> pods(RouteTable table, String subset, String caller) {
        var endpoints = table.endpoints(APP, subset, 80, 80, caller);
        return endpoints == null
                ? null
                : endpoints.stream().map(endpoint -> endpoint.workload().pod()).toList();
    }

    @Test
    void aSubsetIsThePodsThatHaveAllItsLabels() throws Exception {
        RouteTable table = table("""
                metadata: {name: app, namespace: shop}
                spec:
                  host: app
                  subsets:
                  - {name: v2, labels: {version: v2}}
                  - {name: gold-v2, labels: {version: v2, tier: gold}}
                  - {name: all}
                  - {name: nobody, labels: {version: v3}}
                """);
        assertThat(pods(table, "", "shop")).containsExactly("a1", "a2", "a3");
        assertThat(pods(table, "v2", "shop")).containsExactly("a2", "a3");
        assertThat(pods(table, "gold-v2", "elsewhere")).containsExactly("a2");
        assertThat(pods(table, "all", "shop")).containsExactly("a1", "a2", "a3");
        assertThat(pods(table, "nobody", "shop")).isEmpty();
        assertThat(pods(table, "not-defined", "shop")).isNull();
        assertThat(table.findings()).isEmpty();
    }

    @Test
    void theCallersRulesComeFirstAndTheFirstDefinitionCounts() throws Exception {
        RouteTable table = table("""
                metadata: {name: young, namespace: shop, creationTimestamp: "2026-01-02T00:00:00Z"}
                spec: {host: app, subsets: [{name: s, labels: {version: v1}}, {name: more, labels: {tier: gold}}]}
                ---
                metadata: {name: old, namespace: shop, creationTimestamp: "2026-01-01T00:00:00Z"}
                spec: {host: app, subsets: [{name: s, labels: {version: v2}}]}
                ---
                metadata: {name: theirs, namespace: caller}
                spec: {host: "*.shop.svc.cluster.local", subsets: [{name: s, labels: {tier: gold}}]}
                ---
                metadata: {name: hidden, namespace: istio-system}
                spec: {host: other.shop.svc.cluster.local, exportTo: ["."], subsets: [{name: s}]}
                """);
        assertThat(pods(table, "s", "shop")).containsExactly("a2", "a3");
        assertThat(pods(table, "more", "shop"))
                .as("rules for one host are united")
                .containsExactly("a1", "a2");
        assertThat(pods(table, "s", "caller")).containsExactly("a1", "a2");
        assertThat(pods(table, "more", "caller"))
                .as("the caller's rule decides")
                .isNull();
    }

    @Test
    void rulesThatAreNotExportedAreNotSeenElsewhere() throws Exception {
        RouteTable table = table("""
                metadata: {name: app, namespace: shop}
                spec: {host: app, exportTo: ["."], subsets: [{name: s, labels: {version: v1}}], trafficPolicy: {}}
                """);
        assertThat(pods(table, "s", "shop")).containsExactly("a1");
        assertThat(pods(table, "s", "elsewhere")).isNull();
        assertThat(table.findings())
                .singleElement()
                .satisfies(
                        found -> assertThat(found.texts()).containsExactly("spec.trafficPolicy: not served, ignored"));
    }
}
