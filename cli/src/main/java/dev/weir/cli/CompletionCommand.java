package dev.weir.cli;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedSet;
import java.util.StringJoiner;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "completion",
        description = {
            "Prints the script with which a shell completes weir's commands and options.",
            "bash: source <(weir completion bash)",
            "zsh:  source <(weir completion zsh)",
            "fish: weir completion fish | source"
        },
        mixinStandardHelpOptions = true)
final class CompletionCommand implements Callable<Integer> {
    @Spec
    private @Nullable CommandSpec spec;

    @Parameters(paramLabel = "SHELL", description = "One of: ${COMPLETION-CANDIDATES}.")
    private Shell shell = Shell.bash;

    /** What is known of. */
    enum Shell {
        bash,
        zsh,
        fish
    }

    @Override
    public Integer call() {
        CommandLine root = Objects.requireNonNull(spec).root().commandLine();
        PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
        switch (shell) {
            case bash -> out.print(AutoComplete.bash("weir", root));
            // the script knows both shells; zsh needs its bash functions first
            case zsh ->
                out.print("autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n"
                        + AutoComplete.bash("weir", root));
            case fish -> out.print(fish(root));
        }
        out.flush();
        return 0;
    }

    private static String fish(CommandLine root) {
        SortedSet<String> valued = new TreeSet<>();
        valued(root, valued);
        StringBuilder text = new StringBuilder("""
                # what has been typed of the command: its words without options and their values
                function __weir_words
                    set -l value 0
                    for word in (commandline -opc)[2..-1]
                        if test $value = 1
                            set value 0
                        else if contains -- $word %s
                            set value 1
                        else if not string match -q -- '-*' $word
                            echo $word
                        end
                    end
                end
                function __weir_at
                    set -l words (__weir_words)
                    test "$words[1..$argv[1]]" = "$argv[2..-1]"
                end
                complete -c weir -f
                """.formatted(String.join(" ", valued)));
        fish(root, List.of(), text);
        return text.toString();
    }

    /** The names of options that want a word after them. */
    private static void valued(CommandLine command, SortedSet<String> names) {
        for (OptionSpec option : command.getCommandSpec().options()) {
            if (option.arity().min() > 0) {
                names.addAll(List.of(option.names()));
            }
        }
        command.getSubcommands().values().forEach(below -> valued(below, names));
    }

    private static void fish(CommandLine command, List<String> path, StringBuilder text) {
        String here = path.isEmpty()
                ? "test (count (__weir_words)) -eq 0"
                : "__weir_at " + path.size() + " " + String.join(" ", path);
        for (Map.Entry<String, CommandLine> below : command.getSubcommands().entrySet()) {
            CommandSpec spec = below.getValue().getCommandSpec();
            if (!spec.usageMessage().hidden()) {
                text.append("complete -c weir -n ")
                        .append(quote(here))
                        .append(" -a ")
                        .append(below.getKey());
                text.append(" -d ")
                        .append(quote(first(spec.usageMessage().description())))
                        .append('\n');
                List<String> further = new ArrayList<>(path);
                further.add(below.getKey());
                fish(below.getValue(), further, text);
            }
        }
        for (OptionSpec option : command.getCommandSpec().options()) {
            if (!option.hidden()) {
                text.append("complete -c weir -n ").append(quote(here)).append(option(option));
            }
        }
        for (ArgSpec parameter : command.getCommandSpec().positionalParameters()) {
            if (parameter.completionCandidates() != null) {
                text.append("complete -c weir -n ")
                        .append(quote(here))
                        .append(" -a ")
                        .append(quote(candidates(parameter)))
                        .append('\n');
            } else if (parameter.paramLabel().contains("FILE")) {
                text.append("complete -c weir -n ").append(quote(here)).append(" -F\n");
            }
        }
    }

    private static String option(OptionSpec option) {
        StringBuilder text = new StringBuilder();
        for (String name : option.names()) {
            text.append(name.startsWith("--") ? " -l " : " -s ").append(name.replaceFirst("^--?", ""));
        }
        if (option.arity().max() > 0) {
            if (option.completionCandidates() != null) {
                text.append(" -x -a ").append(quote(candidates(option)));
            } else if (option.paramLabel().contains("FILE") || option.type().equals(java.nio.file.Path.class)) {
                text.append(" -r -F");
            } else {
                text.append(" -x");
            }
        }
        return text.append(" -d ")
                .append(quote(first(option.description())))
                .append('\n')
                .toString();
    }

    private static String candidates(ArgSpec argument) {
        StringJoiner words = new StringJoiner(" ");
        argument.completionCandidates().forEach(words::add);
        return words.toString();
    }

    private static String first(String[] description) {
        return description.length == 0
                ? ""
                : description[0].replaceAll("\\$\\{[^}]*}", "…").replaceFirst("^(%n)+", "");
    }

    private static String quote(String text) {
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'";
    }
}
