package dev.weir.local;

import io.fabric8.kubernetes.api.model.authorization.v1.SubjectAccessReview;
import io.fabric8.kubernetes.api.model.authorization.v1.SubjectAccessReviewBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import javax.naming.InvalidNameException;
import javax.naming.ldap.LdapName;
import javax.naming.ldap.Rdn;
import javax.security.auth.x500.X500Principal;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decides who may use the kubelet endpoint, as kubelets do: it asks the API server whether the user of the client's
 * certificate may use the node's proxy. That is the API server itself, and whoever administers the cluster.
 */
final class KubeletAuthorizer implements KubeletEndpoint.Authorizer {
    private static final Logger LOGGER = LoggerFactory.getLogger(KubeletAuthorizer.class);
    private static final Duration LIFE = Duration.ofMinutes(5);

    private final KubernetesClient client;
    private final String node;
    /** Until when a subject may. */
    private final Map<String, Instant> allowed = new ConcurrentHashMap<>();

    KubeletAuthorizer(KubernetesClient client, String node) {
        this.client = client;
        this.node = node;
    }

    @Override
    public boolean allows(X500Principal subject) {
        String name = subject.getName();
        Instant until = allowed.get(name);
        if (until != null && Instant.now().isBefore(until)) {
            return true;
        }
        try {
            if (!ask(name)) {
                return false;
            }
            allowed.put(name, Instant.now().plus(LIFE));
            return true;
        } catch (InvalidNameException | KubernetesClientException failure) {
            LOGGER.warn("nobody can say whether {} may use the kubelet endpoint", name, failure);
            return false;
        }
    }

    private boolean ask(String name) throws InvalidNameException {
        String user = "";
        List<String> groups = new ArrayList<>(List.of("system:authenticated"));
        for (Rdn part : new LdapName(name).getRdns()) {
            String value = String.valueOf(part.getValue());
            switch (part.getType()) {
                case "CN" -> user = value;
                case "O" -> groups.add(value);
                default -> {
                    // says nothing about rights
                }
            }
        }
        SubjectAccessReview answer = client.resource(new SubjectAccessReviewBuilder()
                        .withNewSpec()
                        .withUser(user)
                        .withGroups(groups)
                        .withNewResourceAttributes()
                        .withVerb("create")
                        .withResource("nodes")
                        .withSubresource("proxy")
                        .withName(node)
                        .endResourceAttributes()
                        .endSpec()
                        .build())
                .create();
        return answer.getStatus() != null
                && Boolean.TRUE.equals(answer.getStatus().getAllowed());
    }
}
