package dev.weir.apiserver.store;

import java.io.IOException;
import java.nio.file.Path;

/** Thrown when what was kept cannot be trusted. Nothing is changed then; the message names the file and what can be done. */
public final class StoreDamagedException extends IOException {
    private static final long serialVersionUID = 1L;

    StoreDamagedException(Path file, long position, String problem) {
        super(file + " is damaged at byte " + position + ": " + problem
                + ". Put back a copy of the folder, or delete the folder to begin anew");
    }

    StoreDamagedException(Path folder, String problem) {
        super(folder + ": " + problem + ". Put back a copy of the folder, or delete the folder to begin anew");
    }
}
