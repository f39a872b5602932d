package dev.weir.local;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The processes that run for pods, as files in the data directory: a local mode that was killed leaves them behind, and
 * the next one of the same directory ends what is left.
 *
 * <p>Each file has the process id as its name and the start time as its content, since an id may be taken again by a
 * stranger.
 */
final class ProcessLedger {
    private static final Logger LOGGER = LoggerFactory.getLogger(ProcessLedger.class);
    /** The system tells start times relative to its boot, whose time clock corrections may shift a little. */
    private static final Duration TOLERANCE = Duration.ofSeconds(2);

    private final Path folder;

    ProcessLedger(Path folder) throws IOException {
        this.folder = Files.createDirectories(folder);
    }

    void add(ProcessHandle process) {
        process.info().startInstant().ifPresent(start -> {
            try {
                Files.writeString(file(process.pid()), start.toString());
            } catch (IOException failure) {
                LOGGER.warn("process {} is not written down", process.pid(), failure);
            }
        });
    }

    void remove(ProcessHandle process) {
        try {
            Files.deleteIfExists(file(process.pid()));
        } catch (IOException failure) {
            LOGGER.warn("process {} stays written down", process.pid(), failure);
        }
    }

    private Path file(long pid) {
        return folder.resolve(Long.toString(pid));
    }

    /** Kills what an earlier local mode has left behind, with its children; the number of processes that it killed. */
    int reap() throws IOException {
        int killed = 0;
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                Optional<ProcessHandle> left = left(file);
                if (left.isPresent()) {
                    List<ProcessHandle> tree = Stream.concat(
                                    left.stream(), left.get().descendants())
                            .toList();
                    tree.forEach(ProcessHandle::destroyForcibly);
                    killed += tree.size();
                }
                Files.delete(file);
            }
        }
        return killed;
    }

    private static Optional<ProcessHandle> left(Path file) throws IOException {
        String name = file.getFileName().toString();
        if (!name.matches("\\d{1,18}")) {
            return Optional.empty();
        }
        Instant start;
        try {
            start = Instant.parse(Files.readString(file));
        } catch (java.time.DateTimeException unfinished) {
            // the writer was killed while it wrote
            return Optional.empty();
        }
        return ProcessHandle.of(Long.parseLong(name))
                .filter(process -> process.info()
                        .startInstant()
                        .map(actual -> Duration.between(start, actual).abs().compareTo(TOLERANCE) <= 0)
                        .orElse(false));
    }
}
