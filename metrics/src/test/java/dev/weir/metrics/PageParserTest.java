package dev.weir.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PageParserTest {
    private static Map<Counter, Double> parse(String... lines) throws PageParser.Malformed {
        PageParser parser = new PageParser(_ -> true);
        for (String line : lines) {
            parser.line(line);
        }
        return parser.values();
    }

    @Test
    void readsSamplesAsTheFormatAllowsThem() throws PageParser.Malformed {
        assertThat(parse(
                        "# HELP a of {all} kinds",
                        "# TYPE a counter",
                        "",
                        "a 1",
                        "  a:b_2\t{ } 2.5e3 1395066363000",
                        "c{x=\"1\",} +Inf",
                        "c{ x = \"2\" , y=\"\" } -7",
                        "d{text=\"a \\\"quoted\\\" \\\\ back\\nslash, {brace} # no comment\"} .5",
                        "gone NaN"))
                .isEqualTo(Map.of(
                        new Counter("a", Map.of()),
                        1.0,
                        new Counter("a:b_2", Map.of()),
                        2500.0,
                        new Counter("c", Map.of("x", "1")),
                        Double.POSITIVE_INFINITY,
                        new Counter("c", Map.of("x", "2", "y", "")),
                        -7.0,
                        new Counter("d", Map.of("text", "a \"quoted\" \\ back\nslash, {brace} # no comment")),
                        0.5));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "<html>; a name is missing at column 1",
                "a; \"\" is no value",
                "a b; \"b\" is no value",
                "a 0x1; \"0x1\" is no value",
                "a 1 soon; \"soon\" follows the value",
                "a{b=1} 1; \" is missing at column 5",
                "a{b=\"1} 1; a label's value has no end",
                "a{b=\"1\" c=\"2\"} 1; } is missing at column 9",
                "a{b=\"\\x\"} 1; unknown escape \\x",
                "a{b=\"1\",b=\"2\"} 1; label b twice",
                "9a 1; a name is missing at column 1"
            })
    void saysWhereAPageIsNotInTheFormat(String line, String reason) {
        assertThatThrownBy(() -> parse("fine 1", line))
                .isInstanceOf(PageParser.Malformed.class)
                .hasMessage("line 2: " + reason);
    }

    /** Whatever comes is either samples or a reason. */
    @Test
    void neverFailsOtherwise() {
        long seed = Long.getLong("test.seed", System.nanoTime());
        SplittableRandom random = new SplittableRandom(seed);
        String alphabet = "ab_:9{}=\",\\n #.+-eENI\t";
        for (int i = 0; i < 20_000; i++) {
            StringBuilder line = new StringBuilder();
            for (int length = random.nextInt(12); length > 0; length--) {
                line.append(alphabet.charAt(random.nextInt(alphabet.length())));
            }
            try {
                assertThat(parse(line.toString())).hasSizeLessThan(2);
            } catch (PageParser.Malformed malformed) {
                assertThat(malformed).as("seed %d: %s", seed, line).hasMessageStartingWith("line 1: ");
            }
        }
    }
}
