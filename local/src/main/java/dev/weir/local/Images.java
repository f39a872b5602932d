package dev.weir.local;

import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** What the images that local mode knows stand for. */
final class Images {
    private static final Pattern REGISTRY =
            Pattern.compile("^((index\\.)?docker\\.io/(library/)?|ghcr\\.io/|quay\\.io/)");
    /** As the image's own: words that are no command are curl's arguments. */
    private static final List<String> CURL_OR_COMMAND = List.of(
            "/bin/sh",
            "-c",
            "case \"$1\" in -*) set -- curl \"$@\" ;; esac;"
                    + " command -v \"$1\" >/dev/null || set -- curl \"$@\"; exec \"$@\"",
            "curl");

    private final Map<String, String> mapped;

    /** @param mapped image name without tag to a command line or an http URL */
    Images(Map<String, String> mapped) {
        this.mapped = Map.copyOf(mapped);
    }

    /** How a container runs. */
    sealed interface Program {
        /** The built-in httpbin. */
        record HttpBin() implements Program {}

        /** The built-in podinfo; its version is the image's tag. */
        record Podinfo(String version) implements Program {}

        /**
         * A command of the host: the container's words, or the image's where it has none.
         *
         * @param entrypoint what the container's {@code command} replaces
         * @param standard what its {@code args} replace
         */
        record Command(List<String> entrypoint, List<String> standard) implements Program {}

        /** A command of the user's that serves on the port that PORT says. */
        record Server(List<String> command) implements Program {}

        /** A server that runs elsewhere. */
        record Remote(URI url) implements Program {}

        /** The data plane's gateway. */
        record Gateway() implements Program {}

        /** This build's operator. */
        record Operator() implements Program {}

        record Unknown() implements Program {}
    }

    Program find(String image) {
        String name = name(image);
        String mapping = mapped.getOrDefault(name, mapped.get(image));
        if (mapping != null) {
            return mapping.startsWith("http://")
                    ? new Program.Remote(URI.create(mapping))
                    : new Program.Server(List.of("/bin/sh", "-c", "exec " + mapping));
        }
        return switch (REGISTRY.matcher(name).replaceFirst("")) {
            case "kennethreitz/httpbin" -> new Program.HttpBin();
            case "stefanprodan/podinfo" -> new Program.Podinfo(tag(image));
            case "stefanprodan/loadtest", "busybox", "alpine" -> new Program.Command(List.of(), List.of("sh"));
            case "curlimages/curl" -> new Program.Command(CURL_OR_COMMAND, List.of("curl"));
            case "tutum/curl" -> new Program.Command(List.of(), List.of("/bin/bash"));
            case "istio/proxyv2" -> new Program.Gateway();
            case "weir/operator" -> new Program.Operator();
            default -> new Program.Unknown();
        };
    }

    /** The tag, without which it is the latest. */
    private static String tag(String image) {
        String plain = image.split("@", 2)[0];
        return plain.length() == name(image).length()
                ? "latest"
                : plain.substring(name(image).length() + 1);
    }

    /** The name without tag and digest. */
    static String name(String image) {
        String plain = image.split("@", 2)[0];
        int colon = plain.lastIndexOf(':');
        return colon > plain.lastIndexOf('/') ? plain.substring(0, colon) : plain;
    }
}
