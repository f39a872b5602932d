package dev.weir.local;

import dev.weir.local.AtomicFolder.Content;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.DownwardAPIVolumeFile;
import io.fabric8.kubernetes.api.model.KeyToPath;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.ProjectedVolumeSource;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeMount;
import io.fabric8.kubernetes.api.model.VolumeProjection;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A pod's volumes as folders of the host, and for each container a folder that stands for its root: mount paths are links
 * in it. Processes see the host's file system, so they find their files relative to their working directory, which is
 * inside that folder, or below {@code WEIR_ROOT}.
 */
final class PodVolumes {
    private static final int DEFAULT_MODE = 0644;

    private final PodFields fields;
    private final Pod pod;
    private final Path folder;
    private final ConfigSources sources;
    private final Tokens tokens;

    /** Makes a token for the pod's service account. */
    interface Tokens {
        String token(@Nullable Long seconds);
    }

    PodVolumes(PodFields fields, Path folder, ConfigSources sources, Tokens tokens) {
        this.fields = fields;
        this.pod = fields.pod();
        this.folder = folder;
        this.sources = sources;
        this.tokens = tokens;
    }

    /**
     * Writes the files of all volumes, also when one cannot be written.
     *
     * @throws Misconfigured if a ConfigMap or Secret is missing, or local mode has no volumes of the kind
     */
    void write() throws IOException, Misconfigured {
        Misconfigured first = null;
        for (Volume volume : pod.getSpec().getVolumes()) {
            try {
                write(volume);
            } catch (Misconfigured missing) {
                Misconfigured problem = new Misconfigured(
                        "MountVolume.SetUp failed for volume \"" + volume.getName() + "\" : " + missing.getMessage());
                first = first == null ? problem : first;
            }
        }
        if (first != null) {
            throw first;
        }
    }

    private Path at(String volume) {
        return folder.resolve("volumes").resolve(volume);
    }

    private void write(Volume volume) throws IOException, Misconfigured {
        Path at = at(volume.getName());
        if (volume.getHostPath() != null) {
            Files.createDirectories(at.getParent());
            link(at, Path.of(volume.getHostPath().getPath()));
        } else if (volume.getPersistentVolumeClaim() != null) {
            String name = volume.getPersistentVolumeClaim().getClaimName();
            sources.mustHaveClaim(name);
            Path claim = ClaimController.folder(
                    folder.resolve("../../claims").normalize(),
                    pod.getMetadata().getNamespace(),
                    name);
            Files.createDirectories(claim);
            Files.createDirectories(at.getParent());
            link(at, claim);
        } else if (volume.getEmptyDir() != null) {
            Files.createDirectories(at);
        } else {
            AtomicFolder.write(at, content(volume));
        }
    }

    private Map<String, Content> content(Volume volume) throws Misconfigured {
        Map<String, Content> files = new TreeMap<>();
        if (volume.getConfigMap() != null) {
            var source = volume.getConfigMap();
            Map<String, byte[]> all =
                    sources.configMap(source.getName(), source.getOptional()).orElse(Map.of());
            choose(files, all, source.getItems(), source.getDefaultMode(), source.getOptional());
        } else if (volume.getSecret() != null) {
            var source = volume.getSecret();
            Map<String, byte[]> all =
                    sources.secret(source.getSecretName(), source.getOptional()).orElse(Map.of());
            choose(files, all, source.getItems(), source.getDefaultMode(), source.getOptional());
        } else if (volume.getDownwardAPI() != null) {
            downward(
                    files,
                    volume.getDownwardAPI().getItems(),
                    volume.getDownwardAPI().getDefaultMode());
        } else if (volume.getProjected() != null) {
            project(files, volume.getProjected());
        } else {
            throw new Misconfigured("local mode has no volumes of this kind");
        }
        return files;
    }

    private void project(Map<String, Content> files, ProjectedVolumeSource projected) throws Misconfigured {
        Integer mode = projected.getDefaultMode();
        for (VolumeProjection part : projected.getSources()) {
            if (part.getConfigMap() != null) {
                var source = part.getConfigMap();
                Map<String, byte[]> all = sources.configMap(source.getName(), source.getOptional())
                        .orElse(Map.of());
                choose(files, all, source.getItems(), mode, source.getOptional());
            } else if (part.getSecret() != null) {
                var source = part.getSecret();
                Map<String, byte[]> all =
                        sources.secret(source.getName(), source.getOptional()).orElse(Map.of());
                choose(files, all, source.getItems(), mode, source.getOptional());
            } else if (part.getDownwardAPI() != null) {
                downward(files, part.getDownwardAPI().getItems(), mode);
            } else if (part.getServiceAccountToken() != null) {
                var token = part.getServiceAccountToken();
                put(files, token.getPath(), tokens.token(token.getExpirationSeconds()), mode);
            } else {
                throw new Misconfigured("local mode has no projections of this kind");
            }
        }
    }

    private static void choose(
            Map<String, Content> files,
            Map<String, byte[]> all,
            @Nullable List<KeyToPath> items,
            @Nullable Integer mode,
            @Nullable Boolean optional)
            throws Misconfigured {
        if (items == null || items.isEmpty()) {
            all.forEach((name, bytes) -> files.put(name, content(bytes, mode)));
            return;
        }
        for (KeyToPath item : items) {
            byte[] bytes = all.get(item.getKey());
            if (bytes != null) {
                files.put(item.getPath(), content(bytes, item.getMode() == null ? mode : item.getMode()));
            } else if (!Boolean.TRUE.equals(optional)) {
                throw new Misconfigured("references non-existent config key: " + item.getKey());
            }
        }
    }

    private void downward(
            Map<String, Content> files, @Nullable List<DownwardAPIVolumeFile> items, @Nullable Integer mode)
            throws Misconfigured {
        if (items == null) {
            return;
        }
        for (DownwardAPIVolumeFile item : items) {
            String text = item.getFieldRef() != null
                    ? fields.field(item.getFieldRef().getFieldPath())
                    : fields.resource(null, item.getResourceFieldRef());
            put(files, item.getPath(), text, item.getMode() == null ? mode : item.getMode());
        }
    }

    private static void put(Map<String, Content> files, String path, String text, @Nullable Integer mode) {
        files.put(path, content(text.getBytes(StandardCharsets.UTF_8), mode));
    }

    private static Content content(byte[] bytes, @Nullable Integer mode) {
        return new Content(bytes, Objects.requireNonNullElse(mode, DEFAULT_MODE));
    }

    /** Whether there are volumes whose content follows something. */
    boolean mayChange() {
        return pod.getSpec().getVolumes().stream()
                .anyMatch(volume -> volume.getConfigMap() != null
                        || volume.getSecret() != null
                        || volume.getDownwardAPI() != null
                        || volume.getProjected() != null);
    }

    /** What the content of the pod's volumes comes from. */
    Set<ConfigWatches.Source> followed() {
        Set<ConfigWatches.Source> followed = new HashSet<>();
        String namespace = pod.getMetadata().getNamespace();
        for (Volume volume : pod.getSpec().getVolumes()) {
            if (volume.getConfigMap() != null) {
                followed.add(ConfigWatches.Source.configMap(
                        namespace, volume.getConfigMap().getName()));
            }
            if (volume.getSecret() != null) {
                followed.add(ConfigWatches.Source.secret(
                        namespace, volume.getSecret().getSecretName()));
            }
            if (volume.getProjected() != null) {
                for (VolumeProjection part : volume.getProjected().getSources()) {
                    if (part.getConfigMap() != null) {
                        followed.add(ConfigWatches.Source.configMap(
                                namespace, part.getConfigMap().getName()));
                    }
                    if (part.getSecret() != null) {
                        followed.add(ConfigWatches.Source.secret(
                                namespace, part.getSecret().getName()));
                    }
                }
            }
        }
        return followed;
    }

    /** After how long the tokens among the files want to be made anew; empty if there are none. */
    Optional<Duration> tokenLife() {
        return pod.getSpec().getVolumes().stream()
                .filter(volume -> volume.getProjected() != null)
                .flatMap(volume -> volume.getProjected().getSources().stream())
                .filter(part -> part.getServiceAccountToken() != null)
                .map(part ->
                        Objects.requireNonNullElse(part.getServiceAccountToken().getExpirationSeconds(), 3600L))
                // as the kubelet, when four fifths of their life are over
                .map(seconds -> Duration.ofSeconds(seconds * 4 / 5))
                .min(Comparator.naturalOrder());
    }

    /** The folder that stands for a container's root, with its mount paths as links; made if absent. */
    Path root(Container container) throws IOException, Misconfigured {
        Path root = Files.createDirectories(folder.resolve("root").resolve(container.getName()));
        List<VolumeMount> outerFirst = container.getVolumeMounts().stream()
                .sorted(Comparator.comparing(VolumeMount::getMountPath))
                .toList();
        for (VolumeMount mount : outerFirst) {
            Path place = inside(root, mount.getMountPath());
            if (place.equals(root)) {
                continue;
            }
            Path target = at(mount.getName());
            if (mount.getSubPath() != null && !mount.getSubPath().isEmpty()) {
                target = subPath(container, mount, target);
            }
            Files.createDirectories(place.getParent());
            link(place, target);
        }
        return root;
    }

    /** A part of a volume; of content that changes as a whole, a copy that stays as it is. */
    private Path subPath(Container container, VolumeMount mount, Path volume) throws IOException, Misconfigured {
        Path target = inside(volume, mount.getSubPath());
        if (!Files.exists(target)) {
            return Files.createDirectories(target);
        }
        if (!Files.exists(volume.resolve(AtomicFolder.DATA))) {
            return target;
        }
        Path copy = folder.resolve("volumes")
                .resolve("." + container.getName())
                .resolve(mount.getName())
                .resolve(mount.getSubPath())
                .normalize();
        if (!Files.exists(copy)) {
            try (Stream<Path> files = Files.walk(target.toRealPath())) {
                Path from = target.toRealPath();
                for (Path file : files.toList()) {
                    Path to = copy.resolve(from.relativize(file).toString());
                    Files.createDirectories(to.getParent());
                    Files.copy(file, to, StandardCopyOption.COPY_ATTRIBUTES);
                }
            }
        }
        return copy;
    }

    /** Where the container's processes start: its working directory below its root. */
    Path workingDirectory(Container container) throws IOException, Misconfigured {
        Path root = root(container);
        String wanted = container.getWorkingDir();
        if (wanted == null || wanted.isEmpty()) {
            return root;
        }
        Path place = inside(root, wanted);
        return Files.exists(place) ? place : Files.createDirectories(place);
    }

    private static Path inside(Path root, String path) throws Misconfigured {
        Path place = root.resolve(path.replaceFirst("^/+", "")).normalize();
        if (!place.startsWith(root)) {
            throw new Misconfigured("path '" + path + "' is not allowed");
        }
        return place;
    }

    private static void link(Path place, Path target) throws IOException {
        if (!Files.exists(place, LinkOption.NOFOLLOW_LINKS)) {
            Files.createSymbolicLink(place, target);
        }
    }

    /** Removes all that was written; what links lead to is left. */
    void delete() throws IOException {
        for (String part : List.of("root", "volumes")) {
            deleteTree(folder.resolve(part));
        }
    }

    /** Removes a folder and all in it, without following links. */
    static void deleteTree(Path folder) throws IOException {
        if (!Files.exists(folder, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
