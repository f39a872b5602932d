package dev.weir.local;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** A local mode without operator for the tests of one class, and those who talk to it. */
final class TestBed implements AutoCloseable {
    private static final String NAMESPACE = "default";

    private final LocalMode local;
    private final KubernetesClient client;

    private TestBed(LocalMode local) throws IOException {
        this.local = local;
        this.client = new KubernetesClientBuilder()
                .withConfig(Config.fromKubeconfig(Files.readString(local.kubeconfig())))
                .build();
    }

    /** @param folder where it keeps its files, in a folder named local */
    static TestBed start(Path folder, Map<String, String> images) throws IOException {
        return new TestBed(LocalMode.start(LocalOptions.in(folder.resolve("local"))
                .withOperatorInside(false)
                .withImages(images)));
    }

    /** The kubectl for {@link #start}; without one the test is skipped. */
    static Kubectl kubectl(Path folder) {
        return Kubectl.find(folder.resolve("local/kubeconfig"), folder);
    }

    /** Applies objects with kubectl, which must succeed. */
    static void apply(Kubectl kubectl, String yaml, Object... values) throws IOException, InterruptedException {
        Kubectl.Said said = kubectl.run(yaml.formatted(values), "apply", "-f", "-");
        assertThat(said.code()).as(said.err()).isZero();
    }

    KubernetesClient client() {
        return client;
    }

    /** Creates objects in the default namespace. */
    void create(String yaml) {
        // a document that begins with a brace is taken for JSON
        client.load(new ByteArrayInputStream(("---\n" + yaml).getBytes(StandardCharsets.UTF_8)))
                .inNamespace(NAMESPACE)
                .create();
    }

    @Override
    public void close() {
        client.close();
        local.close();
    }
}
