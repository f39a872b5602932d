package dev.weir.e2e.stack;

import dev.weir.apiserver.auth.CertificateAuthority;
import dev.weir.apiserver.auth.CertificateAuthority.Identity;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.List;

/**
 * Who is who in the stack: files that are made anew for each start, in a folder that only its owner reads.
 *
 * @param folder where they are
 */
record Credentials(Path folder) {
    /** Where the API server listens. */
    static final String API = "https://" + NetworkNamespace.ADDRESS + ":6443";

    /** The node's name. */
    static final String NODE = "weir-e2e";

    private static final int TOKEN_BYTES = 24;

    /** Those who come with a token of their own: file of the kubeconfig, user, groups. */
    private enum Client {
        ADMIN("admin", "weir-e2e-admin", "system:masters"),
        CONTROLLERS("controller-manager", "system:kube-controller-manager", ""),
        NODE_AGENT("node", "system:node:" + NODE, "system:nodes");

        private final String file;
        private final String user;
        private final String groups;

        Client(String file, String user, String groups) {
            this.file = file;
            this.user = user;
            this.groups = groups;
        }
    }

    /** Makes all of them. */
    void create() throws IOException {
        Files.createDirectories(
                folder, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        CertificateAuthority authority = CertificateAuthority.create();
        write("ca.pem", authority.certificatePem());
        write(
                "api",
                authority.server(
                        "kube-apiserver",
                        List.of(
                                NetworkNamespace.ADDRESS,
                                "127.0.0.1",
                                "10.96.0.1",
                                "localhost",
                                "kubernetes.default",
                                "kubernetes.default.svc",
                                "kubernetes.default.svc.cluster.local")));
        write("kubelet", authority.server("system:node:" + NODE, List.of(NetworkNamespace.ADDRESS)));
        write("kubelet-client", authority.client("kube-apiserver", List.of()));
        // its key signs the tokens of service accounts
        write("accounts", authority.client("service-accounts", List.of()));
        StringBuilder tokens = new StringBuilder();
        for (Client client : Client.values()) {
            String token = token();
            tokens.append(token).append(',').append(client.user).append(',').append(client.user);
            tokens.append(client.groups.isEmpty() ? "" : ",\"" + client.groups + "\"")
                    .append('\n');
            kubeconfig(client.file, token);
        }
        write("tokens.csv", tokens.toString());
    }

    /** The file of that name. */
    String file(String name) {
        return folder.resolve(name).toString();
    }

    /** The kubeconfig of that client. */
    Path kubeconfig(String client) {
        return folder.resolve(client + ".kubeconfig");
    }

    /** Writes a kubeconfig for whoever has the token. */
    void kubeconfig(String client, String token) throws IOException {
        write(client + ".kubeconfig", """
                apiVersion: v1
                kind: Config
                clusters:
                - name: weir-e2e
                  cluster:
                    server: %s
                    certificate-authority: %s
                users:
                - name: %s
                  user: {token: %s}
                contexts:
                - name: weir-e2e
                  context: {cluster: weir-e2e, user: %s, namespace: default}
                current-context: weir-e2e
                """.formatted(API, file("ca.pem"), client, token, client));
    }

    private void write(String name, Identity identity) throws IOException {
        write(name + ".pem", identity.certificatePem());
        write(name + ".key", identity.keyPem());
    }

    private void write(String name, String text) throws IOException {
        Files.writeString(folder.resolve(name), text);
    }

    private static String token() {
        byte[] bytes = new byte[TOKEN_BYTES];
        new SecureRandom().nextBytes(bytes);
        return HexFormat.of().formatHex(bytes);
    }
}
