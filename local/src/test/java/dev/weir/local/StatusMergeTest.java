package dev.weir.local;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.time.Instant;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is written over which status; quotes are left out. */
class StatusMergeTest {
    private static final ObjectMapper JSON = new ObjectMapper()
            .enable(com.fasterxml.jackson.core.JsonParser.Feature.ALLOW_UNQUOTED_FIELD_NAMES)
            .enable(com.fasterxml.jackson.core.JsonParser.Feature.ALLOW_SINGLE_QUOTES);
    private static final Instant NOW = Instant.parse("2026-01-01T00:00:00.123Z");

    private static JsonNode read(String text) throws IOException {
        return JSON.readTree(text.replaceAll("([A-Za-z]\\w*)", "'$1'").replace("'true'", "true"));
    }

    @ParameterizedTest(name = "{0} then {1} -> {2}")
    @CsvSource(delimiter = '|', textBlock = """
            {} | {conditions:[{type:A,status:T}]} | {conditions:[{type:A,status:T,lastTransitionTime:NOW}]}
            {conditions:[{type:A,status:T,lastTransitionTime:THEN}]} | {conditions:[{type:A,status:T}]} | nothing
            {conditions:[{type:A,status:T,lastTransitionTime:THEN}]} | {conditions:[{type:A,status:F}]} | {conditions:[{type:A,status:F,lastTransitionTime:NOW}]}
            {conditions:[{type:A,status:T,lastTransitionTime:THEN,reason:X}]} | {conditions:[{type:A,status:T,reason:Y}]} | {conditions:[{type:A,status:T,reason:Y,lastTransitionTime:THEN}]}
            {listeners:[{name:a,conditions:[{type:A,status:T,lastTransitionTime:THEN}]}]} | {listeners:[{name:a,conditions:[{type:A,status:T}]},{name:b,conditions:[]}]} | {listeners:[{name:a,conditions:[{type:A,status:T,lastTransitionTime:THEN}]},{name:b,conditions:[]}]}
            {parents:[{controllerName:other,x:y}]} | {parents:[{controllerName:us,parentRef:{name:a},conditions:[]}]} | {parents:[{controllerName:other,x:y},{controllerName:us,parentRef:{name:a},conditions:[]}]}
            {parents:[{controllerName:us,parentRef:{name:a},conditions:[]}]} | {parents:[]} | {parents:[]}
            {} | {parents:[]} | nothing
            {conditions:[{observedGeneration:1,type:A,status:T,lastTransitionTime:THEN}]} | {conditions:[{type:A,status:T,observedGeneration:1}]} | nothing
            """)
    void keepsWhatHoldsAndWritesOnlyChanges(String current, String wanted, String written) throws IOException {
        String next = StatusMerge.merge(read(current), (ObjectNode) read(wanted), "us", NOW)
                .map(status -> status.toString().replace("2026-01-01T00:00:00Z", "NOW"))
                .orElse("nothing");
        if (written.equals("nothing")) {
            assertThat(next).isEqualTo(written);
        } else {
            assertThat(JSON.readTree(next)).isEqualTo(read(written));
        }
    }
}
