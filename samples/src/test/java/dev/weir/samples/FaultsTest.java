package dev.weir.samples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class FaultsTest {
    private static Asked get(String path, String agent) {
        return new Asked("GET", path, Map.of("User-Agent", List.of(agent)), "127.0.0.1", new byte[0]);
    }

    private static Answer answer(Faults faults, double draw, Asked asked) {
        return faults.over(new HttpBin(), () -> draw).answer(asked);
    }

    @Test
    void aShareOfRequestsFails() {
        Faults faults = Faults.of(Map.of("WEIR_FAIL_PERCENT", "12.5", "WEIR_FAIL_STATUS", "503"));
        assertThat(answer(faults, 0.124, get("/get", "curl")).code()).isEqualTo(503);
        assertThat(answer(faults, 0.125, get("/get", "curl")).code()).isEqualTo(200);
        assertThat(answer(Faults.of(Map.of("WEIR_FAIL_PERCENT", "100")), 0.999, get("/get", "curl"))
                        .code())
                .isEqualTo(500);
    }

    @Test
    void answersAreHeldBack() {
        Faults always = Faults.of(Map.of("WEIR_DELAY_MILLIS", "250"));
        assertThat(answer(always, 0.999, get("/get", "curl")).delayMillis()).isEqualTo(250);
        assertThat(answer(always, 0.5, get("/delay/1", "curl")).delayMillis()).isEqualTo(1250);
        Faults half = Faults.of(Map.of("WEIR_DELAY_MILLIS", "250", "WEIR_DELAY_PERCENT", "50"));
        assertThat(answer(half, 0.5, get("/get", "curl")).delayMillis()).isZero();
        assertThat(answer(half, 0.49, get("/get", "curl")).delayMillis()).isEqualTo(250);
    }

    @Test
    void probesAreSpared() {
        Faults faults = Faults.of(Map.of("WEIR_FAIL_PERCENT", "100", "WEIR_DELAY_MILLIS", "9000"));
        for (Asked asked : List.of(get("/get", "kube-probe/1.34"), get("/metrics", "Prometheus"))) {
            Answer answer = answer(faults, 0, asked);
            assertThat(answer.code()).isNotEqualTo(500);
            assertThat(answer.delayMillis()).isZero();
        }
    }

    @Test
    void whatCannotBeMeantIsNamed() {
        assertThatThrownBy(() -> Faults.of(Map.of("WEIR_FAIL_PERCENT", "101")))
                .hasMessage("WEIR_FAIL_PERCENT=101: must be a number from 0 to 100");
        assertThatThrownBy(() -> Faults.of(Map.of("WEIR_FAIL_STATUS", "200")))
                .hasMessage("WEIR_FAIL_STATUS=200: must be a number from 400 to 599");
        assertThatThrownBy(() -> Faults.of(Map.of("WEIR_DELAY_MILLIS", "1s")))
                .hasMessage("WEIR_DELAY_MILLIS=1s: must be a number from 0 to 600000");
    }
}
