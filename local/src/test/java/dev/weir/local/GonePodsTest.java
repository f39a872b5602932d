package dev.weir.local;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class GonePodsTest {
    @Test
    void keepsTheFilesOfThoseThatWentLast() {
        List<String> removed = new ArrayList<>();
        GonePods gone = new GonePods(2);
        for (String pod : List.of("a", "b", "c", "d")) {
            gone.add(() -> removed.add(pod));
        }
        assertThat(removed).containsExactly("a", "b");
    }
}
