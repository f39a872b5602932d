package dev.weir.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The memory that the benchmark tells is that of the operator as its image runs it. */
class BenchOptionsTest {
    @Test
    void theOperatorRunsAsInItsImage() throws IOException {
        String pom = Files.readString(Path.of("pom.xml"));
        assertEquals(
                Pattern.compile("<jvmFlag>(.*?)</jvmFlag>")
                        .matcher(pom)
                        .results()
                        .map((MatchResult flag) -> flag.group(1))
                        .toList(),
                BenchCommand.IMAGE_OPTIONS);
    }
}
