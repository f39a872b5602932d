package dev.weir.apiserver.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What was acknowledged is there again, however the last process ended; damage is found, not served. */
class JournalTest {
    private static final long NEVER = Long.MAX_VALUE / 2;

    @TempDir
    Path folder;

    private static VersionedStore.Key key(String name) {
        return new VersionedStore.Key("things", "default", name);
    }

    private static VersionedStore.Event next(Watch watch) throws InterruptedException {
        return Objects.requireNonNull(watch.poll(Duration.ZERO)).orElseThrow();
    }

    private static ObjectNode object(long value) {
        ObjectNode object = JsonNodeFactory.instance.objectNode();
        object.putObject("metadata").put("name", "x");
        return object.put("value", value).put("text", "ünï " + "x".repeat((int) (value % 300)));
    }

    private VersionedStore open(long compactAt) throws IOException {
        return new VersionedStore(Journal.open(folder, compactAt), _ -> {});
    }

    private static TreeMap<String, String> state(VersionedStore store) {
        TreeMap<String, String> state = new TreeMap<>();
        store.list("things").entries().forEach(entry -> {
            assertThat(entry.object().path("metadata").path("resourceVersion").asText())
                    .isEqualTo(Long.toString(entry.revision()));
            state.put(
                    entry.key().name(),
                    entry.revision() + " " + entry.object().path("value").asLong());
        });
        return state;
    }

    /** A random write; the state afterwards is what {@link #state} must show. */
    private static void write(VersionedStore store, SplittableRandom random, TreeMap<String, String> state) {
        String name = "n" + random.nextInt(12);
        long value = random.nextInt(100_000);
        Optional<VersionedStore.Entry> present = store.get(key(name));
        if (present.isEmpty()) {
            long at = store.create(key(name), object(value)).orElseThrow().revision();
            state.put(name, at + " " + value);
        } else if (random.nextInt(4) == 0) {
            assertThat(store.remove(
                            key(name),
                            present.get().revision(),
                            present.get().object().deepCopy()))
                    .isPresent();
            state.remove(name);
        } else {
            long at = store.replace(key(name), present.get().revision(), object(value))
                    .orElseThrow()
                    .revision();
            state.put(name, at + " " + value);
        }
    }

    private Path lastLog() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> file.getFileName().toString().startsWith("log-"))
                    .max(Path::compareTo)
                    .orElseThrow();
        }
    }

    @Test
    void goesOnWhereItEnded() throws Exception {
        VersionedStore.Entry one;
        try (VersionedStore store = open(NEVER)) {
            one = store.create(key("one"), object(1)).orElseThrow();
            assertThat(store.create(key("two"), object(2))).isPresent();
            assertThat(store.remove(key("two"), store.revision(), object(2))).isPresent();
        }
        try (VersionedStore store = open(NEVER)) {
            assertThat(store.revision()).isEqualTo(one.revision() + 2);
            VersionedStore.Entry kept = store.get(key("one")).orElseThrow();
            assertThat(kept.revision()).isEqualTo(one.revision());
            assertThat(kept.object()).hasToString(one.object().toString());
            assertThat(store.get(key("two"))).isEmpty();
            assertThat(store.create(key("one"), object(3))).isEmpty();
            // a client that was away for the restart misses nothing
            try (Watch watch = store.watch("things", null, one.revision())) {
                assertThat(next(watch).change()).isEqualTo(VersionedStore.Change.ADDED);
                VersionedStore.Event deleted = next(watch);
                assertThat(deleted.change()).isEqualTo(VersionedStore.Change.DELETED);
                assertThat(Objects.requireNonNull(deleted.previous())
                                .object()
                                .path("value")
                                .asLong())
                        .isEqualTo(2);
                assertThat(watch.hasNext()).isFalse();
            }
            assertThat(store.list("things", null, one.revision() + 1).entries()).hasSize(2);
        }
    }

    @Test
    void whatASnapshotStandsForCannotBeWatchedFromAnyMore() throws Exception {
        long before;
        try (VersionedStore store = open(100)) {
            before = store.create(key("one"), object(1)).orElseThrow().revision();
            assertThat(store.create(key("two"), object(2))).isPresent();
        }
        try (VersionedStore store = open(100)) {
            assertThat(state(store)).hasSize(2);
            assertThatThrownBy(() -> store.watch("things", null, before - 1))
                    .isInstanceOf(VersionedStore.CompactedException.class);
            assertThatThrownBy(() -> store.list("things", null, before - 1))
                    .isInstanceOf(VersionedStore.CompactedException.class);
            store.watch("things", null, store.revision()).close();
        }
    }

    /** After an unclean end it is unknown which revisions were seen; none of them is given again. */
    @Test
    void noRevisionIsGivenTwice() throws Exception {
        long last;
        try (Journal journal = Journal.open(folder, NEVER)) {
            last = new VersionedStore(journal, _ -> {})
                    .create(key("one"), object(1))
                    .orElseThrow()
                    .revision();
        }
        try (VersionedStore store = open(NEVER)) {
            assertThat(store.revision()).isGreaterThan(last + 100);
            store.watch("things", null, last).close();
            assertThatThrownBy(() -> store.watch("things", null, last + 1))
                    .isInstanceOf(VersionedStore.CompactedException.class);
            long next = store.create(key("two"), object(2)).orElseThrow().revision();
            try (Watch watch = store.watch("things", null, last)) {
                assertThat(next(watch).entry().revision()).isEqualTo(next);
            }
        }
        try (VersionedStore store = open(NEVER)) {
            assertThat(state(store)).hasSize(2);
        }
    }

    /** The machine stops at any byte behind what was acknowledged; sometimes the file is longer than what was written. */
    @Test
    void whatWasAcknowledgedSurvivesEveryEnd() throws Exception {
        long seed = Long.getLong("test.seed", System.nanoTime());
        SplittableRandom random = new SplittableRandom(seed);
        TreeMap<String, String> acknowledged = new TreeMap<>();
        for (int life = 0; life < 60; life++) {
            long compactAt = random.nextInt(500, 20_000);
            try (Journal journal = Journal.open(folder, compactAt)) {
                VersionedStore store = new VersionedStore(journal, _ -> {});
                assertThat(state(store)).as("seed %d, life %d", seed, life).isEqualTo(acknowledged);
                for (int i = random.nextInt(60); i > 0; i--) {
                    write(store, random, acknowledged);
                }
                if (random.nextInt(4) == 0) {
                    store.close();
                }
            }
            byte[] torn = Record.framed(
                    Record.prepare(VersionedStore.Change.ADDED, key("torn"), object(random.nextInt(300))), 1);
            byte[] rest = switch (random.nextInt(3)) {
                case 0 -> new byte[0];
                case 1 -> new byte[random.nextInt(5000)];
                default -> java.util.Arrays.copyOf(torn, random.nextInt(torn.length));
            };
            Files.write(lastLog(), rest, java.nio.file.StandardOpenOption.APPEND);
        }
    }

    /** Any one byte that is altered is found out, or was in the last record, which then counts as never written. */
    @Test
    void alteredBytesAreNeverServed() throws Exception {
        long seed = Long.getLong("test.seed", System.nanoTime());
        SplittableRandom random = new SplittableRandom(seed);
        TreeMap<String, String> state = new TreeMap<>();
        List<TreeMap<String, String>> states = new ArrayList<>();
        try (Journal journal = Journal.open(folder, NEVER)) {
            VersionedStore store = new VersionedStore(journal, _ -> {});
            for (int i = 0; i < 20; i++) {
                write(store, random, state);
                states.add(new TreeMap<>(state));
            }
        }
        Path log = lastLog();
        byte[] sound = Files.readAllBytes(log);
        for (int round = 0; round < 300; round++) {
            byte[] altered = sound.clone();
            int at = random.nextInt(altered.length);
            altered[at] ^= (byte) (1 << random.nextInt(8));
            Files.write(log, altered);
            String what = "seed " + seed + ", byte " + at + " of " + altered.length;
            try (Journal journal = Journal.open(folder, NEVER)) {
                assertThat(state(new VersionedStore(journal, _ -> {})))
                        .as(what)
                        .isEqualTo(states.get(states.size() - 2));
            } catch (StoreDamagedException refused) {
                assertThat(refused)
                        .as(what)
                        .hasMessageContaining(log.toString())
                        .hasMessageContaining("damaged");
            }
            try (Stream<Path> files = Files.list(folder)) {
                for (Path other : files.filter(f -> f.compareTo(log) > 0).toList()) {
                    Files.delete(other);
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"log", "snapshot"})
    void aFileThatIsMissingIsNoticed(String what) throws Exception {
        SplittableRandom random = new SplittableRandom(1);
        for (int life = 0; life < 3; life++) {
            try (VersionedStore store = open(2000)) {
                for (int i = 0; i < 30; i++) {
                    write(store, random, new TreeMap<>(state(store)));
                }
            }
        }
        Path missing;
        try (Stream<Path> files = Files.list(folder)) {
            missing = files.filter(file -> file.getFileName().toString().startsWith(what))
                    .min(Path::compareTo)
                    .orElseThrow();
        }
        Files.delete(missing);
        assertThatThrownBy(() -> open(NEVER))
                .isInstanceOf(StoreDamagedException.class)
                .hasMessageContaining("missing");
    }

    @Test
    void onlyOneMayUseAFolderAndNobodyElseMayReadIt() throws Exception {
        try (VersionedStore store = open(NEVER)) {
            store.create(key("one"), object(1));
            assertThatThrownBy(() -> open(NEVER))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining(folder + " is in use");
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(lastLog())))
                    .isEqualTo("rw-------");
        }
    }

    @Test
    void aClosedStoreRefusesWritesAndStillReads() throws Exception {
        VersionedStore store = open(NEVER);
        store.create(key("one"), object(1));
        store.close();
        assertThatThrownBy(() -> store.create(key("two"), object(2))).isInstanceOf(StoreFailedException.class);
        assertThat(store.get(key("one"))).isPresent();
        assertThat(store.get(key("two"))).isEmpty();
    }

    /** Writers of a process that is killed without warning; each line that it printed is a write that was acknowledged. */
    public static final class Victim {
        private Victim() {}

        public static void main(String[] args) throws IOException {
            VersionedStore store = new VersionedStore(Journal.open(Path.of(args[0]), 30_000), _ -> {});
            SplittableRandom seeds = new SplittableRandom(Long.parseLong(args[1]));
            for (int writer = 0; writer < 4; writer++) {
                String name = "w" + writer;
                SplittableRandom random = seeds.split();
                Thread.ofPlatform().start(() -> {
                    long value = store.get(key(name))
                            .map(entry -> entry.object().path("value").asLong())
                            .orElse(0L);
                    while (true) {
                        value++;
                        Optional<VersionedStore.Entry> present = store.get(key(name));
                        long at = (present.isEmpty()
                                        ? store.create(key(name), object(value))
                                        : store.replace(key(name), present.get().revision(), object(value)))
                                .orElseThrow()
                                .revision();
                        System.out.println(name + " " + at + " " + value);
                        if (random.nextInt(50) == 0) {
                            Thread.yield();
                        }
                    }
                });
            }
        }
    }

    @Test
    void aKilledProcessLosesNothing() throws Exception {
        long seed = Long.getLong("test.seed", System.nanoTime());
        SplittableRandom random = new SplittableRandom(seed);
        ConcurrentHashMap<String, long[]> acknowledged = new ConcurrentHashMap<>();
        for (int life = 0; life < 3; life++) {
            Process victim = new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
                            "-cp",
                            System.getProperty("java.class.path"),
                            Victim.class.getName(),
                            folder.toString(),
                            Long.toString(random.nextLong()))
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            try (var lines = victim.inputReader()) {
                int until = random.nextInt(1, 1500);
                for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                    String[] words = line.split(" ");
                    if (words.length == 3) {
                        acknowledged.put(words[0], new long[] {Long.parseLong(words[1]), Long.parseLong(words[2])});
                    }
                    if (--until == 0) {
                        // the process alone: what it printed can still be read
                        victim.toHandle().destroyForcibly();
                    }
                }
            }
            assertThat(victim.waitFor(10, TimeUnit.SECONDS)).isTrue();
            try (Journal journal = Journal.open(folder, NEVER)) {
                VersionedStore store = new VersionedStore(journal, _ -> {});
                acknowledged.forEach((name, told) -> {
                    VersionedStore.Entry kept = store.get(key(name)).orElseThrow();
                    long value = kept.object().path("value").asLong();
                    // one more write may have been kept without its writer having been told, or having told us
                    assertThat(value).as("seed %d: %s", seed, name).isBetween(told[1], told[1] + 1);
                    assertThat(kept.revision()).as("seed %d: %s", seed, name).isGreaterThanOrEqualTo(told[0]);
                });
            }
        }
        assertThat(acknowledged).isNotEmpty();
    }
}
