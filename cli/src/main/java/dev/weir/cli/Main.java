package dev.weir.cli;

import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** {@code weir}. */
@Command(
        name = "weir",
        description = "Progressive delivery for Kubernetes.",
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:it worked, and every check held", "1:it failed, or a check did not hold", "2:wrong usage"},
        subcommands = {
            LocalCommand.class,
            DemoCommand.class,
            BenchCommand.class,
            OperatorCommand.class,
            AutoComplete.GenerateCompletion.class,
            CommandLine.HelpCommand.class
        })
public final class Main {
    private Main() {}

    public static void main(String[] args) {
        // read once, when the first HTTP client is made: demos ask gateways for hosts that no DNS knows
        System.setProperty("jdk.httpclient.allowRestrictedHeaders", "host");
        CommandLine line = new CommandLine(new Main());
        line.setExecutionExceptionHandler((failure, command, _) -> {
            command.getErr().println("weir: " + failure.getMessage());
            return 1;
        });
        System.exit(line.execute(args));
    }

    static final class Version implements CommandLine.IVersionProvider {
        @Override
        public String[] getVersion() {
            return new String[] {"weir 0.1.0 (imitates Kubernetes 1.34)"};
        }
    }
}
