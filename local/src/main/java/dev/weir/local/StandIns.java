package dev.weir.local;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Commands that say what to do where the host lacks one that an image would have brought along. */
final class StandIns {
    private static final String HEY = """
            #!/bin/sh
            echo "hey: not found on this machine. Pods of local mode run the host's commands:" >&2
            echo "install hey (github.com/rakyll/hey) on your PATH, or send requests with" >&2
            echo "  while curl -s -o /dev/null -w '%{http_code}\\n' URL; do sleep 0.2; done" >&2
            exit 127
            """;

    private StandIns() {}

    /** Writes them; the folder. */
    static Path write(Path folder) throws IOException {
        Files.createDirectories(folder);
        Path hey = folder.resolve("hey");
        Files.writeString(hey, HEY);
        if (!hey.toFile().setExecutable(true)) {
            throw new IOException(hey + " cannot be made executable");
        }
        return folder;
    }
}
