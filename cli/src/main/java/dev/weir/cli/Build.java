package dev.weir.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Objects;
import java.util.Properties;

/** Which build this is. */
final class Build {
    /** Which Kubernetes local mode calls itself. */
    static final String IMITATED = "1.34";

    private Build() {}

    static String version() {
        try (InputStream in = Build.class.getResourceAsStream("/dev/weir/cli/build.properties")) {
            Properties properties = new Properties();
            properties.load(Objects.requireNonNull(in));
            return properties.getProperty("version");
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }
}
