package dev.weir.apiserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.api.model.Namespaced;
import io.fabric8.kubernetes.client.CustomResource;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.model.annotation.Group;
import io.fabric8.kubernetes.model.annotation.Version;
import io.javaoperatorsdk.operator.Operator;
import io.javaoperatorsdk.operator.api.config.informer.InformerEventSourceConfiguration;
import io.javaoperatorsdk.operator.api.reconciler.Cleaner;
import io.javaoperatorsdk.operator.api.reconciler.Context;
import io.javaoperatorsdk.operator.api.reconciler.DeleteControl;
import io.javaoperatorsdk.operator.api.reconciler.EventSourceContext;
import io.javaoperatorsdk.operator.api.reconciler.Reconciler;
import io.javaoperatorsdk.operator.api.reconciler.UpdateControl;
import io.javaoperatorsdk.operator.processing.event.source.EventSource;
import io.javaoperatorsdk.operator.processing.event.source.informer.InformerEventSource;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.Test;

/** An operator built on an unmodified framework: it settles, and then it rests. */
class ReconcileLoopTest {
    private static final String DEFINITION = """
            apiVersion: apiextensions.k8s.io/v1
            kind: CustomResourceDefinition
            metadata: {name: gadgets.example.com}
            spec:
              group: example.com
              scope: Namespaced
              names: {plural: gadgets, singular: gadget, kind: Gadget}
              versions:
              - name: v1
                served: true
                storage: true
                subresources: {status: {}}
                schema:
                  openAPIV3Schema:
                    type: object
                    properties:
                      spec: {type: object, properties: {size: {type: string}}}
                      status: {type: object, properties: {seen: {type: string}}}
            """;

    @Group("example.com")
    @Version("v1")
    public static class Gadget extends CustomResource<Gadget.Spec, Gadget.Status> implements Namespaced {
        private static final long serialVersionUID = 1L;

        public static class Spec {
            public String size = "";
        }

        public static class Status {
            public String seen = "";
        }
    }

    /** Keeps a ConfigMap by server-side apply and says in the status what it saw; the version of every write counts. */
    private static final class Keeper implements Reconciler<Gadget>, Cleaner<Gadget> {
        final Map<String, Integer> passes = new ConcurrentHashMap<>();

        @Override
        public List<EventSource<?, Gadget>> prepareEventSources(EventSourceContext<Gadget> context) {
            return List.of(new InformerEventSource<>(
                    InformerEventSourceConfiguration.from(ConfigMap.class, Gadget.class)
                            .build(),
                    context));
        }

        @Override
        public UpdateControl<Gadget> reconcile(Gadget gadget, Context<Gadget> context) {
            passes.merge(gadget.getMetadata().getName(), 1, Integer::sum);
            ConfigMap wanted = new ConfigMapBuilder()
                    .withNewMetadata()
                    .withName(gadget.getMetadata().getName())
                    .withNamespace(gadget.getMetadata().getNamespace())
                    .endMetadata()
                    .withData(Map.of("size", gadget.getSpec().size))
                    .build();
            wanted.addOwnerReference(gadget);
            context.getClient()
                    .resource(wanted)
                    .fieldManager("keeper")
                    .forceConflicts()
                    .serverSideApply();
            Gadget answer = new Gadget();
            answer.getMetadata().setName(gadget.getMetadata().getName());
            answer.getMetadata().setNamespace(gadget.getMetadata().getNamespace());
            answer.setSpec(null);
            Gadget.Status status = new Gadget.Status();
            status.seen = gadget.getSpec().size;
            answer.setStatus(status);
            return UpdateControl.patchStatus(answer);
        }

        @Override
        public DeleteControl cleanup(Gadget gadget, Context<Gadget> context) {
            return DeleteControl.defaultDelete();
        }
    }

    private static Gadget gadget(String name, String size) {
        Gadget gadget = new Gadget();
        gadget.getMetadata().setName(name);
        gadget.getMetadata().setNamespace("default");
        gadget.setSpec(new Gadget.Spec());
        gadget.getSpec().size = size;
        return gadget;
    }

    private static void awaitSeen(KubernetesClient client, String name, String size) {
        await().until(() -> {
            Gadget found = client.resources(Gadget.class)
                    .inNamespace("default")
                    .withName(name)
                    .get();
            ConfigMap map =
                    client.configMaps().inNamespace("default").withName(name).get();
            return found != null
                    && found.getStatus() != null
                    && size.equals(found.getStatus().seen)
                    && map != null
                    && size.equals(map.getData().get("size"));
        });
    }

    private static String version(KubernetesClient client, String name) {
        return client.resources(Gadget.class)
                .inNamespace("default")
                .withName(name)
                .get()
                .getMetadata()
                .getResourceVersion();
    }

    @Test
    void restsOnceTheStatusIsSettled() throws Exception {
        try (ApiServer server = ApiServer.start(TestServers.options());
                KubernetesClient client = TestServers.client(server)) {
            client.load(new java.io.ByteArrayInputStream(DEFINITION.getBytes(java.nio.charset.StandardCharsets.UTF_8)))
                    .create();
            Keeper keeper = new Keeper();
            Operator operator = new Operator(
                    overrider -> overrider.withKubernetesClient(client).withCloseClientOnStop(false));
            operator.register(
                    keeper, overrider -> overrider.withGenerationAware(false).settingNamespace("default"));
            operator.start();
            try {
                client.resource(gadget("first", "small")).create();
                awaitSeen(client, "first", "small");
                // whatever the first one still causes has happened by the time that a second one is settled
                client.resource(gadget("second", "small")).create();
                awaitSeen(client, "second", "small");
                Integer passes = keeper.passes.get("first");
                String version = version(client, "first");

                for (int i = 0; i < 5; i++) {
                    client.resource(gadget("other" + i, "large")).create();
                    awaitSeen(client, "other" + i, "large");
                }
                assertThat(keeper.passes.get("first")).isEqualTo(passes);
                assertThat(version(client, "first")).isEqualTo(version);

                client.resources(Gadget.class)
                        .inNamespace("default")
                        .withName("first")
                        .edit(gadget -> {
                            gadget.getSpec().size = "large";
                            return gadget;
                        });
                awaitSeen(client, "first", "large");
                client.resources(Gadget.class)
                        .inNamespace("default")
                        .withName("first")
                        .delete();
                await().until(() -> client.resources(Gadget.class)
                                .inNamespace("default")
                                .withName("first")
                                .get()
                        == null);
            } finally {
                operator.stop();
            }
        }
    }
}
