package dev.weir.cli.cluster;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/**
 * How much a terminal shows.
 *
 * @param columns 0 if that is not known
 * @param rows 0 if that is not known
 */
record Terminal(int columns, int rows) {
    private static final Terminal UNKNOWN = new Terminal(0, 0);
    private static final Pattern SIZE = Pattern.compile("(\\d{1,4}) (\\d{1,4})");
    private static final int STTY_SECONDS = 2;
    private static final int INDENT = 4;
    /** A word is parted rather than a line left emptier than this. */
    private static final int LEAST_FULL = 2;

    /** The terminal that this process reads from, as large as it is now. */
    static Terminal now() throws InterruptedException {
        try {
            Process stty = new ProcessBuilder("stty", "size")
                    .redirectInput(ProcessBuilder.Redirect.INHERIT)
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            if (!stty.waitFor(STTY_SECONDS, TimeUnit.SECONDS)) {
                stty.destroyForcibly();
                return UNKNOWN;
            }
            String said = new String(stty.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
            var size = SIZE.matcher(said.strip());
            return size.matches()
                    ? new Terminal(Integer.parseInt(size.group(2)), Integer.parseInt(size.group(1)))
                    : UNKNOWN;
        } catch (IOException noSuchProgram) {
            return UNKNOWN;
        }
    }

    /**
     * Lines that fit: what is too long goes on in the next line, below the branches of its tree; what is too much is
     * counted in the last one.
     */
    List<String> fit(List<String> lines) {
        List<String> fitting = new ArrayList<>();
        for (String line : lines) {
            fold(line, fitting);
        }
        // the cursor needs a row of its own
        int most = rows - 1;
        if (rows == 0 || fitting.size() <= most || most < 2) {
            return fitting;
        }
        List<String> shown = new ArrayList<>(fitting.subList(0, most - 1));
        shown.add("(" + (fitting.size() - shown.size()) + " more lines)");
        return shown;
    }

    private void fold(String line, List<String> to) {
        String further = branches(line) + " ".repeat(INDENT);
        int room = columns - further.length();
        if (columns == 0 || line.length() <= columns || room < INDENT) {
            to.add(line);
            return;
        }
        String rest = line;
        String before = "";
        while (before.length() + rest.length() > columns) {
            int width = columns - before.length();
            int space = rest.lastIndexOf(' ', width);
            int end = space >= width / LEAST_FULL ? space : width;
            to.add((before + rest.substring(0, end)).stripTrailing());
            rest = rest.substring(end).stripLeading();
            before = further;
        }
        if (!rest.isEmpty()) {
            to.add(before + rest);
        }
    }

    /** What stands below a line's first characters when its tree goes on. */
    private static String branches(String line) {
        int end = 0;
        while (end < line.length() && " │├└─|`-".indexOf(line.charAt(end)) >= 0) {
            end++;
        }
        return line.substring(0, end)
                .replace('├', '│')
                .replace('└', ' ')
                .replace('─', ' ')
                .replace('`', ' ')
                .replace('-', ' ');
    }
}
