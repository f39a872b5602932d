package dev.weir.cli;

import dev.weir.cli.cluster.DescribeCommand;
import dev.weir.cli.cluster.DiffCommand;
import dev.weir.cli.cluster.GetCommand;
import dev.weir.cli.cluster.HistoryCommand;
import dev.weir.cli.cluster.MetricsCommand;
import dev.weir.cli.cluster.Problem;
import dev.weir.cli.cluster.Target;
import dev.weir.cli.cluster.WatchCommand;
import dev.weir.cli.cluster.WhyCommand;
import dev.weir.cli.lint.LintCommand;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.UsageMessageSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/** {@code weir}, also as {@code kubectl weir}. */
@Command(
        name = "weir",
        description = "Progressive delivery for Kubernetes.",
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class,
        subcommands = {
            GetCommand.class,
            DescribeCommand.class,
            WhyCommand.class,
            WatchCommand.class,
            MetricsCommand.class,
            LintCommand.class,
            DiffCommand.class,
            HistoryCommand.class,
            LocalCommand.class,
            DemoCommand.class,
            BenchCommand.class,
            OperatorCommand.class,
            VersionCommand.class,
            CompletionCommand.class,
            CommandLine.HelpCommand.class
        })
public final class Main {
    /** Of every command that has no list of its own. */
    private static final Map<String, String> EXIT_CODES = exitCodes();

    @Mixin
    private Target target = new Target();

    private Main() {}

    public static void main(String[] args) {
        // read once, when the first HTTP client is made: demos ask gateways for hosts that no DNS knows
        System.setProperty("jdk.httpclient.allowRestrictedHeaders", "host");
        System.exit(commandLine().execute(args));
    }

    /** Without the process around it, for those who run commands and look at what they print. */
    static CommandLine commandLine() {
        Main main = new Main();
        CommandLine line = new CommandLine(main);
        line.setCommandName(System.getProperty("weir.name", "weir"));
        describeExitCodes(line);
        line.setExecutionStrategy(parsed -> {
            main.spread(parsed);
            return new CommandLine.RunLast().execute(parsed);
        });
        line.setCaseInsensitiveEnumValuesAllowed(true);
        line.setExecutionExceptionHandler((failure, command, _) -> {
            PrintWriter err = command.getErr();
            err.println("weir: " + (failure.getMessage() == null ? failure.toString() : failure.getMessage()));
            err.flush();
            return failure instanceof Problem problem ? problem.exitCode() : Problem.FAILED;
        });
        return line;
    }

    /** The options that stand before the command become the command's, if it looks at a cluster. */
    private void spread(ParseResult parsed) {
        ParseResult last = parsed;
        while (last.hasSubcommand()) {
            last = last.subcommand();
        }
        CommandSpec command = last.commandSpec();
        List<Target> targets = command.mixins().values().stream()
                .map(CommandSpec::userObject)
                .filter(Target.class::isInstance)
                .map(Target.class::cast)
                .filter(other -> other != target)
                .toList();
        targets.forEach(other -> other.after(target));
        parsed.matchedOptions().stream()
                .filter(option -> targets.isEmpty() && target(parsed.commandSpec(), option))
                .findFirst()
                .ifPresent(option -> {
                    throw new ParameterException(
                            command.commandLine(),
                            option.longestName() + ": \"" + command.qualifiedName() + "\" has no such option");
                });
    }

    private static boolean target(CommandSpec root, OptionSpec option) {
        return root.mixins().values().stream().anyMatch(mixin -> mixin.findOption(option.longestName()) != null)
                && !option.longestName().equals("--help")
                && !option.longestName().equals("--version");
    }

    private static Map<String, String> exitCodes() {
        Map<String, String> codes = new LinkedHashMap<>();
        codes.put("0", "it worked, and every check held");
        codes.put("1", "it failed, a check did not hold, or there is no such release");
        codes.put("2", "wrong usage, or input that cannot be used");
        codes.put("3", "the cluster could not be reached, or refused");
        return codes;
    }

    private static void describeExitCodes(CommandLine line) {
        UsageMessageSpec usage = line.getCommandSpec().usageMessage();
        if (usage.exitCodeList().isEmpty()) {
            usage.exitCodeListHeading("%nExit codes:%n");
            usage.exitCodeList(EXIT_CODES);
        }
        line.getSubcommands().values().forEach(Main::describeExitCodes);
    }

    static final class Version implements CommandLine.IVersionProvider {
        @Override
        public String[] getVersion() {
            return new String[] {"weir " + Build.version() + " (imitates Kubernetes " + Build.IMITATED + ")"};
        }
    }
}
