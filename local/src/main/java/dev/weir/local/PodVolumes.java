package dev.weir.local;

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
import java.nio.file.attribute.PosixFilePermission;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A pod's volumes as folders of the host, and for each container a folder that stands for its root: mount paths are links
 * in it. Processes see the host's file system, so they find their files relative to their working directory, which is
 * inside that folder, or below {@code WEIR_ROOT}.
 */
final class PodVolumes {
    private static final int DEFAULT_MODE = 0644;

    private final Pod pod;
    private final String address;
    private final Path folder;
    private final ConfigSources sources;
    private final Tokens tokens;

    /** Makes a token for the pod's service account. */
    interface Tokens {
        String token(@Nullable Long seconds);
    }

    PodVolumes(Pod pod, String address, Path folder, ConfigSources sources, Tokens tokens) {
        this.pod = pod;
        this.address = address;
        this.folder = folder;
        this.sources = sources;
        this.tokens = tokens;
    }

    /**
     * Writes the files of all volumes.
     *
     * @throws Misconfigured if a ConfigMap or Secret is missing, or local mode has no volumes of the kind
     */
    void write() throws IOException, Misconfigured {
        for (Volume volume : pod.getSpec().getVolumes()) {
            try {
                write(volume);
            } catch (Misconfigured missing) {
                throw new Misconfigured(
                        "MountVolume.SetUp failed for volume \"" + volume.getName() + "\" : " + missing.getMessage());
            }
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
        } else if (volume.getConfigMap() != null) {
            var source = volume.getConfigMap();
            Map<String, byte[]> all =
                    sources.configMap(source.getName(), source.getOptional()).orElse(Map.of());
            files(at, all, source.getItems(), source.getDefaultMode(), source.getOptional());
        } else if (volume.getSecret() != null) {
            var source = volume.getSecret();
            Map<String, byte[]> all =
                    sources.secret(source.getSecretName(), source.getOptional()).orElse(Map.of());
            files(at, all, source.getItems(), source.getDefaultMode(), source.getOptional());
        } else if (volume.getDownwardAPI() != null) {
            downward(
                    at,
                    volume.getDownwardAPI().getItems(),
                    volume.getDownwardAPI().getDefaultMode());
        } else if (volume.getProjected() != null) {
            project(at, volume.getProjected());
        } else {
            throw new Misconfigured("local mode has no volumes of this kind");
        }
    }

    private void project(Path at, ProjectedVolumeSource projected) throws IOException, Misconfigured {
        Integer mode = projected.getDefaultMode();
        for (VolumeProjection part : projected.getSources()) {
            if (part.getConfigMap() != null) {
                var source = part.getConfigMap();
                Map<String, byte[]> all = sources.configMap(source.getName(), source.getOptional())
                        .orElse(Map.of());
                files(at, all, source.getItems(), mode, source.getOptional());
            } else if (part.getSecret() != null) {
                var source = part.getSecret();
                Map<String, byte[]> all =
                        sources.secret(source.getName(), source.getOptional()).orElse(Map.of());
                files(at, all, source.getItems(), mode, source.getOptional());
            } else if (part.getDownwardAPI() != null) {
                downward(at, part.getDownwardAPI().getItems(), mode);
            } else if (part.getServiceAccountToken() != null) {
                String token = tokens.token(part.getServiceAccountToken().getExpirationSeconds());
                file(at, part.getServiceAccountToken().getPath(), token.getBytes(StandardCharsets.UTF_8), mode);
            } else {
                throw new Misconfigured("local mode has no projections of this kind");
            }
        }
        Files.createDirectories(at);
    }

    private void files(
            Path at,
            Map<String, byte[]> all,
            @Nullable List<KeyToPath> items,
            @Nullable Integer mode,
            @Nullable Boolean optional)
            throws IOException, Misconfigured {
        Files.createDirectories(at);
        if (items == null || items.isEmpty()) {
            for (Map.Entry<String, byte[]> file : all.entrySet()) {
                file(at, file.getKey(), file.getValue(), mode);
            }
            return;
        }
        for (KeyToPath item : items) {
            byte[] content = all.get(item.getKey());
            if (content != null) {
                file(at, item.getPath(), content, item.getMode() == null ? mode : item.getMode());
            } else if (!Boolean.TRUE.equals(optional)) {
                throw new Misconfigured("references non-existent config key: " + item.getKey());
            }
        }
    }

    private void downward(Path at, @Nullable List<DownwardAPIVolumeFile> items, @Nullable Integer mode)
            throws IOException, Misconfigured {
        Files.createDirectories(at);
        if (items == null) {
            return;
        }
        for (DownwardAPIVolumeFile item : items) {
            String text = item.getFieldRef() != null
                    ? PodFields.field(pod, address, item.getFieldRef().getFieldPath())
                    : PodFields.resource(pod, null, item.getResourceFieldRef());
            file(
                    at,
                    item.getPath(),
                    text.getBytes(StandardCharsets.UTF_8),
                    item.getMode() == null ? mode : item.getMode());
        }
    }

    private static void file(Path at, String name, byte[] content, @Nullable Integer mode)
            throws IOException, Misconfigured {
        Path file = at.resolve(name).normalize();
        if (!file.startsWith(at) || file.equals(at)) {
            throw new Misconfigured("file name '" + name + "' is not allowed");
        }
        Files.createDirectories(file.getParent());
        Files.deleteIfExists(file);
        Files.write(file, content);
        if (Files.getFileStore(file).supportsFileAttributeView("posix")) {
            Files.setPosixFilePermissions(file, permissions(Objects.requireNonNullElse(mode, DEFAULT_MODE)));
        }
    }

    /** The low nine bits; the owner may always read, since local mode itself is the owner. */
    private static Set<PosixFilePermission> permissions(int mode) {
        EnumSet<PosixFilePermission> set = EnumSet.of(PosixFilePermission.OWNER_READ);
        PosixFilePermission[] all = PosixFilePermission.values();
        for (int bit = 0; bit < all.length; bit++) {
            if ((mode & 0400 >> bit) != 0) {
                set.add(all[bit]);
            }
        }
        return set;
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
                target = inside(target, mount.getSubPath());
                if (!Files.exists(target)) {
                    Files.createDirectories(target);
                }
            }
            Files.createDirectories(place.getParent());
            link(place, target);
        }
        return root;
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
