package dev.weir.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** Local mode keeps to a folder of its own, and removes nobody else's files. */
class LocalFolderTest {
    @TempDir
    private Path folder;

    private final StringWriter err = new StringWriter();

    private int weir(String... words) {
        CommandLine line = Main.commandLine();
        line.setErr(new PrintWriter(err, true));
        return line.execute(words);
    }

    @Test
    void aFolderOfSomebodyElseIsNeitherTakenNorRemoved() throws Exception {
        Path file = Files.createFile(folder.resolve("log"));
        assertThat(weir("local", "start", "--data-dir", folder.toString())).isEqualTo(2);
        assertThat(weir("local", "--data-dir", folder.toString())).isEqualTo(2);
        assertThat(err.toString()).contains("--data-dir: " + folder + " holds files that are not local mode's");
        assertThat(weir("local", "reset", "--data-dir", folder.toString())).isEqualTo(1);
        assertThat(err.toString()).contains(folder + " is no folder of local mode; it is left as it is");
        assertThat(file).exists();
    }

    @Test
    void itsOwnFolderIsRemovedWhole() throws Exception {
        Path own = folder.resolve("a").resolve("b");
        LocalFolder.claim(own);
        Files.createFile(own.resolve("kubeconfig"));
        LocalFolder.claim(own);
        assertThat(weir("local", "reset", "--data-dir", own.toString())).isZero();
        assertThat(own).doesNotExist();
        assertThat(own.getParent()).exists();
        assertThat(weir("local", "reset", "--data-dir", own.toString())).isZero();
    }

    @Test
    void saysWhatIsWrongWithAFolderOrAPort() throws Exception {
        Path file = Files.createFile(folder.resolve("file"));
        assertThat(weir("local", "start", "--data-dir", file.toString())).isEqualTo(2);
        assertThat(err.toString()).contains("--data-dir: " + file + " cannot be a folder: " + file + " is a file");
        assertThat(weir("local", "start", "--api-port", "80000")).isEqualTo(2);
        assertThat(err.toString()).contains("--api-port: 80000 is not from 1 to 65535, or 0 for a free one");
    }
}
