package dev.weir.e2e.stack;

import java.nio.file.Path;

/**
 * A program that is there to be run.
 *
 * @param folder where it is kept with what came with it
 * @param origin where it came from, for people
 */
record Program(String version, Path folder, String executable, String origin) {
    Path path() {
        return folder.resolve(executable);
    }
}
