package dev.weir.apiserver.difference;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weir.apiserver.ApiServer;
import dev.weir.apiserver.RawClient;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/** Seeded sequences of requests are answered as a real server answers them; see docs/apiserver.md. */
class DifferenceTest {
    private static final List<Path> DEFINITIONS = List.of(
            Path.of("..", "model", "src", "main", "resources", "crds", "weir.dev_releases.yaml"),
            Path.of("src", "test", "resources", "kubernetes-1.34", "widget-crd.yaml"));

    @Test
    void answersAsWasRecorded() throws Exception {
        try (InputStream recorded =
                Objects.requireNonNull(DifferenceTest.class.getResourceAsStream("/difference/recorded.jsonl.gz"))) {
            long seed = Long.getLong("weir.seed", Differential.ALL);
            Differential.Report report = compare(recorded, seed);
            assertThat(report.first()).isEmpty();
            assertThat(report.sequences()).isGreaterThanOrEqualTo(seed == Differential.ALL ? 100 : 1);
        }
    }

    @Test
    void everyKnownDifferenceIsDocumented() throws Exception {
        String page = Files.readString(Path.of("..", "docs", "apiserver.md"));
        assertThat(KindModel.documents("known.yaml").getFirst().valueStream())
                .allSatisfy(known -> assertThat(page)
                        .containsPattern(
                                "\\| (`[a-z-]+`, )*`" + known.path("id").asText() + "`(, `[a-z-]+`)* \\|"));
    }

    /** Needs a running server; the token {@code t} is an administrator's, {@code dev} and {@code ops} are plain users. */
    @Test
    @EnabledIfSystemProperty(named = "weir.server", matches = "https://.*")
    void answersAsARunningServerDoes() throws Exception {
        String[] seeds = System.getProperty("weir.seeds", "1-100").split("-", 2);
        Path file = Path.of("target", "difference.jsonl.gz");
        Differential.record(
                URI.create(System.getProperty("weir.server")),
                Path.of(System.getProperty("weir.certificates")),
                Long.parseLong(seeds[0]),
                Long.parseLong(seeds[seeds.length - 1]),
                file,
                DEFINITIONS);
        try (InputStream recorded = Files.newInputStream(file)) {
            assertThat(compare(recorded, Differential.ALL).first()).isEmpty();
        }
    }

    /** Replays a record of a real server, of which the one that is kept with the tests is a part. */
    @Test
    @EnabledIfSystemProperty(named = "weir.record", matches = ".+")
    void answersAsARecordSays() throws Exception {
        try (InputStream recorded = Files.newInputStream(Path.of(System.getProperty("weir.record")))) {
            Differential.Report report = compare(recorded, Differential.ALL);
            Differential.explain(report);
            assertThat(report.first()).isEmpty();
        }
    }

    private static Differential.Report compare(InputStream recorded, long seed) throws Exception {
        try (ApiServer server = ApiServer.start(Differential.options());
                RawClient client = new RawClient(server, Executor.ADMIN)) {
            Differential.Report report = Differential.replay(client, recorded, seed);
            Differential.print(report, seed != Differential.ALL);
            return report;
        }
    }
}
