package dev.weir.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.fabric8.kubernetes.api.model.DeletionPropagation;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.apps.DeploymentCondition;
import io.fabric8.kubernetes.api.model.apps.ReplicaSet;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Deployments, endpoints, garbage and namespaces as a user of the API sees them. */
class RolloutTest {
    private static final Duration SOON = Duration.ofSeconds(30);

    @TempDir
    private static Path folder;

    private static TestBed bed;
    private static KubernetesClient client;

    @BeforeAll
    static void start() throws IOException {
        bed = TestBed.start(folder, Map.of());
        client = bed.client();
    }

    @AfterAll
    static void stop() {
        bed.close();
    }

    private static void deploy(String name, String fields) {
        bed.create("""
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: %1$s}
                spec:
                  %2$s
                  selector: {matchLabels: {app: %1$s}}
                  template:
                    metadata: {labels: {app: %1$s}}
                    spec:
                      terminationGracePeriodSeconds: 1
                      containers: [{name: main, image: kennethreitz/httpbin}]
                """.formatted(name, fields));
    }

    private static Deployment awaitDeployment(String name, Predicate<Deployment> condition) {
        return await().atMost(SOON)
                .until(
                        () -> client.apps()
                                .deployments()
                                .inNamespace("default")
                                .withName(name)
                                .get(),
                        d -> d != null && d.getStatus() != null && condition.test(d));
    }

    private static boolean done(Deployment deployment) {
        Integer wanted = deployment.getSpec().getReplicas();
        return deployment
                        .getMetadata()
                        .getGeneration()
                        .equals(deployment.getStatus().getObservedGeneration())
                && wanted.equals(deployment.getStatus().getUpdatedReplicas())
                && wanted.equals(deployment.getStatus().getReplicas())
                && wanted.equals(deployment.getStatus().getAvailableReplicas());
    }

    private static Optional<DeploymentCondition> condition(Deployment deployment, String type) {
        return deployment.getStatus().getConditions().stream()
                .filter(c -> c.getType().equals(type))
                .findFirst();
    }

    private static boolean progressing(Deployment deployment, String reason) {
        return condition(deployment, "Progressing")
                .filter(c -> c.getReason().equals(reason))
                .isPresent();
    }

    /** Changes a Deployment; again if a controller has written to it meanwhile. */
    private static void edit(String name, Consumer<Deployment> change) {
        await().atMost(SOON)
                .ignoreExceptionsMatching(
                        e -> e instanceof KubernetesClientException refused && refused.getCode() == 409)
                .until(
                        () -> client.apps()
                                .deployments()
                                .inNamespace("default")
                                .withName(name)
                                .edit(d -> {
                                    change.accept(d);
                                    return d;
                                }),
                        Objects::nonNull);
    }

    private static void touch(String name, String round) {
        edit(name, d -> d.getSpec().getTemplate().getMetadata().setAnnotations(Map.of("round", round)));
    }

    private static void image(String name, String image) {
        edit(
                name,
                d -> d.getSpec()
                        .getTemplate()
                        .getSpec()
                        .getContainers()
                        .getFirst()
                        .setImage(image));
    }

    private static List<ReplicaSet> sets(String app) {
        return client.apps()
                .replicaSets()
                .inNamespace("default")
                .withLabel("app", app)
                .list()
                .getItems();
    }

    private static List<Pod> pods(String app) {
        return client.pods().inNamespace("default").withLabel("app", app).list().getItems();
    }

    private static List<String> revisions(String app) {
        return sets(app).stream()
                .map(set -> set.getMetadata().getAnnotations().get("deployment.kubernetes.io/revision"))
                .sorted()
                .toList();
    }

    @Test
    void historyIsKeptToItsLimitAndAnOldTemplateIsTakenUpAgain() {
        deploy("history", "revisionHistoryLimit: 2");
        awaitDeployment("history", RolloutTest::done);
        for (String round : List.of("2", "3", "4")) {
            touch("history", round);
            awaitDeployment("history", RolloutTest::done);
        }
        await().atMost(SOON)
                .untilAsserted(() -> assertThat(revisions("history")).containsExactly("2", "3", "4"));
        touch("history", "3");
        awaitDeployment("history", RolloutTest::done);
        await().atMost(SOON)
                .untilAsserted(() -> assertThat(revisions("history")).containsExactly("2", "4", "5"));
        ReplicaSet current = sets("history").stream()
                .filter(set -> set.getSpec().getReplicas() > 0)
                .findFirst()
                .orElseThrow();
        assertThat(current.getMetadata().getAnnotations())
                .containsEntry("deployment.kubernetes.io/revision-history", "3")
                .containsEntry("deployment.kubernetes.io/desired-replicas", "1");
        assertThat(awaitDeployment("history", d -> true).getMetadata().getAnnotations())
                .containsEntry("deployment.kubernetes.io/revision", "5");
    }

    @Test
    void aPausedDeploymentIsScaledButNotRolledOut() {
        deploy("paused", "replicas: 1");
        awaitDeployment("paused", RolloutTest::done);
        edit("paused", d -> d.getSpec().setPaused(true));
        awaitDeployment("paused", d -> progressing(d, "DeploymentPaused"));
        touch("paused", "2");
        edit("paused", d -> d.getSpec().setReplicas(2));
        awaitDeployment(
                "paused",
                d -> Objects.equals(d.getStatus().getAvailableReplicas(), 2)
                        && d.getStatus().getUpdatedReplicas() == null);
        assertThat(sets("paused")).hasSize(1);
        edit("paused", d -> d.getSpec().setPaused(false));
        awaitDeployment("paused", d -> done(d) && progressing(d, "NewReplicaSetAvailable"));
        assertThat(sets("paused")).hasSize(2);
    }

    @Test
    void recreateStopsTheOldBeforeItStartsTheNew() {
        deploy("recreate", "strategy: {type: Recreate}\n  replicas: 2");
        awaitDeployment("recreate", RolloutTest::done);
        List<String> mixed = new CopyOnWriteArrayList<>();
        try (var watch = client.pods()
                .inNamespace("default")
                .withLabel("app", "recreate")
                .inform()) {
            Controllers.on(watch, pod -> {
                long hashes = watch.getIndexer().list().stream()
                        .map(p -> p.getMetadata().getLabels().get("pod-template-hash"))
                        .distinct()
                        .count();
                if (hashes > 1) {
                    mixed.add(pod.getMetadata().getName());
                }
            });
            touch("recreate", "2");
            awaitDeployment("recreate", d -> done(d) && sets("recreate").size() == 2);
        }
        assertThat(mixed).isEmpty();
    }

    @Test
    void aRollOutThatDoesNotProgressIsSaidSoAndGoesOnWhenItCan() {
        deploy("stuck", "progressDeadlineSeconds: 1");
        awaitDeployment("stuck", RolloutTest::done);
        image("stuck", "example.com/none");
        Deployment stuck = awaitDeployment("stuck", d -> progressing(d, "ProgressDeadlineExceeded"));
        assertThat(condition(stuck, "Progressing").orElseThrow().getStatus()).isEqualTo("False");
        assertThat(condition(stuck, "Available").orElseThrow().getStatus()).isEqualTo("True");
        image("stuck", "kennethreitz/httpbin:other");
        awaitDeployment("stuck", d -> done(d) && progressing(d, "NewReplicaSetAvailable"));
    }

    @Test
    void aPodIsAvailableOnceItHasBeenReadyLongEnough() {
        deploy("slow", "minReadySeconds: 2");
        Deployment ready =
                awaitDeployment("slow", d -> Objects.equals(d.getStatus().getReadyReplicas(), 1));
        assertThat(ready.getStatus().getAvailableReplicas()).isNull();
        awaitDeployment("slow", RolloutTest::done);
    }

    @Test
    void endpointsAreListedInBothForms() {
        deploy("listed", "replicas: 2");
        bed.create("""
                apiVersion: v1
                kind: Service
                metadata: {name: listed, labels: {kept: "yes"}}
                spec: {selector: {app: listed}, ports: [{name: http, port: 8000, targetPort: 80}]}
                """);
        await().atMost(SOON).untilAsserted(() -> {
            var endpoints =
                    client.endpoints().inNamespace("default").withName("listed").get();
            assertThat(endpoints).isNotNull();
            assertThat(endpoints.getMetadata().getLabels()).containsEntry("kept", "yes");
            assertThat(endpoints.getSubsets()).singleElement().satisfies(subset -> {
                assertThat(subset.getAddresses()).hasSize(2);
                assertThat(subset.getPorts().getFirst().getPort()).isEqualTo(80);
            });
        });
        client.services().inNamespace("default").withName("listed").delete();
        await().atMost(SOON).untilAsserted(() -> {
            assertThat(client.endpoints()
                            .inNamespace("default")
                            .withName("listed")
                            .get())
                    .isNull();
            assertThat(client.discovery()
                            .v1()
                            .endpointSlices()
                            .inNamespace("default")
                            .withLabel("kubernetes.io/service-name", "listed")
                            .list()
                            .getItems())
                    .isEmpty();
        });
    }

    @Test
    void aNamedPortMayBeAnotherNumberInEachPod() {
        for (int port : new int[] {81, 82}) {
            bed.create("""
                    apiVersion: v1
                    kind: Pod
                    metadata: {name: named-%1$d, labels: {app: named}}
                    spec: {containers: [{name: main, image: kennethreitz/httpbin, ports: [{name: web, containerPort: %1$d}]}]}
                    """.formatted(port));
        }
        bed.create("""
                apiVersion: v1
                kind: Service
                metadata: {name: named}
                spec: {selector: {app: named}, ports: [{port: 80, targetPort: web}]}
                """);
        await().atMost(SOON)
                .untilAsserted(() -> assertThat(client.discovery()
                                .v1()
                                .endpointSlices()
                                .inNamespace("default")
                                .withLabel("kubernetes.io/service-name", "named")
                                .list()
                                .getItems())
                        .flatMap(slice -> slice.getPorts().stream()
                                .map(port -> port.getPort() + " x "
                                        + slice.getEndpoints().size())
                                .toList())
                        .containsExactlyInAnyOrder("81 x 1", "82 x 1"));
    }

    @Test
    void anOrphanedReplicaSetIsAdoptedAgain() {
        deploy("orphan", "replicas: 1");
        awaitDeployment("orphan", RolloutTest::done);
        String pod = pods("orphan").getFirst().getMetadata().getUid();
        client.apps()
                .deployments()
                .inNamespace("default")
                .withName("orphan")
                .withPropagationPolicy(DeletionPropagation.ORPHAN)
                .delete();
        await().atMost(SOON)
                .untilAsserted(() -> assertThat(sets("orphan"))
                        .singleElement()
                        .satisfies(set -> assertThat(set.getMetadata().getOwnerReferences())
                                .isEmpty()));
        // it goes once nothing names it any more
        await().atMost(SOON)
                .until(() -> client.apps()
                                .deployments()
                                .inNamespace("default")
                                .withName("orphan")
                                .get()
                        == null);
        deploy("orphan", "replicas: 1");
        awaitDeployment("orphan", RolloutTest::done);
        assertThat(sets("orphan"))
                .singleElement()
                .satisfies(set ->
                        assertThat(set.getMetadata().getOwnerReferences()).hasSize(1));
        assertThat(pods("orphan"))
                .singleElement()
                .satisfies(p -> assertThat(p.getMetadata().getUid()).isEqualTo(pod));
    }

    @Test
    void foregroundDeletionTakesTheDependentsFirst() {
        deploy("foreground", "replicas: 2");
        awaitDeployment("foreground", RolloutTest::done);
        List<String> order = new CopyOnWriteArrayList<>();
        try (var deployments =
                        client.apps().deployments().inNamespace("default").inform();
                var watchedPods = client.pods()
                        .inNamespace("default")
                        .withLabel("app", "foreground")
                        .inform()) {
            deployments.addEventHandler(new Deletions<>(d -> order.add(d.getKind())));
            watchedPods.addEventHandler(new Deletions<>(p -> order.add(p.getKind())));
            client.apps()
                    .deployments()
                    .inNamespace("default")
                    .withName("foreground")
                    .withPropagationPolicy(DeletionPropagation.FOREGROUND)
                    .delete();
            await().atMost(SOON).until(() -> order.contains("Deployment"));
        }
        assertThat(new ArrayList<>(order)).containsExactly("Pod", "Pod", "Deployment");
        assertThat(sets("foreground")).isEmpty();
    }

    /** Hears deletions only. */
    private record Deletions<T>(Consumer<T> gone)
            implements io.fabric8.kubernetes.client.informers.ResourceEventHandler<T> {
        @Override
        public void onAdd(T object) {
            // of no interest
        }

        @Override
        public void onUpdate(T before, T after) {
            // of no interest
        }

        @Override
        public void onDelete(T object, boolean unknown) {
            gone.accept(object);
        }
    }

    @Test
    void anOwnerIsTheOneOfItsGroup() {
        bed.create("""
                apiVersion: apiextensions.k8s.io/v1
                kind: CustomResourceDefinition
                metadata: {name: services.example.com}
                spec:
                  group: example.com
                  scope: Namespaced
                  names: {kind: Service, plural: services, singular: service, listKind: ServiceList}
                  versions:
                  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
                """);
        GenericKubernetesResource owner = await().atMost(SOON)
                .ignoreExceptions() // served a moment after its definition is there
                .until(
                        () -> client.resource("""
                                apiVersion: example.com/v1
                                kind: Service
                                metadata: {name: same, namespace: default}
                                """).get() instanceof GenericKubernetesResource found
                                ? found
                                : (GenericKubernetesResource)
                                        client.resource("""
                                        apiVersion: example.com/v1
                                        kind: Service
                                        metadata: {name: same, namespace: default}
                                        """).create(),
                        Objects::nonNull);
        bed.create("""
                apiVersion: v1
                kind: ConfigMap
                metadata:
                  name: kept
                  ownerReferences: [{apiVersion: example.com/v1, kind: Service, name: same, uid: %1$s}]
                ---
                apiVersion: v1
                kind: ConfigMap
                metadata:
                  name: mistaken
                  ownerReferences: [{apiVersion: v1, kind: Service, name: same, uid: %1$s}]
                """.formatted(owner.getMetadata().getUid()));
        await().atMost(SOON)
                .until(() -> client.configMaps()
                                .inNamespace("default")
                                .withName("mistaken")
                                .get()
                        == null);
        assertThat(client.configMaps().inNamespace("default").withName("kept").get())
                .isNotNull();
        client.resource(owner).delete();
        await().atMost(SOON)
                .until(() -> client.configMaps()
                                .inNamespace("default")
                                .withName("kept")
                                .get()
                        == null);
    }

    @Test
    void aNamespaceSaysWhatKeepsIt() {
        bed.create("apiVersion: v1\nkind: Namespace\nmetadata: {name: held}");
        client.resource("""
                        apiVersion: v1
                        kind: ConfigMap
                        metadata: {name: held, namespace: held, finalizers: [example.com/hold]}
                        """).create();
        client.namespaces().withName("held").delete();
        await().atMost(SOON)
                .untilAsserted(() -> assertThat(client.namespaces()
                                .withName("held")
                                .get()
                                .getStatus()
                                .getConditions())
                        .anyMatch(c -> c.getType().equals("NamespaceFinalizersRemaining")
                                && c.getStatus().equals("True")
                                && c.getMessage().contains("example.com/hold in 1 resource instances"))
                        .anyMatch(c -> c.getType().equals("NamespaceContentRemaining")
                                && c.getMessage().contains("configmaps has 1 resource instances")));
        client.configMaps().inNamespace("held").withName("held").edit(map -> {
            map.getMetadata().setFinalizers(List.of());
            return map;
        });
        await().atMost(SOON).until(() -> client.namespaces().withName("held").get() == null);
    }
}
