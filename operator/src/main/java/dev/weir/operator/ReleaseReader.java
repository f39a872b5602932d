package dev.weir.operator;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.weir.kubernetes.ObjectKind;
import dev.weir.kubernetes.ReleaseObjects;
import dev.weir.kubernetes.TrafficRouters;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.net.HttpURLConnection;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Asks a cluster for the objects of releases, for those who look at it now and then; the operator itself watches. */
public final class ReleaseReader {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final KubernetesClient client;
    private final List<ObjectKind> kinds;

    public ReleaseReader(KubernetesClient client, TrafficRouters routers) {
        this.client = client;
        this.kinds =
                Stream.concat(Operator.KINDS.stream(), routers.kinds().stream()).toList();
    }

    /** What releases own objects of. */
    public List<ObjectKind> kinds() {
        return kinds;
    }

    /** The objects that are part of the release; none of a kind that the server does not have. */
    public List<JsonNode> owned(JsonNode release) {
        JsonNode metadata = release.path("metadata");
        List<JsonNode> labelled = new ArrayList<>();
        for (ObjectKind kind : kinds) {
            try {
                client.genericKubernetesResources(ObjectSource.context(kind))
                        .inNamespace(metadata.path("namespace").asText())
                        .withLabel(ReleaseObjects.RELEASE, metadata.path("name").asText())
                        .list()
                        .getItems()
                        .forEach(object -> {
                            // items of a list may leave out what they are
                            object.setApiVersion(kind.apiVersion());
                            object.setKind(kind.kind());
                            labelled.add(JSON.valueToTree(object));
                        });
            } catch (KubernetesClientException failure) {
                if (failure.getCode() != HttpURLConnection.HTTP_NOT_FOUND) {
                    throw failure;
                }
            }
        }
        return ReleaseObjects.partsOf(release, labelled);
    }

    /** An object by name, whoever made it. */
    public Optional<JsonNode> find(ObjectKind kind, String namespace, String name) {
        try {
            return Optional.ofNullable(client.genericKubernetesResources(ObjectSource.context(kind))
                            .inNamespace(namespace)
                            .withName(name)
                            .get())
                    .map(JSON::valueToTree);
        } catch (KubernetesClientException failure) {
            if (failure.getCode() == HttpURLConnection.HTTP_FORBIDDEN) {
                throw new World.Refused(kind.kind() + "/" + name + ": " + failure.getMessage(), failure);
            }
            throw failure;
        }
    }
}
