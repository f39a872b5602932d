package dev.weir.cli.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class TerminalTest {
    private static final List<String> TREE = List.of(
            "shop/app  Canary  Reconciling CandidateNotReady: app-1 has no ready pod yet  2m",
            "├─ app-0  ██████  1/1 ready  100 %  stefanprodan/podinfo:6.0.0",
            "│  └─ app-0-abc  Running  ready  2m",
            "└─ app-1  ░░░░░░  0/1 ready  nothing  registry.example.com/a/very/long/name/of/an/image:1");

    @Test
    void longLinesGoOnBelowTheirBranches() {
        assertThat(new Terminal(40, 24).fit(TREE))
                .isEqualTo(List.of(
                        "shop/app  Canary  Reconciling",
                        "    CandidateNotReady: app-1 has no",
                        "    ready pod yet  2m",
                        "├─ app-0  ██████  1/1 ready  100 %",
                        "│      stefanprodan/podinfo:6.0.0",
                        "│  └─ app-0-abc  Running  ready  2m",
                        "└─ app-1  ░░░░░░  0/1 ready  nothing",
                        "       registry.example.com/a/very/long/",
                        "       name/of/an/image:1"));
        assertThat(new Terminal(40, 24).fit(List.of("|  `- " + "x".repeat(50))))
                .isEqualTo(List.of("|  `- " + "x".repeat(34), "|         " + "x".repeat(16)));
    }

    @Test
    void nothingIsLostAndNothingIsTooWide() {
        for (int columns = 20; columns < 100; columns++) {
            List<String> fitting = new Terminal(columns, 0).fit(TREE);
            int most = columns;
            assertThat(fitting).allMatch(line -> line.length() <= most);
            assertThat(words(fitting)).isEqualTo(words(TREE));
        }
    }

    private static String words(List<String> lines) {
        return String.join("", lines).replaceAll("[ │├└─]", "");
    }

    @Test
    void whatIsTooMuchIsCounted() {
        assertThat(new Terminal(200, 4).fit(TREE)).isEqualTo(List.of(TREE.get(0), TREE.get(1), "(2 more lines)"));
        assertThat(new Terminal(200, 5).fit(TREE)).isEqualTo(TREE);
    }

    @Test
    void ofAnUnknownSizeEverythingIsShown() {
        assertThat(new Terminal(0, 0).fit(TREE)).isEqualTo(TREE);
    }
}
