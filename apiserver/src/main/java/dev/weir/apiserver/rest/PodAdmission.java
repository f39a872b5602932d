package dev.weir.apiserver.rest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.store.VersionedStore;
import java.util.List;
import java.util.Optional;

/**
 * What the admission plugins that every cluster runs give to new pods: ServiceAccount, DefaultTolerationSeconds and
 * Priority. A token is not mounted: the node of local mode hands out kubeconfigs.
 */
final class PodAdmission {
    private static final String CLASSES = "priorityclasses.scheduling.k8s.io";
    private static final List<String> TOLERATED =
            List.of("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable");
    private static final int TOLERATED_SECONDS = 300;

    private final VersionedStore store;
    private final ResourceType pods;

    PodAdmission(Resources resources) {
        this.store = resources.store();
        this.pods = resources.kinds().find("", "v1", "pods").orElseThrow();
    }

    /** @throws ApiException 403 if the pod names an account or a class that does not exist */
    void admit(ObjectNode pod, String namespace) {
        ObjectNode spec = pod.withObject("/spec");
        JsonNode metadata = pod.path("metadata");
        String name = metadata.path("name").asText(metadata.path("generateName").asText(""));
        account(spec, namespace, name);
        tolerations(spec);
        priority(spec, name);
    }

    private void account(ObjectNode spec, String namespace, String pod) {
        String name = spec.path("serviceAccountName").asText("");
        if (name.isEmpty()) {
            name = "default";
            spec.put("serviceAccountName", name).put("serviceAccount", name);
        }
        Optional<VersionedStore.Entry> account = store.get(new VersionedStore.Key("serviceaccounts", namespace, name));
        // the default one is made by a controller, which may not run here
        if (account.isEmpty() && !name.equals("default")) {
            throw ApiException.forbidden(
                    pods,
                    pod,
                    "error looking up service account " + namespace + "/" + name + ": serviceaccount \"" + name
                            + "\" not found");
        }
        if (spec.path("imagePullSecrets").isEmpty()) {
            account.map(entry -> entry.object().path("imagePullSecrets"))
                    .filter(secrets -> !secrets.isEmpty())
                    .ifPresent(secrets -> spec.set("imagePullSecrets", secrets.deepCopy()));
        }
    }

    /** What every pod tolerates for a while, also one whose tolerations were changed. */
    static void tolerations(ObjectNode spec) {
        for (String key : TOLERATED) {
            if (!tolerates(spec.path("tolerations"), key)) {
                spec.withArray("tolerations")
                        .addObject()
                        .put("key", key)
                        .put("operator", "Exists")
                        .put("effect", "NoExecute")
                        .put("tolerationSeconds", TOLERATED_SECONDS);
            }
        }
    }

    private static boolean tolerates(JsonNode tolerations, String key) {
        for (JsonNode toleration : tolerations) {
            String named = toleration.path("key").asText("");
            String effect = toleration.path("effect").asText("");
            if ((named.isEmpty() || named.equals(key)) && (effect.isEmpty() || effect.equals("NoExecute"))) {
                return true;
            }
        }
        return false;
    }

    private void priority(ObjectNode spec, String pod) {
        String name = spec.path("priorityClassName").asText("");
        JsonNode found = null;
        for (VersionedStore.Entry entry : store.list(CLASSES).entries()) {
            boolean wanted = name.isEmpty()
                    ? entry.object().path("globalDefault").asBoolean()
                    : entry.key().name().equals(name);
            if (wanted) {
                found = entry.object();
            }
        }
        if (found == null && !name.isEmpty()) {
            throw ApiException.forbidden(pods, pod, "no PriorityClass with name " + name + " was found");
        }
        int value = found == null ? 0 : found.path("value").asInt();
        if (spec.has("priority") && spec.path("priority").asInt() != value) {
            throw ApiException.forbidden(
                    pods,
                    pod,
                    "the integer value of priority (" + spec.path("priority").asInt()
                            + ") must not be provided in pod spec; priority admission controller computed " + value
                            + " from the given PriorityClass name");
        }
        if (found != null) {
            spec.put("priorityClassName", found.path("metadata").path("name").asText());
        }
        spec.put("priority", value);
        if (!spec.has("preemptionPolicy")) {
            spec.put(
                    "preemptionPolicy",
                    found == null
                            ? "PreemptLowerPriority"
                            : found.path("preemptionPolicy").asText("PreemptLowerPriority"));
        }
    }
}
