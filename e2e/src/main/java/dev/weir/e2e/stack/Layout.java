package dev.weir.e2e.stack;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.UUID;

/**
 * The folder of one stack: what it is called, and all that it writes.
 *
 * @param folder absolute
 */
record Layout(Path folder) {
    private static final int SUFFIX = 6;

    /** Notes the name of a namespace that is going to be made, so that whatever happens then can be undone. */
    NetworkNamespace reserve() throws IOException {
        Files.createDirectories(parts());
        String name = "weir-e2e-" + UUID.randomUUID().toString().substring(0, SUFFIX);
        Files.writeString(folder.resolve("namespace"), name);
        return new NetworkNamespace(name);
    }

    /** The namespace that was noted, whether or not it was made. */
    Optional<NetworkNamespace> namespace() throws IOException {
        Path noted = folder.resolve("namespace");
        return Files.exists(noted) ? Optional.of(new NetworkNamespace(Files.readString(noted))) : Optional.empty();
    }

    /** Notes the process that is starting the stack; 0: it is up. */
    void starting(long pid) throws IOException {
        Files.writeString(folder.resolve("starting"), Long.toString(pid));
    }

    /** Whether the start went through. */
    boolean up() throws IOException {
        Path noted = folder.resolve("starting");
        return Files.exists(noted) && Files.readString(noted).equals("0");
    }

    /** Whether a living process is starting the stack. */
    boolean isStarting() throws IOException {
        Path noted = folder.resolve("starting");
        long pid = Files.exists(noted) ? Long.parseLong(Files.readString(noted)) : 0;
        return pid != 0 && ProcessHandle.of(pid).filter(ProcessHandle::isAlive).isPresent();
    }

    /** Logs and process ids. */
    Path parts() {
        return folder.resolve("parts");
    }

    Credentials credentials() {
        return new Credentials(folder.resolve("keys"));
    }

    /** For what clients keep; theirs is left alone. */
    Path caches() {
        return folder.resolve("caches");
    }

    Path data(String part) {
        return folder.resolve("data").resolve(part);
    }
}
