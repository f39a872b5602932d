package dev.weir.e2e.stack;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** Whole folders. */
final class Folders {
    private Folders() {}

    /** Removes it with all that is in it; nothing happens if it is not there. Links are not followed. */
    static void delete(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    /** Copies its files, so that the copy is whole or not there. */
    static void copy(Path from, Path to) throws IOException {
        Files.createDirectories(to.getParent());
        Path part = Files.createTempDirectory(to.getParent(), ".part");
        List<Path> files;
        try (Stream<Path> walk = Files.walk(from)) {
            files = walk.filter(Files::isRegularFile).toList();
        }
        for (Path file : files) {
            Path copy = part.resolve(from.relativize(file).toString());
            Files.createDirectories(copy.getParent());
            // module caches are read-only, the copy need not be
            Files.write(copy, Files.readAllBytes(file));
        }
        Files.move(part, to, StandardCopyOption.ATOMIC_MOVE);
    }
}
