package dev.weir.apiserver.difference;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.RawClient;
import dev.weir.apiserver.difference.Sequence.Answer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Carries out a sequence at a server. Users' tokens are their names, the administrator's is {@link #ADMIN}.
 *
 * @param settling for a server that answers from caches; null for this project's own, which answers from its store
 */
record Executor(RawClient client, @Nullable Settling settling) {
    static final String ADMIN = "t";
    private static final Pattern REFERENCE = Pattern.compile("\\$\\{(start|step:(\\d+):([^}]*))}");

    /** Runs all steps, watches that follow each other side by side. */
    List<Answer> run(Sequence sequence) throws IOException, InterruptedException {
        for (Step step : sequence.setup()) {
            send(step, List.of(), "");
        }
        String start = client.send("GET", "/api/v1/namespaces/" + sequence.namespace() + "/configmaps", null, "", "")
                .body()
                .path("metadata")
                .path("resourceVersion")
                .asText();
        List<Answer> seen = new ArrayList<>();
        List<Step> steps = sequence.steps();
        for (int i = 0; i < steps.size(); ) {
            int end = i;
            while (end < steps.size() && steps.get(end).method().equals(Step.WATCH)) {
                end++;
            }
            if (end > i) {
                seen.addAll(watch(steps.subList(i, end), seen, start));
                i = end;
            } else {
                seen.add(send(steps.get(i), seen, start));
                i++;
            }
        }
        return seen;
    }

    private List<Answer> watch(List<Step> steps, List<Answer> seen, String start)
            throws IOException, InterruptedException {
        List<Answer> before = List.copyOf(seen);
        List<Answer> answers = new ArrayList<>();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Answer>> running = new ArrayList<>();
            for (Step step : steps) {
                running.add(threads.submit(() -> send(step, before, start)));
            }
            for (Future<Answer> one : running) {
                answers.add(one.get());
            }
        } catch (ExecutionException failed) {
            throw new IOException(failed.getCause());
        }
        return answers;
    }

    private Answer send(Step step, List<Answer> seen, String start) throws IOException, InterruptedException {
        if (step.method().equals(Step.SETTLE)) {
            if (settling != null) {
                settling.await(step.path());
            }
            return new Answer(0, MissingNode.getInstance(), List.of());
        }
        if (failed(step.body(), seen)) {
            // there is nothing to write back: look again
            return send(Step.of("GET", step.path()).as(step.as()), seen, start);
        }
        RawClient user = step.as().isEmpty() ? client : client.as(step.as());
        String path = resolve(step.path(), seen, start);
        RawClient.Answer answer = step.method().equals(Step.WATCH)
                ? user.watch(path, step.accept())
                : user.send(step.method(), path, resolve(step.body(), seen, start), step.contentType(), step.accept());
        return new Answer(answer.code(), answer.body(), answer.warnings());
    }

    private static boolean failed(@Nullable JsonNode body, List<Answer> seen) {
        return body != null
                && body.has("$step")
                && seen.get(body.path("$step").asInt()).code() != 200;
    }

    private static String resolve(String text, List<Answer> seen, String start) {
        return REFERENCE
                .matcher(text)
                .replaceAll(match -> Matcher.quoteReplacement(
                        match.group(1).equals("start")
                                ? start
                                : text(
                                        seen.get(Integer.parseInt(match.group(2)))
                                                .body(),
                                        match.group(3))));
    }

    private static String text(JsonNode body, String pointer) {
        JsonNode value = body.at(pointer);
        return value.isMissingNode() ? "missing" : value.asText();
    }

    private static @Nullable JsonNode resolve(@Nullable JsonNode body, List<Answer> seen, String start)
            throws IOException {
        if (body == null || body.isTextual()) {
            return body;
        }
        if (body.has("$step")) {
            JsonNode earlier = seen.get(body.path("$step").asInt()).body().deepCopy();
            return merge(earlier, resolved(body.path("$overlay"), seen, start));
        }
        return resolved(body, seen, start);
    }

    // references stand inside JSON strings, and what they stand for needs no escaping
    private static JsonNode resolved(JsonNode body, List<Answer> seen, String start) throws IOException {
        String text = Step.JSON.writeValueAsString(body);
        return text.contains("${") ? Step.JSON.readTree(resolve(text, seen, start)) : body;
    }

    /** A merge patch, RFC 7386. */
    static JsonNode merge(JsonNode target, JsonNode patch) {
        if (!(patch instanceof ObjectNode changes)) {
            return patch;
        }
        ObjectNode merged = target instanceof ObjectNode object ? object.deepCopy() : Step.JSON.createObjectNode();
        changes.properties().forEach(entry -> {
            if (entry.getValue().isNull()) {
                merged.remove(entry.getKey());
            } else {
                JsonNode before = merged.has(entry.getKey()) ? merged.get(entry.getKey()) : MissingNode.getInstance();
                merged.set(entry.getKey(), merge(before, entry.getValue()));
            }
        });
        return merged;
    }

    /** The events of a watch that both servers owe: bookmarks come when a server likes, but for the first one. */
    static JsonNode owed(JsonNode events) {
        if (!events.isArray()) {
            return events;
        }
        ArrayNode owed = Step.JSON.createArrayNode();
        for (JsonNode event : events) {
            boolean bookmark = event.path("type").asText().equals("BOOKMARK");
            if (!bookmark || event.path("object").path("metadata").has("annotations")) {
                owed.add(event);
            }
        }
        return owed;
    }
}
