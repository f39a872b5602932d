package dev.weir.cli;

import java.io.PrintWriter;
import java.io.StringWriter;
import picocli.CommandLine;

/** Runs commands in this process. */
final class Weir {
    private Weir() {}

    /** What a command printed, and its exit code. */
    record Result(int exitCode, String out, String err) {}

    static Result run(String... words) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine line = Main.commandLine();
        line.setOut(new PrintWriter(out));
        line.setErr(new PrintWriter(err));
        int exitCode = line.execute(words);
        return new Result(exitCode, out.toString(), err.toString());
    }
}
