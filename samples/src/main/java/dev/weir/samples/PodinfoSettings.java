package dev.weir.samples;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;

/**
 * How a podinfo is to run, from its flags ({@code -name value}, {@code --name=value}) and the variables {@code
 * PODINFO_NAME}; a flag comes before its variable. Flags of podinfo that mean nothing here are accepted.
 *
 * @param metricsPort where metrics are served beside the main port
 * @param delay added at random to each answer
 */
record PodinfoSettings(
        int port,
        OptionalInt metricsPort,
        String color,
        String logo,
        String message,
        RandomDelay delay,
        boolean randomError,
        boolean unhealthy,
        boolean unready) {
    /** From {@code least} to {@code most} milliseconds, {@code most} excluded; 0 and 0 for none. */
    record RandomDelay(long least, long most) {}

    private static final int PORT = 9898;
    private static final Set<String> SWITCHES =
            Set.of("random-delay", "random-error", "unhealthy", "unready", "debug", "h2c", "h", "help", "version");

    /** @throws IllegalArgumentException naming the flag and what it may be */
    static PodinfoSettings of(List<String> arguments, Map<String, String> variables) {
        Map<String, String> flags = flags(arguments);
        Source given = (name, standard) -> flags.getOrDefault(
                name, variables.getOrDefault("PODINFO_" + name.replace('-', '_').toUpperCase(Locale.ROOT), standard));
        int metrics = given.number("port-metrics", 0);
        boolean delayed = given.on("random-delay");
        long unit = switch (given.text("random-delay-unit", "s")) {
            case "s" -> 1000;
            case "ms" -> 1;
            default -> throw new IllegalArgumentException("random-delay-unit: must be s or ms");
        };
        return new PodinfoSettings(
                given.number("port", PORT),
                metrics == 0 ? OptionalInt.empty() : OptionalInt.of(metrics),
                given.text("ui-color", "#34577c"),
                given.text(
                        "ui-logo", "https://raw.githubusercontent.com/stefanprodan/podinfo/gh-pages/cuddle_clap.gif"),
                given.text("ui-message", ""),
                delayed
                        ? new RandomDelay(
                                given.number("random-delay-min", 0) * unit, given.number("random-delay-max", 5) * unit)
                        : new RandomDelay(0, 0),
                given.on("random-error"),
                given.on("unhealthy"),
                given.on("unready"));
    }

    private interface Source {
        String text(String name, String standard);

        default boolean on(String name) {
            return switch (text(name, "false")) {
                case "true", "1", "t", "T", "TRUE", "True" -> true;
                case "false", "0", "f", "F", "FALSE", "False", "" -> false;
                default -> throw new IllegalArgumentException(name + ": must be true or false");
            };
        }

        default int number(String name, int standard) {
            String text = text(name, Integer.toString(standard));
            try {
                return Integer.parseUnsignedInt(text);
            } catch (NumberFormatException malformed) {
                throw new IllegalArgumentException(name + "=" + text + ": must be a whole number", malformed);
            }
        }
    }

    private static Map<String, String> flags(List<String> arguments) {
        Map<String, String> flags = new HashMap<>();
        for (int i = 0; i < arguments.size(); i++) {
            String word = arguments.get(i);
            if (!word.startsWith("-")) {
                continue;
            }
            String[] parts = word.replaceFirst("^--?", "").split("=", 2);
            if (parts.length == 2) {
                flags.put(parts[0], parts[1]);
            } else if (!SWITCHES.contains(parts[0])
                    && i + 1 < arguments.size()
                    && !arguments.get(i + 1).startsWith("-")) {
                flags.put(parts[0], arguments.get(++i));
            } else {
                flags.put(parts[0], "true");
            }
        }
        return flags;
    }
}
