package dev.weir.local;

import java.net.URI;
import java.util.List;
import java.util.Map;

/** What the images that local mode knows stand for. */
final class Images {
    private final Map<String, String> mapped;

    /** @param mapped image name without tag to a command line or an http URL */
    Images(Map<String, String> mapped) {
        this.mapped = Map.copyOf(mapped);
    }

    /** How a container runs. */
    sealed interface Program {
        /** The built-in httpbin. */
        record HttpBin() implements Program {}

        /** The command of the container, or this one if it has none. */
        record Command(List<String> standard) implements Program {}

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
        return switch (name.replaceFirst("^(docker\\.io/)?(library/)?", "")) {
            case "kennethreitz/httpbin" -> new Program.HttpBin();
            case "curlimages/curl" -> new Program.Command(List.of("curl"));
            case "istio/proxyv2" -> new Program.Gateway();
            case "weir/operator" -> new Program.Operator();
            default -> new Program.Unknown();
        };
    }

    /** The name without tag and digest. */
    static String name(String image) {
        String plain = image.split("@", 2)[0];
        int colon = plain.lastIndexOf(':');
        return colon > plain.lastIndexOf('/') ? plain.substring(0, colon) : plain;
    }
}
