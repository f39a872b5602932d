package dev.weir.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.marcnuri.helm.Helm;
import com.marcnuri.helm.InstallCommand;
import dev.weir.e2e.MirrorRelease.Version;
import dev.weir.local.LocalMode;
import dev.weir.local.LocalOptions;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.authorization.v1.SubjectAccessReviewBuilder;
import io.fabric8.kubernetes.api.model.rbac.RoleBindingBuilder;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/** The controller chart: the operator with the rights that the chart gives it and no others. */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class ControllerChartTest {
    private static final Duration LONG = Duration.ofSeconds(60);
    private static final Version ONE = new Version("v0", "kennethreitz/httpbin", 0);
    private static final Version TWO = new Version("v1", "kennethreitz/httpbin", 100);
    private static final String DEFINITION = "releases.weir.dev";

    @TempDir
    static Path folder;

    private static LocalMode local;
    private static KubernetesClient client;

    @BeforeAll
    static void start() throws IOException {
        local = LocalMode.start(LocalOptions.in(folder).withOperatorInside(false));
        client = new KubernetesClientBuilder()
                .withConfig(Config.fromKubeconfig(Files.readString(local.kubeconfig())))
                .build();
        for (String namespace : List.of("one", "other", "ops")) {
            client.resource(new NamespaceBuilder()
                            .withNewMetadata()
                            .withName(namespace)
                            .endMetadata()
                            .build())
                    .create();
            new MirrorRelease(client, namespace).openGateway();
        }
    }

    @AfterAll
    static void stop() {
        client.close();
        local.close();
    }

    private static InstallCommand install(String namespace) {
        return Helm.install(local.chartRepository() + "/controller-0.1.0.tgz")
                .withName("iter8")
                .withNamespace(namespace)
                .withKubeConfig(local.kubeconfig());
    }

    private static void uninstall(String namespace) {
        Helm.uninstall("iter8")
                .withNamespace(namespace)
                .withKubeConfig(local.kubeconfig())
                .call();
        await().atMost(LONG)
                .until(() -> client.pods()
                        .inNamespace(namespace)
                        .withLabel("app.kubernetes.io/name", "controller")
                        .list()
                        .getItems()
                        .isEmpty());
    }

    /** From the first version to promotion, so that every kind of write is made. */
    private static void runsThrough(MirrorRelease release) {
        release.apply(ONE);
        await().atMost(LONG).until(release::ready);
        release.apply(ONE, TWO);
        await().atMost(LONG).until(release::mirrored, "100"::equals);
        release.apply(TWO);
        await().atMost(LONG).until(() -> !release.candidateExists());
        await().atMost(LONG).until(release::ready);
        assertThat(client.v1().events().inNamespace(release.namespace()).list().getItems())
                .anyMatch(event -> "Release".equals(event.getInvolvedObject().getKind()));
    }

    @Test
    @Order(1)
    void servesItsOwnNamespaceOnly() {
        install("one").call();
        MirrorRelease elsewhere = new MirrorRelease(client, "other");
        elsewhere.apply(ONE);
        runsThrough(new MirrorRelease(client, "one"));
        assertThat(elsewhere.ready()).isFalse();
        assertThat(client.apps().deployments().inNamespace("other").list().getItems())
                .isEmpty();
        assertThat(client.rbac().clusterRoles().withName("iter8").get()).isNull();
        rolesOfTheClusterTakeReleasesIn(true);
    }

    @Test
    @Order(2)
    void theDefinitionAndTheReleasesOutliveTheChart() {
        uninstall("one");
        assertThat(client.apiextensions()
                        .v1()
                        .customResourceDefinitions()
                        .withName(DEFINITION)
                        .get())
                .isNotNull();
        assertThat(new MirrorRelease(client, "one").mirrored()).isEmpty();
        rolesOfTheClusterTakeReleasesIn(false);
    }

    @Test
    @Order(3)
    void servesAllNamespacesWhenClusterScoped() {
        // the definition is there already and belongs to the installation before: it is left alone
        install("ops").set("clusterScoped", true).call();
        MirrorRelease elsewhere = new MirrorRelease(client, "other");
        await().atMost(LONG).until(elsewhere::ready);
        runsThrough(elsewhere);
        uninstall("ops");
    }

    @Test
    @Order(4)
    void anotherReplicaTakesOver() {
        install("one").set("replicas", 2).call();
        await().atMost(LONG)
                .until(
                        () -> client.apps()
                                .deployments()
                                .inNamespace("one")
                                .withName("iter8")
                                .get()
                                .getStatus()
                                .getAvailableReplicas(),
                        Integer.valueOf(2)::equals);
        String leader = leader();
        client.pods().inNamespace("one").withName(leader).delete();
        await().atMost(LONG).until(() -> !leader().isEmpty() && !leader().equals(leader));
        runsThrough(new MirrorRelease(client, "one"));
        assertThat(client.policy()
                        .v1()
                        .podDisruptionBudget()
                        .inNamespace("one")
                        .withName("iter8")
                        .get())
                .isNotNull();
        uninstall("one");
    }

    /** The pod that acts. */
    private static String leader() {
        return client.leases()
                .inNamespace("one")
                .withName("iter8")
                .get()
                .getSpec()
                .getHolderIdentity();
    }

    @Test
    @Order(5)
    void refusesValuesThatItDoesNotKnow() {
        assertThatThrownBy(() -> install("one").set("clusterScopd", true).call())
                .hasMessageContaining("clusterScopd");
    }

    @Test
    @Order(6)
    void twoOfOneNameGiveTheirRightsEachForItself() {
        install("one").call();
        install("ops").call();
        uninstall("one");
        rolesOfTheClusterTakeReleasesIn(true);
        uninstall("ops");
        rolesOfTheClusterTakeReleasesIn(false);
        install("one").set("userRoles", false).call();
        rolesOfTheClusterTakeReleasesIn(false);
        uninstall("one");
    }

    private static void rolesOfTheClusterTakeReleasesIn(boolean expected) {
        for (String role : List.of("view", "edit", "admin")) {
            client.resource(new RoleBindingBuilder()
                            .withNewMetadata()
                            .withName(role)
                            .withNamespace("one")
                            .endMetadata()
                            .withNewRoleRef("rbac.authorization.k8s.io", "ClusterRole", role)
                            .addNewSubject("rbac.authorization.k8s.io", "User", role, null)
                            .build())
                    .serverSideApply();
            assertThat(may(role, "list", "releases")).as(role).isEqualTo(expected);
            assertThat(may(role, "create", "releases")).as(role).isEqualTo(expected && !role.equals("view"));
            assertThat(may(role, "update", "releases/status")).as(role).isFalse();
        }
    }

    private static boolean may(String user, String verb, String resource) {
        String[] parts = resource.split("/");
        return client.authorization()
                .v1()
                .subjectAccessReview()
                .create(new SubjectAccessReviewBuilder()
                        .withNewSpec()
                        .withUser(user)
                        .withNewResourceAttributes()
                        .withNamespace("one")
                        .withGroup("weir.dev")
                        .withVerb(verb)
                        .withResource(parts[0])
                        .withSubresource(parts.length > 1 ? parts[1] : null)
                        .endResourceAttributes()
                        .endSpec()
                        .build())
                .getStatus()
                .getAllowed();
    }
}
