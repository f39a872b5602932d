package dev.weir.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class StatisticsPagesTest extends MetricProviderContract {
    @Override
    MetricProvider provider(Path golden) {
        return new StatisticsPages();
    }

    @Override
    Behaviour recorded(Path golden) {
        return exchange -> answer(exchange, 200, Files.readString(golden.resolve("page.txt")));
    }

    @Test
    void aPageThatIsCutOffIsNotCounted() throws IOException, InterruptedException {
        var server = com.sun.net.httpserver.HttpServer.create(new java.net.InetSocketAddress("127.0.0.1", 0), 0);
        server.createContext("/whole", exchange -> answer(exchange, 200, "istio_requests_total 12\n"));
        server.createContext(
                "/cut", exchange -> answer(exchange, 200, "istio_requests_total 12\nistio_requests_total 1"));
        server.createContext("/empty", exchange -> answer(exchange, 200, ""));
        server.start();
        String base = "http://127.0.0.1:" + server.getAddress().getPort();
        Subject subject = new Subject("default", List.of(new Subject.Version("app", "app", false)));
        List<Access> both = List.of(Access.to(URI.create(base + "/whole")), Access.to(URI.create(base + "/cut")));
        Outcome cut = provider(Path.of("")).read(both, subject, Duration.ZERO);
        Outcome empty =
                provider(Path.of("")).read(List.of(Access.to(URI.create(base + "/empty"))), subject, Duration.ZERO);
        server.stop(0);
        assertThat(cut).isEqualTo(new Outcome.Failed(base + "/cut: the page has no end", true));
        assertThat(empty).isInstanceOf(Outcome.Readings.class);
    }
}
