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
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Evaluates {@code x-kubernetes-validations} expressions. Programs are compiled on first use and kept.
 *
 * <p>Values are dynamically typed. An expression that uses a function of Kubernetes' own CEL libraries that is not here
 * cannot be compiled: it is logged once and then holds, as a rule that cannot be checked must not refuse writes.
 */
public final class Rules {
    private static final Logger LOGGER = LoggerFactory.getLogger(Rules.class);
    private static final CelOptions OPTIONS = CelOptions.current()
            .enableHeterogeneousNumericComparisons(true)
            .comprehensionMaxIterations(100_000)
            .build();

    private final Map<String, Optional<CelRuntime.Program>> programs = new ConcurrentHashMap<>();

    private static final class Holder {
        static final CelCompiler COMPILER = CelCompilerFactory.standardCelCompilerBuilder()
                .setOptions(OPTIONS)
                .setStandardMacros(CelStandardMacro.STANDARD_MACROS)
                .addLibraries(CelExtensions.strings(), CelOptionalLibrary.INSTANCE)
                .addVar("self", SimpleType.DYN)
                .addVar("oldSelf", SimpleType.DYN)
                .build();
        static final CelRuntime RUNTIME = CelRuntimeFactory.standardCelRuntimeBuilder()
                .setOptions(OPTIONS)
                .addLibraries(CelExtensions.strings(), CelOptionalLibrary.INSTANCE)
                .build();
    }

    /** What came of an evaluation. */
    public sealed interface Outcome {
        record Value(Object value) implements Outcome {}

        record Failed(String message) implements Outcome {}

        record NotCompiled() implements Outcome {}
    }

    public Outcome evaluate(String expression, JsonNode self, @Nullable JsonNode oldSelf) {
        Optional<CelRuntime.Program> program = programs.computeIfAbsent(expression, Rules::compile);
        if (program.isEmpty()) {
            return new Outcome.NotCompiled();
        }
        Map<String, Object> variables = new LinkedHashMap<>();
        variables.put("self", value(self));
        if (oldSelf != null) {
            variables.put("oldSelf", value(oldSelf));
        }
        try {
            return new Outcome.Value(program.get().eval(variables));
        } catch (CelEvaluationException failure) {
            return new Outcome.Failed(String.valueOf(failure.getMessage()));
        }
    }

    private static Optional<CelRuntime.Program> compile(String expression) {
        try {
            return Optional.of(Holder.RUNTIME.createProgram(
                    Holder.COMPILER.compile(expression).getAst()));
        } catch (CelValidationException | CelEvaluationException unsupported) {
            LOGGER.warn("validation rule is not checked: {}: {}", expression, unsupported.getMessage());
            return Optional.empty();
        }
    }

    private static Object value(JsonNode node) {
        return switch (node.getNodeType()) {
            case OBJECT -> {
                Map<String, Object> map = new LinkedHashMap<>();
                node.properties().forEach(entry -> map.put(escape(entry.getKey()), value(entry.getValue())));
                yield map;
            }
            case ARRAY -> {
                List<Object> list = new ArrayList<>();
                node.forEach(item -> list.add(value(item)));
                yield list;
            }
            case NUMBER -> node.isIntegralNumber() ? (Object) node.asLong() : (Object) node.asDouble();
            case BOOLEAN -> node.asBoolean();
            case STRING -> node.asText();
            case NULL, MISSING, BINARY, POJO -> dev.cel.common.values.NullValue.NULL_VALUE;
        };
    }

    /** Property names that are not CEL identifiers are escaped, as Kubernetes does. */
    private static String escape(String name) {
        return name.matches("[A-Za-z_][A-Za-z0-9_]*")
                ? name.equals("namespace") || name.equals("in") ? "__" + name + "__" : name
                : name;
    }
}
