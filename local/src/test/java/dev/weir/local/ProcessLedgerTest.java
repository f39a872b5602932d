package dev.weir.local;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProcessLedgerTest {
    @TempDir
    private Path folder;

    private final Process process = sleep();

    private static Process sleep() {
        try {
            return new ProcessBuilder("sleep", "600").start();
        } catch (IOException failure) {
            throw new java.io.UncheckedIOException(failure);
        }
    }

    @AfterEach
    void kill() {
        process.destroyForcibly();
    }

    @Test
    void whatIsWrittenDownAndStillRunsIsEnded() throws Exception {
        new ProcessLedger(folder).add(process.toHandle());
        assertThat(new ProcessLedger(folder).reap()).isEqualTo(1);
        assertThat(process.waitFor(10, TimeUnit.SECONDS)).isTrue();
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void aStrangerWithTheSameIdIsLeftAlone() throws Exception {
        Files.writeString(folder.resolve(Long.toString(process.pid())), "2001-01-01T00:00:00Z");
        Files.writeString(folder.resolve("unfinished"), "");
        assertThat(new ProcessLedger(folder).reap()).isZero();
        assertThat(process.isAlive()).isTrue();
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void whatHasEndedIsForgotten() throws Exception {
        ProcessLedger ledger = new ProcessLedger(folder);
        ledger.add(process.toHandle());
        ledger.remove(process.toHandle());
        assertThat(folder).isEmptyDirectory();
    }
}
