package dev.weir.dataplane;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import dev.weir.dataplane.MeshConfig.Kind;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A data plane with one pod's proxy, one gateway, services that lead to sockets of the test, and one VirtualService. */
final class ProxyFixture implements AutoCloseable {
    static final Workload CALLER = new Workload("default", "sleep-1", "sleep", Map.of("app", "sleep", "version", "v7"));
    private static final Workload GATEWAY = new Workload(
            "istio-system",
            "gw-1",
            "gw",
            Map.of("istio", "ingressgateway", "gateway.networking.k8s.io/gateway-name", "public"));
    private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());
    private static final int SOCKET_TIMEOUT_MILLIS = 20_000;

    private final DataPlane dataPlane;
    private final ProxyListener sidecar;
    private final ProxyListener gateway;
    private final ProxyListener secureGateway;
    private final ProxyListener stats;
    private final Map<String, List<Integer>> services = new LinkedHashMap<>();
    private final Map<String, String> portNames = new LinkedHashMap<>();
    private final List<String> gone = new ArrayList<>();
    private final Map<Kind, List<JsonNode>> more = new EnumMap<>(Kind.class);
    private String http = "[]";

    ProxyFixture(DataPlaneOptions options) {
        dataPlane = DataPlane.start(options);
        InetSocketAddress any = new InetSocketAddress("127.0.0.1", 0);
        try {
            sidecar = dataPlane.openSidecar(CALLER, any);
            gateway = dataPlane.openGateway(GATEWAY, any, 80);
            secureGateway = dataPlane.openGateway(GATEWAY, any, 443);
            stats = dataPlane.openStats(any);
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
    }

    DataPlane dataPlane() {
        return dataPlane;
    }

    ProxyListener secureGateway() {
        return secureGateway;
    }

    ProxyListener sidecar() {
        return sidecar;
    }

    /** Makes a service lead to these ports; a pod NAME-PORT of the workload NAME listens on each. */
    ProxyFixture service(String name, Integer... ports) {
        services.put(name, List.of(ports));
        return update();
    }

    /** As above, with a name for the service's port. */
    ProxyFixture service(String name, String portName, Integer... ports) {
        portNames.put(name, portName);
        return service(name, ports);
    }

    ProxyFixture without(String name) {
        services.remove(name);
        gone.add(name);
        return update();
    }

    /** Puts the {@code http} of the VirtualService for {@code app.default}, in YAML. */
    ProxyFixture route(String yaml) {
        http = yaml;
        return update();
    }

    /** Adds an object, in YAML. */
    ProxyFixture object(Kind kind, String yaml) throws IOException {
        more.computeIfAbsent(kind, _ -> new ArrayList<>()).add(YAML.readTree(yaml));
        return update();
    }

    private ProxyFixture update() {
        try {
            dataPlane.update(config());
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
        return this;
    }

    private MeshConfig config() throws IOException {
        List<JsonNode> objects = new ArrayList<>();
        List<JsonNode> slices = new ArrayList<>();
        List<JsonNode> pods = new ArrayList<>();
        pods.add(YAML.readTree("metadata: {name: sleep-1, namespace: default, labels: {app: sleep, version: v7}}"));
        for (Map.Entry<String, List<Integer>> service : services.entrySet()) {
            String name = service.getKey();
            objects.add(
                    YAML.readTree("{metadata: {name: %s, namespace: default}, spec: {ports: [{port: 80, name: '%s'}]}}"
                            .formatted(name, portNames.getOrDefault(name, ""))));
            for (int port : service.getValue()) {
                slices.add(YAML.readTree("""
                        metadata: {name: %1$s-%2$d, namespace: default, labels: {kubernetes.io/service-name: %1$s}}
                        ports: [{name: "%3$s", port: %2$d}]
                        endpoints: [{addresses: [127.0.0.1], conditions: {ready: true}, targetRef: {name: %1$s-h-%2$d}}]
                        """.formatted(name, port, portNames.getOrDefault(name, ""))));
                pods.add(YAML.readTree("""
                        metadata:
                          name: %1$s-h-%2$d
                          namespace: default
                          labels: {app: %1$s, version: v1, pod-template-hash: h}
                        """.formatted(name, port)));
            }
        }
        JsonNode route = YAML.readTree("""
                metadata: {name: app, namespace: default}
                spec: {gateways: [mesh, gw], hosts: [app.default], http: %s}
                """.formatted(http));
        JsonNode open = YAML.readTree("""
                metadata: {name: gw, namespace: default}
                spec:
                  selector: {istio: ingressgateway}
                  servers: [{port: {number: 80, protocol: HTTP}, hosts: ["*"]}]
                """);
        Map<Kind, List<JsonNode>> all = new EnumMap<>(more);
        all.put(Kind.SERVICE, objects);
        all.put(Kind.ENDPOINT_SLICE, slices);
        all.put(Kind.POD, pods);
        all.merge(Kind.VIRTUAL_SERVICE, List.of(route), ProxyFixture::both);
        all.merge(Kind.ISTIO_GATEWAY, List.of(open), ProxyFixture::both);
        return new MeshConfig(all, Map.of());
    }

    private static List<JsonNode> both(List<JsonNode> some, List<JsonNode> others) {
        List<JsonNode> all = new ArrayList<>(some);
        all.addAll(others);
        return all;
    }

    Socket connect() throws IOException {
        return connect(sidecar);
    }

    Socket connectToGateway() throws IOException {
        return connect(gateway);
    }

    private static Socket connect(ProxyListener listener) throws IOException {
        Socket socket = new Socket("127.0.0.1", listener.address().getPort());
        socket.setSoTimeout(SOCKET_TIMEOUT_MILLIS);
        return socket;
    }

    /** Sends one raw request on a connection of its own and returns everything until the proxy closes it. */
    String ask(String request) throws IOException {
        try (Socket socket = connect()) {
            socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
        }
    }

    String get(String path, String... headers) throws IOException {
        return ask(request("GET", path, headers));
    }

    static String request(String method, String path, String... headers) {
        StringBuilder text = new StringBuilder(method + " " + path + " HTTP/1.1\r\nHost: app.default\r\n");
        for (String header : headers) {
            text.append(header).append("\r\n");
        }
        return text.append("Connection: close\r\n\r\n").toString();
    }

    String metrics() throws IOException, InterruptedException {
        URI url = URI.create("http://127.0.0.1:" + stats.address().getPort() + "/stats/prometheus");
        try (HttpClient client = HttpClient.newHttpClient()) {
            return client.send(HttpRequest.newBuilder(url).build(), HttpResponse.BodyHandlers.ofString())
                    .body();
        }
    }

    /** The sum of a metric's samples whose labels contain all of these. */
    long metric(String name, String... labels) throws IOException, InterruptedException {
        return metrics()
                .lines()
                .filter(line -> line.startsWith(name + "{") || line.startsWith(name + " "))
                .filter(line -> List.of(labels).stream().allMatch(line::contains))
                .mapToLong(line -> (long) Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .sum();
    }

    @Override
    public void close() {
        sidecar.close();
        gateway.close();
        secureGateway.close();
        dataPlane.close();
    }
}
