package dev.weir.local;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerPort;
import io.fabric8.kubernetes.api.model.HTTPGetAction;
import io.fabric8.kubernetes.api.model.HTTPHeader;
import io.fabric8.kubernetes.api.model.IntOrString;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;

/** Asks a container once how it is. */
final class Probe {
    private static final int MOST_OUTPUT = 1024;
    private static final int FIRST_GOOD = 200;
    private static final int FIRST_BAD = 400;

    private final PodSandbox sandbox;
    private final Container container;

    Probe(PodSandbox sandbox, Container container) {
        this.sandbox = sandbox;
        this.container = container;
    }

    /** An answer; the message says what was wrong. */
    record Answer(boolean good, String message) {
        static final Answer GOOD = new Answer(true, "");

        static Answer bad(String message) {
            return new Answer(false, message);
        }
    }

    /** Carries out a probe as its spec says; a kind that local mode does not know is good. */
    Answer ask(io.fabric8.kubernetes.api.model.Probe spec, Duration timeout) throws InterruptedException {
        try {
            if (spec.getHttpGet() != null) {
                return http(spec.getHttpGet(), timeout);
            }
            if (spec.getTcpSocket() != null) {
                return connect(sandbox.where(port(spec.getTcpSocket().getPort())), timeout);
            }
            if (spec.getExec() != null) {
                return exec(spec.getExec().getCommand(), timeout);
            }
            return Answer.GOOD;
        } catch (IOException | GeneralSecurityException | Misconfigured failure) {
            return Answer.bad(String.valueOf(failure.getMessage()));
        }
    }

    /** Whether something listens there. */
    static Answer connect(InetSocketAddress at, Duration timeout) {
        try (Socket socket = new Socket()) {
            socket.connect(at, (int) timeout.toMillis());
            return Answer.GOOD;
        } catch (IOException refused) {
            return Answer.bad(
                    "dial tcp " + at.getAddress().getHostAddress() + ":" + at.getPort() + ": " + refused.getMessage());
        }
    }

    private int port(@Nullable IntOrString port) throws Misconfigured {
        if (port == null || port.getIntVal() == null && port.getStrVal() == null) {
            throw new Misconfigured("the probe has no port");
        }
        if (port.getIntVal() != null) {
            return port.getIntVal();
        }
        return container.getPorts().stream()
                .filter(candidate -> port.getStrVal().equals(candidate.getName()))
                .map(ContainerPort::getContainerPort)
                .findFirst()
                .orElseThrow(() -> new Misconfigured("the container has no port named " + port.getStrVal()));
    }

    private Answer http(HTTPGetAction get, Duration timeout)
            throws IOException, GeneralSecurityException, Misconfigured {
        int port = port(get.getPort());
        InetSocketAddress at = get.getHost() == null || get.getHost().isEmpty()
                ? sandbox.where(port)
                : new InetSocketAddress(get.getHost(), port);
        boolean secure = "HTTPS".equals(get.getScheme());
        try (Socket socket = secure ? trusting().getSocketFactory().createSocket() : new Socket()) {
            socket.connect(at, (int) timeout.toMillis());
            socket.setSoTimeout((int) timeout.toMillis());
            socket.getOutputStream().write(request(get, at, port).getBytes(StandardCharsets.US_ASCII));
            socket.getOutputStream().flush();
            String line = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII))
                    .readLine();
            String[] words = line == null ? new String[0] : line.split(" ", 3);
            if (words.length < 2 || !words[1].matches("\\d{3}")) {
                return Answer.bad("no HTTP answer");
            }
            int code = Integer.parseInt(words[1]);
            return code >= FIRST_GOOD && code < FIRST_BAD
                    ? Answer.GOOD
                    : Answer.bad("HTTP probe failed with statuscode: " + code);
        }
    }

    private static String request(HTTPGetAction get, InetSocketAddress at, int port) {
        String path = Objects.requireNonNullElse(get.getPath(), "/");
        StringBuilder text = new StringBuilder("GET ")
                .append(path.startsWith("/") ? path : "/" + path)
                .append(" HTTP/1.1\r\n");
        List<HTTPHeader> headers = get.getHttpHeaders() == null ? List.of() : get.getHttpHeaders();
        if (headers.stream().noneMatch(header -> header.getName().equalsIgnoreCase("Host"))) {
            text.append("Host: ")
                    .append(at.getAddress().getHostAddress())
                    .append(':')
                    .append(port)
                    .append("\r\n");
        }
        headers.forEach(header -> text.append(header.getName())
                .append(": ")
                .append(header.getValue())
                .append("\r\n"));
        return text.append("User-Agent: kube-probe/1.34\r\nAccept: */*\r\nConnection: close\r\n\r\n")
                .toString();
    }

    /** As the kubelet, which does not check certificates of what it probes. */
    private static SSLContext trusting() throws GeneralSecurityException {
        SSLContext context = SSLContext.getInstance("TLS");
        TrustManager all = new X509TrustManager() {
            @Override
            public void checkClientTrusted(X509Certificate[] chain, String type) {
                // never a server here
            }

            @Override
            public void checkServerTrusted(X509Certificate[] chain, String type) {
                // a probe asks whether somebody answers, not who
            }

            @Override
            public X509Certificate[] getAcceptedIssuers() {
                return new X509Certificate[0];
            }
        };
        context.init(null, new TrustManager[] {all}, null);
        return context;
    }

    private Answer exec(List<String> command, Duration timeout)
            throws IOException, GeneralSecurityException, Misconfigured, InterruptedException {
        Optional<HTTPGetAction> check = PodCli.check(command);
        if (check.isPresent()) {
            return http(check.get(), timeout);
        }
        Process process = sandbox.spawn(container, command, true);
        try {
            process.getOutputStream().close();
            byte[][] output = new byte[1][];
            Thread reader = HostProcess.reader("probe", () -> {
                try (var in = process.getInputStream()) {
                    output[0] = in.readNBytes(MOST_OUTPUT);
                    in.skip(Long.MAX_VALUE);
                } catch (IOException ended) {
                    // the process is gone
                }
            });
            if (!process.waitFor(timeout.toMillis(), TimeUnit.MILLISECONDS)) {
                return Answer.bad("command timed out: " + command + " timed out after " + timeout.toSeconds() + "s");
            }
            reader.join(timeout);
            String text = output[0] == null ? "" : new String(output[0], StandardCharsets.UTF_8).strip();
            return process.exitValue() == 0 ? Answer.GOOD : Answer.bad(text);
        } finally {
            HostProcess.stop(process, Duration.ZERO);
            sandbox.ended(process);
        }
    }
}
