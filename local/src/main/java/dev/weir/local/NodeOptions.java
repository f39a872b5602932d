package dev.weir.local;

import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.Map;

/**
 * How to run a node against an API server.
 *
 * @param kubeconfig whose user may do everything; its server and authority are also what pods are told
 * @param address an IPv4 address of this machine, or of the network namespace that this process runs in
 * @param pods the range that pods get their addresses from, as 10.0.1.0/24
 * @param dataDir where pods keep their files
 * @param identity what the kubelet endpoint shows, and whom it trusts
 * @param envoy the program
 * @param xds where istiod serves configuration in plain text
 * @param images image name without tag to a command line
 */
public record NodeOptions(
        Path kubeconfig,
        String name,
        String address,
        String pods,
        Path dataDir,
        Identity identity,
        Path envoy,
        InetSocketAddress xds,
        Map<String, String> images) {

    /** PEM files: a certificate with its chain, its key, and the authority that clients' certificates come from. */
    public record Identity(Path certificate, Path key, Path clientAuthority) {}

    /** Checks that images stand for commands: nothing here sends the requests for one elsewhere. */
    public NodeOptions {
        images = Map.copyOf(images);
        images.forEach((image, mapping) -> {
            if (mapping.startsWith("http://")) {
                throw new IllegalArgumentException("--image " + image + ": a node runs commands, not URLs");
            }
        });
    }
}
