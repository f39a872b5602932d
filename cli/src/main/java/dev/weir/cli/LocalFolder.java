package dev.weir.cli;

import dev.weir.cli.cluster.Problem;
import dev.weir.local.LocalMode;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Properties;
import java.util.stream.Stream;
import picocli.CommandLine.Option;

/** Which local mode a command is about: the folder that holds all its files, and nobody else's. */
final class LocalFolder {
    /** The system tells start times relative to its boot, whose time clock corrections may shift a little. */
    private static final Duration TOLERANCE = Duration.ofSeconds(2);

    /** Is in each folder that local mode took for itself, so that only such a folder is ever removed. */
    private static final String MARK = ".weir-local";

    @Option(
            names = "--data-dir",
            description = "Its folder; several local modes run side by side in different ones. Default: ~/.weir/local")
    private Path dataDir = home().resolve(".weir").resolve("local");

    /** As kubectl and helm find it: Java's own property does not follow the environment. */
    private static Path home() {
        String home = System.getenv("HOME");
        return Path.of(home == null || home.isBlank() ? System.getProperty("user.home") : home);
    }

    Path path() {
        return dataDir.toAbsolutePath();
    }

    Path state() {
        return path().resolve("state.properties");
    }

    Path log() {
        return path().resolve("log");
    }

    void claim() {
        claim(path());
    }

    /**
     * Makes a folder local mode's.
     *
     * @throws Problem if it cannot be made, or holds files of somebody else
     */
    static void claim(Path folder) {
        try {
            Files.createDirectories(folder);
            Path mark = folder.resolve(MARK);
            if (!Files.exists(mark)) {
                if (!isEmpty(folder)) {
                    throw new Problem(
                            Problem.USAGE,
                            "--data-dir: " + folder + " holds files that are not local mode's;"
                                    + " name an empty folder or one that does not exist");
                }
                Files.createFile(mark);
            }
        } catch (FileAlreadyExistsException file) {
            throw new Problem(
                    Problem.USAGE, "--data-dir: " + folder + " cannot be a folder: " + file.getFile() + " is a file");
        } catch (IOException refused) {
            String why = Objects.requireNonNullElse(refused.getMessage(), "").equals(folder.toString())
                            || refused instanceof NoSuchFileException
                    ? refused.getClass().getSimpleName().replaceAll("Exception$", "")
                    : String.valueOf(refused.getMessage());
            throw new Problem(Problem.USAGE, "--data-dir: " + folder + " cannot be made: " + why);
        }
    }

    private static boolean isEmpty(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.findAny().isEmpty();
        }
    }

    /** Keeps the last log beside the new one: it may say why the last one ended. */
    void rotateLog() throws IOException {
        if (Files.exists(log())) {
            Files.move(log(), log().resolveSibling("log.1"), StandardCopyOption.REPLACE_EXISTING);
        }
    }

    /** Removes it with all that is in it, if there is one. */
    void remove() throws IOException {
        if (!Files.exists(path())) {
            return;
        }
        if (!Files.exists(path().resolve(MARK))) {
            throw new Problem(Problem.FAILED, path() + " is no folder of local mode; it is left as it is");
        }
        remove(path());
    }

    static void remove(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }

    /** What the running one wrote; empty if none runs. */
    Optional<Properties> running() throws IOException {
        if (!Files.exists(state())) {
            return Optional.empty();
        }
        Properties properties = new Properties();
        try (var in = Files.newBufferedReader(state())) {
            properties.load(in);
        }
        long pid = Long.parseLong(properties.getProperty("pid", "0"));
        Instant started = Instant.parse(properties.getProperty("started", Instant.EPOCH.toString()));
        // the process id of one that was killed may be a stranger's by now
        return ProcessHandle.of(pid)
                .filter(process -> process.isAlive()
                        && Duration.between(started, started(process)).abs().compareTo(TOLERANCE) <= 0)
                .map(_ -> properties);
    }

    /** The Gateways of Gateway API by {@code namespace/name}, each with its URLs. */
    Map<String, String> gateways() throws IOException {
        Map<String, String> urls = new LinkedHashMap<>();
        Path list = path().resolve(LocalMode.GATEWAYS);
        if (Files.exists(list)) {
            for (String line : Files.readAllLines(list)) {
                int space = line.indexOf(' ');
                urls.put(line.substring(0, space), line.substring(space + 1));
            }
        }
        return urls;
    }

    static Instant started(ProcessHandle process) {
        return process.info().startInstant().orElse(Instant.EPOCH);
    }
}
