package dev.weir.local;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.BinaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Asks the API server for tokens of pods' service accounts.
 *
 * @param kubeconfig makes one from a user's name and token
 */
record ServiceAccountTokens(KubernetesClient client, BinaryOperator<String> kubeconfig)
        implements Kubelet.ServiceAccounts {
    private static final long HOUR_SECONDS = 3600;
    private static final long DAY_SECONDS = 24 * HOUR_SECONDS;

    @Override
    public Path kubeconfig(Pod pod, Path folder) {
        try {
            Path file = folder.resolve("serviceaccount.kubeconfig");
            Files.createDirectories(folder);
            LocalMode.writePrivate(file, kubeconfig.apply(account(pod), token(pod, DAY_SECONDS)));
            return file;
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
    }

    private static String account(Pod pod) {
        String account = pod.getSpec().getServiceAccountName();
        return account == null || account.isEmpty() ? "default" : account;
    }

    @Override
    public String token(Pod pod, @Nullable Long seconds) {
        String path = "/api/v1/namespaces/" + pod.getMetadata().getNamespace() + "/serviceaccounts/" + account(pod)
                + "/token";
        String answer = client.raw(
                path,
                "POST",
                "{\"kind\":\"TokenRequest\",\"apiVersion\":\"authentication.k8s.io/v1\",\"spec\":{\"expirationSeconds\":"
                        + (seconds == null ? HOUR_SECONDS : seconds)
                        + ",\"boundObjectRef\":{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"name\":\""
                        + pod.getMetadata().getName() + "\",\"uid\":\""
                        + pod.getMetadata().getUid() + "\"}}}");
        try {
            return new ObjectMapper()
                    .readTree(answer)
                    .path("status")
                    .path("token")
                    .asText();
        } catch (IOException malformed) {
            throw new UncheckedIOException(malformed);
        }
    }
}
