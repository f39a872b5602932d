package dev.weir.local;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The command that runs this build's operator as a process of its own. */
final class OperatorCommand {
    private OperatorCommand() {}

    static List<String> of(List<String> arguments) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx128m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-cp",
                System.getProperty("java.class.path"),
                "dev.weir.cli.Main"));
        command.addAll(arguments.isEmpty() ? List.of("operator") : arguments);
        return command;
    }
}
