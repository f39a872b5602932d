package dev.weir.apiserver.cel;

import com.fasterxml.jackson.databind.JsonNode;
import dev.cel.common.CelOptions;
import dev.cel.common.CelValidationException;
import dev.cel.common.types.SimpleType;
import dev.cel.compiler.CelCompiler;
import dev.cel.compiler.CelCompilerFactory;
import dev.cel.extensions.CelExtensions;
import dev.cel.extensions.CelOptionalLibrary;
import dev.cel.parser.CelStandardMacro;
import dev.cel.runtime.CelEvaluationException;
import dev.cel.runtime.CelRuntime;
import dev.cel.runtime.CelRuntimeFactory;
import dev.weir.apiserver.schema.Schema;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Evaluates {@code x-kubernetes-validations} expressions, with Kubernetes' own function libraries. Programs are compiled
 * on first use and kept. Safe for concurrent use.
 *
 * <p>Names of fields are checked when a rule is evaluated, not when it is compiled.
 */
public final class Rules {
    private static final CelOptions OPTIONS = CelOptions.current()
            .enableHeterogeneousNumericComparisons(true)
            .comprehensionMaxIterations(100_000)
            .build();

    private static final Pattern MISSING_KEY = Pattern.compile("key '([^']*)' is not present in map");

    private final Map<String, Compiled> programs = new ConcurrentHashMap<>();

    private static final class Holder {
        static final Library KUBERNETES = KubernetesLibrary.create();
        static final CelCompiler COMPILER = CelCompilerFactory.standardCelCompilerBuilder()
                .setOptions(OPTIONS)
                .setStandardMacros(CelStandardMacro.STANDARD_MACROS)
                .addLibraries(
                        CelExtensions.strings(),
                        CelExtensions.sets(OPTIONS),
                        CelExtensions.bindings(),
                        CelOptionalLibrary.INSTANCE)
                .addFunctionDeclarations(KUBERNETES.declarations())
                .addVar("self", SimpleType.DYN)
                .addVar("oldSelf", SimpleType.DYN)
                .build();
        static final CelRuntime RUNTIME = CelRuntimeFactory.standardCelRuntimeBuilder()
                .setOptions(OPTIONS)
                .addLibraries(CelExtensions.strings(), CelExtensions.sets(OPTIONS), CelOptionalLibrary.INSTANCE)
                .addFunctionBindings(KUBERNETES.bindings())
                .build();
    }

    /** A program, or why there is none. */
    private record Compiled(CelRuntime.@Nullable Program program, String problem) {}

    /** What came of an evaluation. */
    public sealed interface Outcome {
        record Value(Object value) implements Outcome {}

        record Failed(String message) implements Outcome {}
    }

    /** What a rule is about. {@code old} is null on create and where nothing corresponds to the new value. */
    public record Subject(
            Schema schema, JsonNode self, @Nullable JsonNode old, boolean optionalOld) {}

    /** Why the expression is none; empty if it can be evaluated. */
    public Optional<String> problem(String expression) {
        String problem = programs.computeIfAbsent(expression, Rules::compile).problem();
        return problem.isEmpty() ? Optional.empty() : Optional.of(problem);
    }

    public Outcome evaluate(String expression, Subject subject) {
        Compiled compiled = programs.computeIfAbsent(expression, Rules::compile);
        CelRuntime.Program program = compiled.program();
        if (program == null) {
            return new Outcome.Failed(compiled.problem());
        }
        Map<String, Object> variables = new LinkedHashMap<>();
        variables.put("self", Values.of(subject.schema(), subject.self()));
        JsonNode old = subject.old();
        if (subject.optionalOld()) {
            variables.put("oldSelf", Optional.ofNullable(old).map(before -> Values.of(subject.schema(), before)));
        } else if (old != null) {
            variables.put("oldSelf", Values.of(subject.schema(), old));
        }
        try {
            return new Outcome.Value(program.eval(variables));
        } catch (CelEvaluationException failure) {
            return new Outcome.Failed(reason(failure));
        }
    }

    /** The words of the innermost cause; the outer ones name places in the expression. */
    private static String reason(CelEvaluationException failure) {
        Throwable cause = failure;
        while (cause.getCause() != null && cause.getCause().getMessage() != null) {
            cause = cause.getCause();
        }
        String message = String.valueOf(cause.getMessage());
        Matcher missing = MISSING_KEY.matcher(message);
        if (missing.find()) {
            return "no such key: " + missing.group(1);
        }
        String prefix = "evaluation error at <input>:";
        return message.startsWith(prefix) ? message.substring(message.indexOf(": ", prefix.length()) + 2) : message;
    }

    private static Compiled compile(String expression) {
        try {
            return new Compiled(
                    Holder.RUNTIME.createProgram(
                            Holder.COMPILER.compile(expression).getAst()),
                    "");
        } catch (CelValidationException | CelEvaluationException malformed) {
            return new Compiled(null, "compilation failed: " + malformed.getMessage());
        }
    }
}
