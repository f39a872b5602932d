package dev.weir.cli;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.LoggingEvent;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.slf4j.event.KeyValuePair;

class JsonLinesTest {
    @Test
    void aLineIsOneObjectWithTheReleaseAsAKey() throws IOException {
        LoggingEvent event = new LoggingEvent(
                JsonLinesTest.class.getName(),
                new LoggerContext().getLogger("dev.weir.x"),
                Level.WARN,
                "a \"quoted\"\nmessage of {}",
                new IllegalStateException("no"),
                new Object[] {"two lines"});
        event.setInstant(Instant.parse("2026-01-02T03:04:05.006Z"));
        event.addKeyValuePair(new KeyValuePair("release", "default/app"));
        String line = new String(new JsonLines().encode(event), java.nio.charset.StandardCharsets.UTF_8);
        assertThat(line).endsWith("}\n");
        assertThat(line.strip()).doesNotContain("\n");
        JsonNode json = new ObjectMapper().readTree(line);
        assertThat(json.path("time").asText()).isEqualTo("2026-01-02T03:04:05.006Z");
        assertThat(json.path("level").asText()).isEqualTo("WARN");
        assertThat(json.path("logger").asText()).isEqualTo("dev.weir.x");
        assertThat(json.path("message").asText()).isEqualTo("a \"quoted\"\nmessage of two lines");
        assertThat(json.path("release").asText()).isEqualTo("default/app");
        assertThat(json.path("error").asText()).startsWith("java.lang.IllegalStateException: no");
    }
}
