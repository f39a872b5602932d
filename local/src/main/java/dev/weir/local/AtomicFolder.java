package dev.weir.local;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermission;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Stream;

/**
 * A folder whose files change all at once, laid out as the kubelet's volumes are: the files are in a folder with a time as
 * its name, {@code ..data} is a link to it that is replaced in one step, and what readers open are links through that.
 */
final class AtomicFolder {
    /** The link that is replaced. */
    static final String DATA = "..data";

    private static final DateTimeFormatter STAMP = DateTimeFormatter.ofPattern("'..'yyyy_MM_dd_HH_mm_ss.", Locale.ROOT);
    private static final int OWNER_READ = 0400;

    private AtomicFolder() {}

    /** A file's bytes; of the mode, the low nine bits count, and the owner may always read. */
    record Content(byte[] bytes, int mode) {
        private Set<PosixFilePermission> permissions() {
            EnumSet<PosixFilePermission> set = EnumSet.noneOf(PosixFilePermission.class);
            PosixFilePermission[] all = PosixFilePermission.values();
            for (int bit = 0; bit < all.length; bit++) {
                if (((mode | OWNER_READ) & OWNER_READ >> bit) != 0) {
                    set.add(all[bit]);
                }
            }
            return set;
        }
    }

    /**
     * Makes these the folder's files.
     *
     * @param files by path below the folder
     * @return whether anything changed
     * @throws Misconfigured if a path leads elsewhere
     */
    static boolean write(Path folder, Map<String, Content> files) throws IOException, Misconfigured {
        Files.createDirectories(folder);
        Path data = folder.resolve(DATA);
        if (Files.exists(data) && same(data, files)) {
            return false;
        }
        Path next = Files.createDirectory(folder.resolve(STAMP.format(ZonedDateTime.now(ZoneOffset.UTC))
                + ThreadLocalRandom.current().nextInt(1_000_000_000)));
        Set<String> tops = new HashSet<>();
        for (Map.Entry<String, Content> file : files.entrySet()) {
            Path at = next.resolve(file.getKey()).normalize();
            if (!at.startsWith(next) || at.equals(next) || file.getKey().startsWith("..")) {
                PodVolumes.deleteTree(next);
                throw new Misconfigured("file name '" + file.getKey() + "' is not allowed");
            }
            Files.createDirectories(at.getParent());
            Files.write(at, file.getValue().bytes());
            if (Files.getFileStore(at).supportsFileAttributeView("posix")) {
                Files.setPosixFilePermissions(at, file.getValue().permissions());
            }
            tops.add(next.relativize(at).getName(0).toString());
        }
        Path before = Files.exists(data) ? data.toRealPath() : null;
        Path link = folder.resolve(DATA + "_tmp");
        Files.deleteIfExists(link);
        Files.createSymbolicLink(link, next.getFileName());
        Files.move(link, data, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        link(folder, tops);
        if (before != null) {
            PodVolumes.deleteTree(before);
        }
        return true;
    }

    /** Makes the links that readers open, and removes those that lead nowhere now. */
    private static void link(Path folder, Set<String> tops) throws IOException {
        for (String top : tops) {
            Path place = folder.resolve(top);
            if (!Files.exists(place, LinkOption.NOFOLLOW_LINKS)) {
                Files.createSymbolicLink(place, Path.of(DATA, top));
            }
        }
        try (Stream<Path> all = Files.list(folder)) {
            for (Path place : all.toList()) {
                String name = place.getFileName().toString();
                if (!name.startsWith("..") && !tops.contains(name)) {
                    Files.delete(place);
                }
            }
        }
    }

    private static boolean same(Path data, Map<String, Content> files) throws IOException {
        Path real = data.toRealPath();
        List<Path> present;
        try (Stream<Path> all = Files.walk(real)) {
            present = all.filter(Files::isRegularFile).toList();
        }
        if (present.size() != files.size()) {
            return false;
        }
        for (Path file : present) {
            Content content = files.get(real.relativize(file).toString());
            if (content == null || !Arrays.equals(content.bytes(), Files.readAllBytes(file))) {
                return false;
            }
        }
        return true;
    }
}
