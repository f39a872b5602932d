package dev.weir.local;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PodPlaceTest {
    private final Images images = new Images(Map.of("shop", "serve-shop"));

    private static Pod pod(Map<String, String> labels, String... containerImages) {
        PodBuilder pod = new PodBuilder()
                .withNewMetadata()
                .withName("pod")
                .withLabels(labels)
                .endMetadata()
                .withNewSpec()
                .endSpec();
        for (String image : containerImages) {
            pod.editSpec().addNewContainer().withImage(image).endContainer().endSpec();
        }
        return pod.build();
    }

    @ParameterizedTest
    @CsvSource({
        "kennethreitz/httpbin, HOSTED",
        "stefanprodan/podinfo:6, HOSTED",
        "curlimages/curl, MESHED",
        "istio/proxyv2:1.30, GATEWAY",
        "weir/operator, ALONE",
        "shop:v1, ALONE",
        "nobody/knows, ALONE"
    })
    void thePlaceFollowsFromWhatRuns(String image, PodPlace place) {
        assertThat(PodPlace.of(pod(Map.of(), image), images)).isEqualTo(place);
    }

    @Test
    void aPodThatThisProcessServesInPartIsHosted() {
        assertThat(PodPlace.of(pod(Map.of(), "curlimages/curl", "kennethreitz/httpbin"), images))
                .isEqualTo(PodPlace.HOSTED);
    }

    @Test
    void aClientMayStayOutOfTheMesh() {
        assertThat(PodPlace.of(pod(Map.of("sidecar.istio.io/inject", "false"), "curlimages/curl"), images))
                .isEqualTo(PodPlace.ALONE);
    }
}
