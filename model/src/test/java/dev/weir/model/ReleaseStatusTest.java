package dev.weir.model;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.weir.engine.Decision;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ReleaseStatusTest {
    /** A status that its own definition refuses would never be written. */
    @Test
    void whatAServerSaysAtLengthIsCutToWhatTheDefinitionAllows() throws Exception {
        JsonNode fields = new YAMLMapper()
                .readTree(ReleaseStatusTest.class.getResourceAsStream("/crds/weir.dev_releases.yaml"))
                .at("/spec/versions/0/schema/openAPIV3Schema/properties/status/properties");
        String words = "x".repeat(100_000);
        Decision decision = new Decision(
                Decision.Status.stalled(Decision.REFUSED, words), List.of(), List.of(words, "short"), Optional.empty());
        ReleaseStatus status =
                ReleaseStatus.after(new YAMLMapper().readTree("metadata: {generation: 1}"), decision, Instant.EPOCH);
        assertThat(status.condition("Ready").orElseThrow().message())
                .hasSize(fields.at("/conditions/items/properties/message/maxLength")
                        .asInt())
                .endsWith("x…");
        assertThat(status.why().getFirst())
                .hasSize(fields.at("/why/items/maxLength").asInt())
                .endsWith("x…");
        assertThat(status.why().getLast()).isEqualTo("short");
    }
}
