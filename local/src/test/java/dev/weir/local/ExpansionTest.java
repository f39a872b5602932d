package dev.weir.local;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ExpansionTest {
    /** The cases of Kubernetes' own documentation of the syntax, and its edges. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "$(A) | one",
                "x$(A)y$(B)z | xoneytwoz",
                "$(NOBODY) | $(NOBODY)",
                "$$(A) | $(A)",
                "$$$(A) | $one",
                "$$$$(A) | $$(A)",
                "$(A | $(A",
                "$A $ ${A} | $A $ ${A}",
                "$(A)$( | one$(",
                "a$ | a$",
            })
    void expands(String text, String expanded) {
        assertThat(Expansion.expand(text, Map.of("A", "one", "B", "two"))).isEqualTo(expanded);
    }
}
