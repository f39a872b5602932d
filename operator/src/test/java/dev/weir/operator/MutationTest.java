package dev.weir.operator;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Proves that the simulation bites: each mistake in {@code mutations.txt}, made in the engine's source, is caught.
 *
 * <p>A mutation is a paragraph: what it breaks, the class, the text as it is (once in the file) and as it becomes.
 */
class MutationTest {
    private static final Path ENGINE = Path.of("..", "engine", "src", "main", "java", "dev", "weir", "engine");
    private static final Path MUTATIONS = Path.of("src", "test", "resources", "mutations.txt");
    private static final int MOST_RUNS = 300;
    private static final int CLEAN_RUNS = 100;
    private static final long FIRST_SEED = 1;

    @TempDir
    private Path folder;

    /** One mistake. */
    record Mutation(String what, String type, String before, String after) {
        @Override
        public String toString() {
            return what;
        }
    }

    static List<Mutation> mutations() throws IOException {
        List<Mutation> mutations = new ArrayList<>();
        for (String paragraph : Files.readString(MUTATIONS).strip().split("\n\n+")) {
            List<String> lines = paragraph
                    .lines()
                    .filter(line -> !line.startsWith("#"))
                    .map(line -> line.substring(Math.min(2, line.length())))
                    .toList();
            if (!lines.isEmpty()) {
                mutations.add(
                        new Mutation(lines.get(0), lines.get(1), lines.get(2), lines.size() < 4 ? "" : lines.get(3)));
            }
        }
        assertThat(mutations).hasSizeGreaterThanOrEqualTo(20);
        return mutations;
    }

    @ParameterizedTest
    @MethodSource("mutations")
    void isCaught(Mutation mutation) throws Exception {
        String source = Files.readString(ENGINE.resolve(mutation.type() + ".java"));
        assertThat(source.split(java.util.regex.Pattern.quote(mutation.before()), -1))
                .as("%s stands once in %s", mutation.before(), mutation.type())
                .hasSize(2);
        compile(mutation.type(), source.replace(mutation.before(), mutation.after()));
        assertThat(caught(MOST_RUNS)).as("caught in %d runs", MOST_RUNS).isTrue();
    }

    @Test
    void withoutAMistakeNothingIsCaught() throws Exception {
        compile("ReleaseDecider", Files.readString(ENGINE.resolve("ReleaseDecider.java")));
        assertThat(caught(CLEAN_RUNS)).isFalse();
    }

    /** True if an invariant fails in one of the runs. */
    private boolean caught(int runs) throws ReflectiveOperationException {
        ClassLoader loader = new Mutated(folder);
        Method run = loader.loadClass(Simulation.class.getName()).getDeclaredMethod("run", long.class);
        run.setAccessible(true);
        // routers are looked up there
        Thread thread = Thread.currentThread();
        ClassLoader usual = thread.getContextClassLoader();
        thread.setContextClassLoader(loader);
        try {
            for (long seed = FIRST_SEED; seed < FIRST_SEED + runs; seed++) {
                run.invoke(null, seed);
            }
            return false;
        } catch (InvocationTargetException failure) {
            if (failure.getCause() instanceof AssertionError
                    || failure.getCause() instanceof IllegalArgumentException) {
                return true;
            }
            throw failure;
        } finally {
            thread.setContextClassLoader(usual);
        }
    }

    private void compile(String type, String source) throws IOException {
        Path file = folder.resolve(type + ".java");
        Files.writeString(file, source);
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        try (StandardJavaFileManager files = compiler.getStandardFileManager(null, null, null)) {
            boolean compiled = compiler.getTask(
                            null,
                            files,
                            null,
                            List.of("-cp", System.getProperty("java.class.path"), "-d", folder.toString()),
                            null,
                            files.getJavaFileObjects(file))
                    .call();
            assertThat(compiled).as("the mutation compiles").isTrue();
        }
    }

    /** Loads everything of Weir's anew, so that it links to the mutated class. */
    private static final class Mutated extends ClassLoader {
        private final Path folder;
        private final Map<String, Class<?>> defined = new HashMap<>();

        Mutated(Path folder) {
            super(MutationTest.class.getClassLoader());
            this.folder = folder;
        }

        @Override
        protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            if (!name.startsWith("dev.weir.")) {
                return super.loadClass(name, resolve);
            }
            Class<?> known = defined.get(name);
            if (known != null) {
                return known;
            }
            byte[] bytes = bytes(name.replace('.', '/') + ".class");
            if (bytes == null) {
                throw new ClassNotFoundException(name);
            }
            Class<?> type = defineClass(name, bytes, 0, bytes.length);
            defined.put(name, type);
            return type;
        }

        private byte @Nullable [] bytes(String file) {
            try (InputStream original = getParent().getResourceAsStream(file)) {
                Path mutated = folder.resolve(file);
                if (Files.exists(mutated)) {
                    return Files.readAllBytes(mutated);
                }
                return original == null ? null : original.readAllBytes();
            } catch (IOException failure) {
                throw new java.io.UncheckedIOException(failure);
            }
        }
    }
}
