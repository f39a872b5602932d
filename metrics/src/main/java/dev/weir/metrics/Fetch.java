package dev.weir.metrics;

import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.channels.UnresolvedAddressException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Asks over HTTP, within bounds of time and size. Redirects are not followed: they would take credentials elsewhere. */
final class Fetch {
    private static final long MOST_BYTES = 64L << 20;
    private static final int TOO_MANY = 429;
    private static final int SERVER_ERROR = 500;
    private static final HttpClient CLIENT = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(Duration.ofSeconds(10))
            .build();

    private Fetch() {}

    /** What came back. */
    sealed interface Answer {
        /** @param status whatever it is */
        record Response(int status, String body) implements Answer {
            /** True if the same request may be answered better later. */
            boolean retryable() {
                return status == TOO_MANY || status >= SERVER_ERROR;
            }
        }

        /** Nothing that is HTTP, in time; worth another try. */
        record Nothing(String reason) implements Answer {}
    }

    static Answer get(Access access, String accept) throws InterruptedException {
        return send(access, request(access, access.url(), accept).GET().build());
    }

    /** @param path below the access's URL, beginning with a slash */
    static Answer post(Access access, String path, String form) throws InterruptedException {
        URI url = URI.create(access.url().toString().replaceAll("/+$", "") + path);
        BodyPublisher body = BodyPublishers.ofString(form, StandardCharsets.US_ASCII);
        return send(
                access,
                request(access, url, "application/json")
                        .header("Content-Type", "application/x-www-form-urlencoded")
                        .POST(body)
                        .build());
    }

    private static HttpRequest.Builder request(Access access, URI url, String accept) {
        HttpRequest.Builder request = HttpRequest.newBuilder(url).header("Accept", accept);
        access.headers().forEach(request::setHeader);
        return request;
    }

    private static Answer send(Access access, HttpRequest request) throws InterruptedException {
        CompletableFuture<HttpResponse<String>> sent = CLIENT.sendAsync(
                request, BodyHandlers.limiting(BodyHandlers.ofString(StandardCharsets.UTF_8), MOST_BYTES));
        try {
            HttpResponse<String> response = sent.get(access.timeout().toNanos(), TimeUnit.NANOSECONDS);
            return new Answer.Response(response.statusCode(), response.body());
        } catch (TimeoutException late) {
            return new Answer.Nothing("no answer within " + seconds(access.timeout()) + " s");
        } catch (ExecutionException failure) {
            return new Answer.Nothing(reason(Objects.requireNonNullElse(failure.getCause(), failure)));
        } finally {
            sent.cancel(true);
        }
    }

    private static String seconds(Duration time) {
        return time.toMillis() % 1000 == 0
                ? Long.toString(time.toSeconds())
                : Double.toString(time.toMillis() / 1000.0);
    }

    private static String reason(Throwable failure) {
        return switch (failure) {
            case ConnectException refused when isUnknownHost(refused) -> "no such host";
            case ConnectException _ -> "cannot connect";
            case IOException broken when broken.getMessage() != null -> broken.getMessage();
            default -> failure.getClass().getSimpleName();
        };
    }

    private static boolean isUnknownHost(Throwable failure) {
        return failure.getCause() instanceof UnresolvedAddressException
                || failure.getCause() != null && failure.getCause().getCause() instanceof UnresolvedAddressException;
    }
}
