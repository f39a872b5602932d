package dev.weir.apiserver.cel;

import dev.cel.common.CelFunctionDecl;
import dev.cel.common.CelOverloadDecl;
import dev.cel.common.types.CelType;
import dev.cel.runtime.CelFunctionBinding;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Functions with their overloads, as they are collected for a compiler and a runtime.
 *
 * <p>The bodies handed in must be stateless; the runtime shares them among threads.
 */
@SuppressWarnings(
        "Immutable") // the runtime's interfaces ask for an annotation that bodies given as lambdas cannot have
final class Library {
    private final Map<String, List<CelOverloadDecl>> overloads = new LinkedHashMap<>();
    private final List<CelFunctionBinding> bindings = new ArrayList<>();
    private int next;

    /** A function of one argument. */
    interface Unary<T> {
        Object apply(T argument);
    }

    /** A function of two arguments. */
    interface Binary<T, U> {
        Object apply(T first, U second);
    }

    private String id(String name) {
        return "kubernetes_" + name.replace('.', '_') + "_" + next++;
    }

    private void declare(String name, CelOverloadDecl overload) {
        overloads.computeIfAbsent(name, _ -> new ArrayList<>()).add(overload);
    }

    /** {@code name(argument)}. */
    <T> void function(String name, CelType result, CelType argument, Class<T> type, Unary<T> body) {
        String id = id(name);
        declare(name, CelOverloadDecl.newGlobalOverload(id, result, argument));
        bindings.add(CelFunctionBinding.from(id, type, body::apply));
    }

    /** {@code name()}. */
    void constant(String name, CelType result, Object value) {
        String id = id(name);
        declare(name, CelOverloadDecl.newGlobalOverload(id, result));
        bindings.add(CelFunctionBinding.from(id, List.of(), _ -> value));
    }

    /** {@code target.name()}. */
    <T> void method(String name, CelType result, CelType target, Class<T> type, Unary<T> body) {
        String id = id(name);
        declare(name, CelOverloadDecl.newMemberOverload(id, result, target));
        bindings.add(CelFunctionBinding.from(id, type, body::apply));
    }

    /** {@code target.name(argument)}. */
    <T, U> void method(String name, CelType result, Shape<T> target, Shape<U> argument, Binary<T, U> body) {
        String id = id(name);
        declare(name, CelOverloadDecl.newMemberOverload(id, result, target.type(), argument.type()));
        bindings.add(CelFunctionBinding.from(id, target.java(), argument.java(), body::apply));
    }

    /** {@code target.name(first, second)}. */
    <T> void method(String name, CelType result, Shape<T> target, Shape<?> first, Shape<?> second, Spread<T> body) {
        String id = id(name);
        declare(name, CelOverloadDecl.newMemberOverload(id, result, target.type(), first.type(), second.type()));
        bindings.add(CelFunctionBinding.from(
                id,
                List.of(target.java(), first.java(), second.java()),
                arguments -> body.apply(target.java().cast(arguments[0]), arguments[1], arguments[2])));
    }

    /** A function of a target and two arguments. */
    interface Spread<T> {
        Object apply(T target, Object first, Object second);
    }

    /** A type as the compiler and as the runtime knows it. */
    record Shape<T>(CelType type, Class<T> java) {}

    List<CelFunctionDecl> declarations() {
        return overloads.entrySet().stream()
                .map(entry -> CelFunctionDecl.newFunctionDeclaration(entry.getKey(), entry.getValue()))
                .toList();
    }

    List<CelFunctionBinding> bindings() {
        return List.copyOf(bindings);
    }
}
