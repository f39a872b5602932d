package dev.weir.cli;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** Prints the steps of a demo with their checks, and a table of all of them at the end. */
final class DemoSteps {
    private static final long POLL_MILLIS = 50;

    private final PrintStream out;
    private final List<Row> rows = new ArrayList<>();
    private String promised = "";

    private int number;

    private record Row(int step, String promised, String observed, boolean held) {}

    DemoSteps(PrintStream out) {
        this.out = out;
    }

    /** Announces a step: what a user would type, and what it promises. */
    void step(String command, String promise) {
        number++;
        promised = promise;
        out.println("\n" + number + "  $ " + command);
    }

    /** Says what the next checks of this step are about. */
    void promise(String promise) {
        promised = promise;
    }

    void check(boolean held, String observed) {
        rows.add(new Row(number, promised, observed, held));
        out.println("  " + (held ? "ok      " : "FAILED  ") + observed);
    }

    /** Waits for a condition; the check fails if it does not come true in time. */
    void await(int seconds, BooleanSupplier condition, String observed) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
        long told = System.nanoTime();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > end) {
                check(false, "not within " + seconds + " s: " + observed);
                return;
            }
            if (System.nanoTime() - told > TimeUnit.SECONDS.toNanos(1)) {
                told = System.nanoTime();
                out.println("  waiting until " + observed);
            }
            try {
                TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
            } catch (InterruptedException stopped) {
                Thread.currentThread().interrupt();
                check(false, "interrupted");
                return;
            }
        }
        check(true, observed);
    }

    /** Prints the table; true if every check held. */
    boolean summary() {
        out.printf("%n%-4s  %4s  %-46s  %s%n", "", "step", "promised", "observed");
        for (Row row : rows) {
            out.printf(
                    "%-4s  %4d  %-46s  %s%n", row.held() ? "ok" : "FAIL", row.step(), row.promised(), row.observed());
        }
        boolean held = rows.stream().allMatch(Row::held);
        out.println(held ? "\nevery check held" : "\nsome checks did not hold");
        return held;
    }
}
