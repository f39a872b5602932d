package dev.weir.cli.cluster;

import java.util.ArrayList;
import java.util.List;

/** The difference between two texts as {@code diff -u} shows it. */
final class TextDiff {
    private static final int CONTEXT = 3;

    private final List<String> old;
    private final List<String> now;
    private final List<Line> lines = new ArrayList<>();

    private record Line(char mark, String text, int oldLine, int newLine) {}

    private TextDiff(String old, String now) {
        this.old = old.lines().toList();
        this.now = now.lines().toList();
    }

    /** The hunks; empty if the texts are the same. */
    static String unified(String old, String now) {
        TextDiff diff = new TextDiff(old, now);
        diff.compare();
        return diff.hunks();
    }

    /** By the longest common subsequence; manifests are short. */
    private void compare() {
        int[][] common = new int[old.size() + 1][now.size() + 1];
        for (int i = old.size() - 1; i >= 0; i--) {
            for (int j = now.size() - 1; j >= 0; j--) {
                common[i][j] = old.get(i).equals(now.get(j))
                        ? common[i + 1][j + 1] + 1
                        : Math.max(common[i + 1][j], common[i][j + 1]);
            }
        }
        int i = 0;
        int j = 0;
        while (i < old.size() || j < now.size()) {
            if (i < old.size() && j < now.size() && old.get(i).equals(now.get(j))) {
                lines.add(new Line(' ', old.get(i), i++, j++));
            } else if (j >= now.size() || i < old.size() && common[i + 1][j] >= common[i][j + 1]) {
                lines.add(new Line('-', old.get(i), i++, j));
            } else {
                lines.add(new Line('+', now.get(j), i, j++));
            }
        }
    }

    private String hunks() {
        StringBuilder text = new StringBuilder();
        int next = 0;
        while (next < lines.size()) {
            int change = nextChange(next);
            if (change == lines.size()) {
                break;
            }
            int from = Math.max(next, change - CONTEXT);
            int to = change;
            for (int later = change; later < lines.size() && later <= to + 2 * CONTEXT; later++) {
                if (lines.get(later).mark() != ' ') {
                    to = later;
                }
            }
            next = Math.min(lines.size(), to + CONTEXT + 1);
            hunk(lines.subList(from, next), text);
        }
        return text.toString();
    }

    private int nextChange(int from) {
        int at = from;
        while (at < lines.size() && lines.get(at).mark() == ' ') {
            at++;
        }
        return at;
    }

    private static void hunk(List<Line> hunk, StringBuilder text) {
        long removed = hunk.stream().filter(line -> line.mark() != '+').count();
        long added = hunk.stream().filter(line -> line.mark() != '-').count();
        Line first = hunk.getFirst();
        text.append("@@ -")
                .append(removed == 0 ? first.oldLine() : first.oldLine() + 1)
                .append(',')
                .append(removed);
        text.append(" +")
                .append(added == 0 ? first.newLine() : first.newLine() + 1)
                .append(',')
                .append(added)
                .append(" @@\n");
        hunk.forEach(line -> text.append(line.mark()).append(line.text()).append('\n'));
    }
}
