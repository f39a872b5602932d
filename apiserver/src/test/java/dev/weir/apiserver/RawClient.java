package dev.weir.apiserver;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;

/** Speaks to a server as plainly as can be: no client library between a test and the wire. */
public final class RawClient implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private final HttpClient http;
    private final URI base;
    private final String token;

    public record Answer(int code, JsonNode body, List<String> warnings) {}

    public RawClient(ApiServer server, String token) throws GeneralSecurityException, IOException {
        this(server.url(), server.authority().certificate(), token);
    }

    /** @param authority who signed the server's certificate */
    public RawClient(URI base, X509Certificate authority, String token) throws GeneralSecurityException, IOException {
        this(base, token, client(authority));
    }

    private RawClient(URI base, String token, HttpClient http) {
        this.base = base;
        this.token = token;
        this.http = http;
    }

    private static HttpClient client(X509Certificate authority) throws GeneralSecurityException, IOException {
        KeyStore trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        trusted.setCertificateEntry("ca", authority);
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        SSLContext tls = SSLContext.getInstance("TLS");
        tls.init(null, trust.getTrustManagers(), null);
        return HttpClient.newBuilder()
                .sslContext(tls)
                .version(HttpClient.Version.HTTP_1_1)
                .connectTimeout(Duration.ofSeconds(10))
                .build();
    }

    /** The same server as somebody else sees it. Only the first client is to be closed. */
    public RawClient as(String otherToken) {
        return new RawClient(base, otherToken, http);
    }

    private HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(base.resolve(path.replace("|", "%7C").replace(" ", "%20")))
                .timeout(Duration.ofSeconds(30))
                .header("Authorization", "Bearer " + token)
                .header("User-Agent", "recorder");
    }

    /** @param body a text is sent as it is, everything else as JSON */
    public Answer send(String method, String path, @Nullable JsonNode body, String contentType, String accept)
            throws IOException, InterruptedException {
        HttpRequest.Builder request = request(path).header("Accept", accept.isEmpty() ? "application/json" : accept);
        if (body != null) {
            request.header("Content-Type", contentType.isEmpty() ? "application/json" : contentType);
        }
        request.method(
                method,
                body == null
                        ? HttpRequest.BodyPublishers.noBody()
                        : HttpRequest.BodyPublishers.ofByteArray(
                                body.isTextual()
                                        ? body.asText().getBytes(StandardCharsets.UTF_8)
                                        : JSON.writeValueAsBytes(body)));
        HttpResponse<byte[]> response = http.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
        return new Answer(
                response.statusCode(),
                parsed(response.body()),
                response.headers().allValues("Warning"));
    }

    /** JSON, or a text if it is none. */
    private static JsonNode parsed(byte[] body) {
        if (body.length == 0) {
            return MissingNode.getInstance();
        }
        try {
            return JSON.readTree(body);
        } catch (IOException noJson) {
            return JSON.getNodeFactory().textNode(new String(body, StandardCharsets.UTF_8));
        }
    }

    JsonNode watch(String path) throws IOException, InterruptedException {
        return watch(path, "").body();
    }

    /** The events of a watch until it ends. */
    public Answer watch(String path, String accept) throws IOException, InterruptedException {
        HttpRequest.Builder request = request(path).header("Accept", accept.isEmpty() ? "application/json" : accept);
        HttpResponse<String> response = http.send(request.build(), HttpResponse.BodyHandlers.ofString());
        ArrayNode events = JSON.createArrayNode();
        for (String line : response.body().lines().toList()) {
            events.add(parsed(line.getBytes(StandardCharsets.UTF_8)));
        }
        return new Answer(response.statusCode(), events, response.headers().allValues("Warning"));
    }

    @Override
    public void close() {
        http.close();
    }
}
