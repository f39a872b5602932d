package dev.weir.apiserver.cel;

import com.fasterxml.jackson.databind.JsonNode;
import dev.cel.common.CelAbstractSyntaxTree;
import dev.cel.common.CelOptions;
import dev.cel.common.CelValidationException;
import dev.cel.common.types.CelType;
import dev.cel.common.types.OptionalType;
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
        /** Knows functions and no variables. */
        static final CelCompiler BASE = CelCompilerFactory.standardCelCompilerBuilder()
                .setOptions(OPTIONS)
                .setStandardMacros(CelStandardMacro.STANDARD_MACROS)
                .addLibraries(
                        CelExtensions.strings(),
                        CelExtensions.sets(OPTIONS),
                        CelExtensions.bindings(),
                        CelOptionalLibrary.INSTANCE)
                .addFunctionDeclarations(KUBERNETES.declarations())
                .build();

        static final CelCompiler COMPILER = BASE.toCompilerBuilder()
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

    /** What is known of an expression before there is a value for it. */
    public sealed interface Checked {
        /** @param cost an estimate of what one evaluation costs at most */
        record Sound(double cost) implements Checked {}

        record Unsound(String problem) implements Checked {}
    }

    /**
     * Compiles an expression against the types of a schema.
     *
     * @param result what it must yield
     * @param about what {@code self} is
     * @param root true if that is a whole object
     * @param optionalOld true if {@code oldSelf} is an optional value
     */
    public Checked check(String expression, Result result, Schema about, boolean root, boolean optionalOld) {
        SchemaTypes types = new SchemaTypes(about, root);
        CelCompiler compiler = Holder.BASE
                .toCompilerBuilder()
                .setTypeProvider(types)
                .addVar("self", types.self())
                .addVar("oldSelf", optionalOld ? OptionalType.create(types.self()) : types.self())
                .build();
        try {
            CelAbstractSyntaxTree checked = compiler.compile(expression).getAst();
            CelType yields = checked.getResultType();
            if (!yields.equals(result.type) && !yields.equals(SimpleType.DYN)) {
                return new Checked.Unsound(result.problem);
            }
            Holder.RUNTIME.createProgram(checked);
            return new Checked.Sound(RuleCost.of(checked.getExpr(), about));
        } catch (CelValidationException | CelEvaluationException malformed) {
            return new Checked.Unsound("compilation failed: " + malformed.getMessage());
        }
    }

    /** What an expression is for. */
    public enum Result {
        RULE(SimpleType.BOOL, "cel expression must evaluate to a bool"),
        MESSAGE(SimpleType.STRING, "must evaluate to a string");

        private final CelType type;
        private final String problem;

        Result(CelType type, String problem) {
            this.type = type;
            this.problem = problem;
        }
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
