import com.palantir.javaformat.java.Formatter;
import com.palantir.javaformat.java.ImportOrderer;
import com.palantir.javaformat.java.JavaFormatterOptions;
import com.palantir.javaformat.java.RemoveUnusedImports;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Formats every Java file below the working directory, or with {@code check} only says which ones would change. */
final class Format {
    private Format() {}

    public static void main(String[] args) throws Exception {
        boolean apply = List.of(args).contains("apply");
        Formatter formatter = Formatter.createFormatter(JavaFormatterOptions.builder()
                .style(JavaFormatterOptions.Style.PALANTIR)
                .formatJavadoc(false)
                .build());
        List<Path> changed;
        try (var files = Files.walk(Path.of(""))) {
            changed = files.filter(file -> file.toString().endsWith(".java"))
                    .filter(file -> !file.toString().contains("target/"))
                    .parallel()
                    .filter(file -> differs(formatter, file, apply))
                    .sorted()
                    .toList();
        }
        changed.forEach(file -> System.err.println((apply ? "formatted " : "not formatted: ") + file));
        if (!apply && !changed.isEmpty()) {
            System.err.println("run: mvn -pl build/format validate -Dformat.mode=apply");
            System.exit(1);
        }
    }

    private static boolean differs(Formatter formatter, Path file, boolean apply) {
        try {
            String before = Files.readString(file);
            String after = formatter.formatSource(ImportOrderer.reorderImports(
                    RemoveUnusedImports.removeUnusedImports(before), JavaFormatterOptions.Style.PALANTIR));
            if (before.equals(after)) {
                return false;
            }
            if (apply) {
                Files.writeString(file, after);
            }
            return true;
        } catch (Exception failure) {
            throw new IllegalStateException(file + ": " + failure.getMessage(), failure);
        }
    }
}
