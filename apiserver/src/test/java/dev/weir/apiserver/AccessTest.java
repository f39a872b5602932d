package dev.weir.apiserver;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.weir.apiserver.auth.User;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Who may do what. */
class AccessTest {
    private static final String RBAC = "/apis/rbac.authorization.k8s.io/v1/";
    private static final String SECRETS = "/api/v1/namespaces/default/secrets";
    private static final String MAPS = "/api/v1/namespaces/default/configmaps";

    private ApiServer server;
    private RawClient master;
    private RawClient ann;

    @BeforeEach
    void start() throws Exception {
        server = ApiServer.start(ApiServerOptions.loopback(Map.of(
                "master", new User("root", "", List.of("system:masters")),
                "ann", new User("ann", "", List.of("developers", "system:authenticated")))));
        master = new RawClient(server, "master");
        ann = new RawClient(server, "ann");
    }

    @AfterEach
    void stop() {
        master.close();
        ann.close();
        server.close();
    }

    private static RawClient.Answer send(RawClient client, String method, String path, @Nullable String yaml)
            throws Exception {
        JsonNode body = yaml == null ? null : new YAMLMapper().readTree(yaml);
        return client.send(method, path, body, method.equals("PATCH") ? "application/merge-patch+json" : "", "");
    }

    private void bind(String kind, String role) throws Exception {
        String binding = "{metadata: {generateName: b-}, roleRef: {kind: " + kind + ", name: '" + role
                + "'}, subjects: [{kind: User, name: ann}]}";
        assertThat(send(master, "POST", RBAC + "namespaces/default/rolebindings", binding)
                        .code())
                .isEqualTo(201);
    }

    @Test
    void strangersAreUnauthorizedAndOthersSeeDiscoveryOnly() throws Exception {
        try (RawClient stranger = new RawClient(server, "wrong")) {
            assertThat(send(stranger, "GET", "/version", null).code()).isEqualTo(401);
        }
        assertThat(send(ann, "GET", "/version", null).code()).isEqualTo(200);
        assertThat(send(ann, "GET", "/apis/apps/v1", null).code()).isEqualTo(200);
        assertThat(send(ann, "GET", "/metrics", null).code()).isEqualTo(403);
        RawClient.Answer refused = send(ann, "GET", MAPS, null);
        assertThat(refused.code()).isEqualTo(403);
        assertThat(refused.body().path("message").asText())
                .isEqualTo("configmaps is forbidden: User \"ann\" cannot list resource \"configmaps\" in API group \"\""
                        + " in the namespace \"default\"");
    }

    @Test
    void viewersDoNotSeeSecrets() throws Exception {
        bind("ClusterRole", "view");
        assertThat(send(ann, "GET", MAPS, null).code()).isEqualTo(200);
        assertThat(send(ann, "GET", SECRETS, null).code()).isEqualTo(403);
        assertThat(send(ann, "POST", MAPS, "{metadata: {name: a}}").code()).isEqualTo(403);
    }

    @Test
    void editorsWriteObjectsAndAdminsRolesToo() throws Exception {
        bind("ClusterRole", "edit");
        assertThat(send(ann, "POST", SECRETS, "{metadata: {name: a}}").code()).isEqualTo(201);
        String role = "{metadata: {name: r}, rules: [{apiGroups: [''], resources: [configmaps], verbs: [get]}]}";
        assertThat(send(ann, "POST", RBAC + "namespaces/default/roles", role).code())
                .isEqualTo(403);
        bind("ClusterRole", "admin");
        assertThat(send(ann, "POST", RBAC + "namespaces/default/roles", role).code())
                .isEqualTo(201);
    }

    @Test
    void nobodyGrantsWhatHeDoesNotHold() throws Exception {
        bind("ClusterRole", "admin");
        String roles = RBAC + "namespaces/default/roles";
        RawClient.Answer refused = send(
                ann,
                "POST",
                roles,
                "{metadata: {name: r}, rules: [{apiGroups: [example.com], resources: [widgets], verbs: [get]}]}");
        assertThat(refused.code()).isEqualTo(403);
        assertThat(refused.body().path("message").asText())
                .contains("user \"ann\" (groups=[\"developers\" \"system:authenticated\"]) is attempting to grant RBAC"
                        + " permissions not currently held:")
                .contains("{APIGroups:[\"example.com\"], Resources:[\"widgets\"], Verbs:[\"get\"]}");
        RawClient.Answer bound = send(
                ann,
                "POST",
                RBAC + "namespaces/default/rolebindings",
                "{metadata: {name: b}, roleRef: {kind: ClusterRole, name: cluster-admin},"
                        + " subjects: [{kind: User, name: ann}]}");
        assertThat(bound.code()).isEqualTo(403);
        send(
                master,
                "POST",
                roles,
                "{metadata: {name: may-bind}, rules: [{apiGroups: [rbac.authorization.k8s.io],"
                        + " resources: [clusterroles], resourceNames: [cluster-admin], verbs: [bind]}]}");
        bind("Role", "may-bind");
        RawClient.Answer allowed = send(
                ann,
                "POST",
                RBAC + "namespaces/default/rolebindings",
                "{metadata: {name: b}, roleRef: {kind: ClusterRole, name: cluster-admin},"
                        + " subjects: [{kind: User, name: ann}]}");
        assertThat(allowed.code()).isEqualTo(201);
        assertThat(send(ann, "GET", "/apis/apps/v1/namespaces/default/deployments", null)
                        .code())
                .isEqualTo(200);
    }

    @Test
    void rolesWithTheLabelJoinTheAggregatedOnes() throws Exception {
        bind("ClusterRole", "view");
        String path = RBAC + "namespaces/default/roles";
        assertThat(send(ann, "GET", path, null).code()).isEqualTo(403);
        String more = "{metadata: {name: more, labels: {rbac.authorization.k8s.io/aggregate-to-view: 'true'}},"
                + " rules: [{apiGroups: [rbac.authorization.k8s.io], resources: [roles], verbs: [list]}]}";
        assertThat(send(master, "POST", RBAC + "clusterroles", more).code()).isEqualTo(201);
        assertThat(send(ann, "GET", path, null).code()).isEqualTo(200);
        assertThat(send(master, "GET", RBAC + "clusterroles/admin", null)
                        .body()
                        .path("rules")
                        .toString())
                .contains("\"resources\":[\"roles\"],\"verbs\":[\"list\"]");
        send(master, "DELETE", RBAC + "clusterroles/more", null);
        assertThat(send(ann, "GET", path, null).code()).isEqualTo(403);
    }

    @Test
    void reviewsAnswerForResourcesAndPaths() throws Exception {
        bind("ClusterRole", "view");
        String reviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        assertThat(send(
                                ann,
                                "POST",
                                reviews,
                                "{spec: {resourceAttributes: {verb: get, resource: pods, namespace: default}}}")
                        .body()
                        .at("/status/allowed")
                        .asBoolean())
                .isTrue();
        assertThat(send(
                                ann,
                                "POST",
                                reviews,
                                "{spec: {resourceAttributes: {verb: get, resource: secrets, namespace: default}}}")
                        .body()
                        .at("/status/allowed")
                        .asBoolean())
                .isFalse();
        assertThat(send(ann, "POST", reviews, "{spec: {nonResourceAttributes: {verb: get, path: /healthz}}}")
                        .body()
                        .at("/status/allowed")
                        .asBoolean())
                .isTrue();
    }
}
