package dev.weir.local;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HostProcessTest {
    @TempDir
    private Path folder;

    @Test
    void aProcessThatSaysNothingKeepsNoThreadThatCarriesVirtualOnes() throws Exception {
        HostProcess silent = HostProcess.start(
                new HostCommand(List.of(), List.of("/bin/sleep", "1000"), Map.of(), folder),
                new HostProcess.Talk(false, false),
                new ContainerLog(folder.resolve("log")),
                new ProcessLedger(folder.resolve("processes")));
        try {
            // as many silent pods as there are processors stopped everything after half a minute in which nothing
            // happened;
            // virtual threads are not among these stacks
            Awaitility.await()
                    .untilAsserted(() -> assertThat(Thread.getAllStackTraces().values())
                            .anyMatch(stack -> Arrays.stream(stack)
                                    .anyMatch(frame -> frame.getMethodName().equals("readPipe"))));
        } finally {
            silent.stop(Duration.ZERO);
        }
    }
}
