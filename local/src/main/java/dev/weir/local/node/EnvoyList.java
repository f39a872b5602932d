package dev.weir.local.node;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Map;
import java.util.TreeMap;

/** The Envoys that run, in a file that Prometheus reads as targets of {@code file_sd_configs}. Thread-safe. */
public final class EnvoyList {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Path file;
    private final Map<String, EnvoyBootstrap> envoys = new TreeMap<>();

    /**
     * An empty list; the file is written.
     *
     * @throws IOException if it cannot be
     */
    public EnvoyList(Path file) throws IOException {
        this.file = file;
        write();
    }

    /** Another one runs, with statistics at its pod's address. */
    public synchronized void add(EnvoyBootstrap envoy) throws IOException {
        envoys.put(envoy.address(), envoy);
        write();
    }

    /** The one at this address, if any, runs no more. */
    public synchronized void remove(String address) throws IOException {
        if (envoys.remove(address) != null) {
            write();
        }
    }

    private void write() throws IOException {
        ArrayNode targets = JSON.createArrayNode();
        for (EnvoyBootstrap envoy : envoys.values()) {
            ObjectNode target = targets.addObject();
            target.putArray("targets").add(envoy.address() + ":" + EnvoyBootstrap.STATISTICS_PORT);
            target.putObject("labels").put("namespace", envoy.namespace()).put("pod", envoy.pod());
        }
        Path next = file.resolveSibling(file.getFileName() + ".next");
        Files.writeString(next, targets.toPrettyString());
        Files.move(next, file, StandardCopyOption.ATOMIC_MOVE);
    }
}
