package dev.weir.local;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Commands that an image would have brought along, where the host's alone would not do. */
final class StandIns {
    /** The host's does not look at http_proxy, without which a pod reaches no service. */
    private static final String HEY = """
            #!/bin/sh
            here=${0%/*}
            IFS=:
            for folder in $PATH; do
              if [ "$folder" != "$here" ] && [ -x "$folder/hey" ]; then
                unset IFS
                for word; do
                  if [ "$word" = -x ]; then exec "$folder/hey" "$@"; fi
                done
                exec "$folder/hey" ${http_proxy:+-x "$http_proxy"} "$@"
              fi
            done
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
