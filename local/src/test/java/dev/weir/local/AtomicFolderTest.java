package dev.weir.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weir.local.AtomicFolder.Content;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AtomicFolderTest {
    @TempDir
    private Path folder;

    private static Content text(String text) {
        return new Content(text.getBytes(StandardCharsets.UTF_8), 0644);
    }

    private List<String> names() throws IOException {
        try (Stream<Path> all = Files.list(folder)) {
            return all.map(path -> path.getFileName().toString())
                    .filter(name -> !name.matches("\\.\\.\\d.*"))
                    .sorted()
                    .toList();
        }
    }

    private long versions() throws IOException {
        try (Stream<Path> all = Files.list(folder)) {
            return all.filter(path -> path.getFileName().toString().matches("\\.\\.\\d.*"))
                    .count();
        }
    }

    @Test
    void allFilesChangeInOneStep() throws Exception {
        assertThat(AtomicFolder.write(folder, Map.of("a", text("1"), "deep/er/b", text("2"))))
                .isTrue();
        assertThat(names()).containsExactly("..data", "a", "deep");
        Path reader = folder.resolve("..data").toRealPath();
        assertThat(AtomicFolder.write(folder, Map.of("a", text("3"), "c", text("4"))))
                .isTrue();
        assertThat(names()).containsExactly("..data", "a", "c");
        assertThat(folder.resolve("a")).hasContent("3");
        assertThat(folder.resolve("..data").toRealPath()).isNotEqualTo(reader);
        assertThat(versions()).isOne();
    }

    @Test
    void whatHasNotChangedIsLeft() throws Exception {
        AtomicFolder.write(folder, Map.of("a", text("1")));
        Path before = folder.resolve("..data").toRealPath();
        assertThat(AtomicFolder.write(folder, Map.of("a", text("1")))).isFalse();
        assertThat(folder.resolve("..data").toRealPath()).isEqualTo(before);
        assertThat(AtomicFolder.write(folder, Map.of())).isTrue();
        assertThat(names()).containsExactly("..data");
    }

    @Test
    void modesAreKeptAndPathsStayInside() throws Exception {
        AtomicFolder.write(folder, Map.of("secret", new Content(new byte[0], 0400)));
        assertThat(Files.getPosixFilePermissions(folder.resolve("secret"))).hasSize(1);
        for (String path : List.of("../out", "a/../../out", "..data", ".")) {
            assertThatThrownBy(() -> AtomicFolder.write(folder, Map.of(path, text(""))))
                    .as(path)
                    .isInstanceOf(Misconfigured.class);
        }
        assertThat(versions()).isOne();
    }
}
