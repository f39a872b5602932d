package dev.weir.samples;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A small web service with probes and metrics, after podinfo: paths, JSON and metric names are those of podinfo 6. */
public final class Podinfo extends Sample {
    private static final String JSON = "application/json; charset=utf-8";
    private static final Pattern STATUS = Pattern.compile("/status/(\\d{3})");
    private static final Pattern DELAY = Pattern.compile("/delay/(\\d{1,5})");
    private static final int[] ERRORS = {500, 400, 409};
    private static final int ONE_IN = 3;
    private static final List<String> READ = List.of("GET");
    private static final List<String> WRITE = List.of("POST");

    private final String version;
    private final Map<String, String> variables;
    private final PodinfoSettings settings;
    private final Runnable panic;
    private final RequestMetrics metrics = new RequestMetrics();
    private volatile boolean ready;

    /**
     * A podinfo.
     *
     * @param version what it says its version is: the tag of its image
     * @param arguments its flags
     * @param variables its environment
     * @param panic called when a client asks it to crash
     * @throws IllegalArgumentException if a flag has a value that is not allowed
     */
    public Podinfo(String version, List<String> arguments, Map<String, String> variables, Runnable panic) {
        this.version = version;
        this.variables = Map.copyOf(variables);
        this.settings = PodinfoSettings.of(arguments, variables);
        this.panic = panic;
        this.ready = !settings.unready();
    }

    /** Where it serves. */
    public int port() {
        return settings.port();
    }

    /** Where it serves metrics alone, if asked to. */
    public OptionalInt metricsPort() {
        return settings.metricsPort();
    }

    /** What is served at the metrics port. */
    public Sample metricsOnly() {
        return new MetricsOnly(this);
    }

    static final class MetricsOnly extends Sample {
        private final Podinfo podinfo;

        MetricsOnly(Podinfo podinfo) {
            this.podinfo = podinfo;
        }

        @Override
        String server() {
            return "";
        }

        @Override
        Answer answer(Asked asked) {
            return switch (asked.path()) {
                case "/metrics" -> podinfo.metrics();
                case "/healthz" -> Answer.of(200, "text/plain; charset=utf-8", "OK");
                default -> notFound();
            };
        }
    }

    @Override
    String server() {
        return "";
    }

    @Override
    Answer answer(Asked asked) {
        Answer answer = routed(asked);
        if (route(asked).isEmpty() || probe(asked)) {
            return answer;
        }
        if (settings.randomError() && ThreadLocalRandom.current().nextInt(ONE_IN) == 0) {
            answer = Answer.of(ERRORS[ThreadLocalRandom.current().nextInt(ERRORS.length)], JSON, "");
        }
        var delay = settings.delay();
        return delay.most() > delay.least()
                ? answer.after(ThreadLocalRandom.current().nextLong(delay.least(), delay.most()))
                : answer.after(delay.least());
    }

    private static boolean probe(Asked asked) {
        return List.of("/healthz", "/readyz", "/metrics").contains(asked.path());
    }

    private Answer routed(Asked asked) {
        String path = asked.path();
        Matcher status = STATUS.matcher(path);
        if (status.matches()) {
            int code = Integer.parseInt(status.group(1));
            return only(asked, List.of("GET", "POST", "PUT"), code < 200 ? 400 : code, Map.of("status", code));
        }
        Matcher delay = DELAY.matcher(path);
        if (delay.matches()) {
            int seconds = Integer.parseInt(delay.group(1));
            return only(asked, READ, 200, Map.of("delay", seconds)).after(seconds * 1000L);
        }
        if (path.startsWith("/echo/") || path.startsWith("/api/echo/")) {
            return echo(asked);
        }
        return switch (path) {
            case "/", "/api/info" -> only(asked, READ, 200, info());
            case "/version" -> only(asked, READ, 200, versions());
            case "/echo", "/api/echo" -> echo(asked);
            case "/env" -> only(asked, List.of("GET", "POST"), 200, environment());
            case "/headers" -> only(asked, List.of("GET", "POST"), 200, headers(asked));
            case "/healthz" -> health(asked, !settings.unhealthy());
            case "/readyz" -> health(asked, ready);
            case "/readyz/enable" -> turn(asked, true);
            case "/readyz/disable" -> turn(asked, false);
            case "/metrics" -> metrics();
            case "/panic" -> crash(asked);
            default -> notFound();
        };
    }

    /** The route's name as podinfo's metrics have it; empty for what it does not serve. */
    private static String route(Asked asked) {
        String path = asked.path();
        if (STATUS.matcher(path).matches()) {
            return "status";
        }
        if (DELAY.matcher(path).matches()) {
            return "delay";
        }
        if (path.startsWith("/echo/") || path.startsWith("/api/echo/")) {
            return path.startsWith("/api/") ? "api_echo" : "echo";
        }
        return switch (path) {
            case "/" -> "root";
            case "/api/info",
                    "/version",
                    "/echo",
                    "/api/echo",
                    "/env",
                    "/headers",
                    "/healthz",
                    "/readyz",
                    "/readyz/enable",
                    "/readyz/disable",
                    "/metrics" -> path.substring(1).replace('/', '_');
            default -> "";
        };
    }

    @Override
    void answered(Asked asked, Answer answer, Duration took) {
        String route = route(asked);
        if (!route.isEmpty()) {
            metrics.count(asked.method(), route, answer.code(), took.toNanos() / 1e9);
        }
    }

    private Answer metrics() {
        return Answer.of(200, "text/plain; version=0.0.4; charset=utf-8", metrics.text());
    }

    private static Answer notFound() {
        return Answer.of(404, "text/plain; charset=utf-8", "404 page not found\n")
                .with("X-Content-Type-Options", "nosniff");
    }

    private static Answer only(Asked asked, List<String> methods, int code, Object body) {
        return methods.contains(asked.method())
                ? Answer.of(code, JSON, PrettyJson.of(body)).with("X-Content-Type-Options", "nosniff")
                : Answer.of(405, "text/plain; charset=utf-8", "");
    }

    private Map<String, String> info() {
        Map<String, String> info = new LinkedHashMap<>();
        info.put("hostname", variables.getOrDefault("HOSTNAME", ""));
        info.put("version", version);
        info.put("revision", "weir");
        info.put("color", settings.color());
        info.put("logo", settings.logo());
        info.put("message", settings.message().isEmpty() ? "greetings from podinfo v" + version : settings.message());
        info.put("goos", "linux");
        info.put("goarch", System.getProperty("os.arch"));
        info.put("runtime", "java" + Runtime.version().feature());
        info.put("num_goroutine", Integer.toString(Thread.activeCount()));
        info.put("num_cpu", Integer.toString(Runtime.getRuntime().availableProcessors()));
        return info;
    }

    private Map<String, String> versions() {
        Map<String, String> versions = new LinkedHashMap<>();
        versions.put("commit", "weir");
        versions.put("version", version);
        return versions;
    }

    private List<String> environment() {
        return new TreeMap<>(variables)
                .entrySet().stream()
                        .map(variable -> variable.getKey() + "=" + variable.getValue())
                        .toList();
    }

    private static Map<String, List<String>> headers(Asked asked) {
        Map<String, List<String>> headers = new TreeMap<>();
        asked.headers().forEach((name, values) -> headers.put(canonical(name), values));
        headers.remove("Host");
        return headers;
    }

    /** As Go spells header names. */
    private static String canonical(String name) {
        StringBuilder spelt = new StringBuilder(name.toLowerCase(Locale.ROOT));
        for (int i = 0; i < spelt.length(); i++) {
            if (i == 0 || spelt.charAt(i - 1) == '-') {
                spelt.setCharAt(i, Character.toUpperCase(spelt.charAt(i)));
            }
        }
        return spelt.toString();
    }

    private static Answer echo(Asked asked) {
        return new Answer(202, JSON, asked.body(), Map.of("X-Content-Type-Options", "nosniff"), 0);
    }

    private static Answer health(Asked asked, boolean good) {
        return good ? only(asked, READ, 200, Map.of("status", "OK")) : Answer.of(503, "text/plain; charset=utf-8", "");
    }

    private Answer turn(Asked asked, boolean to) {
        if (!WRITE.contains(asked.method())) {
            return Answer.of(405, "text/plain; charset=utf-8", "");
        }
        ready = to;
        return Answer.of(202, "text/plain; charset=utf-8", "");
    }

    private Answer crash(Asked asked) {
        if (!READ.contains(asked.method())) {
            return Answer.of(405, "text/plain; charset=utf-8", "");
        }
        panic.run();
        return Answer.hangUp();
    }
}
