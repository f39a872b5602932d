package dev.weir.apiserver.difference;

import com.fasterxml.jackson.databind.JsonNode;
import dev.weir.apiserver.RawClient;
import dev.weir.apiserver.difference.Sequence.Answer;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Does again what was recorded at another server and says where the answers differ. */
public final class Replay {
    private Replay() {}

    /**
     * One compared step.
     *
     * @param group what kind of request it is
     * @param code whether the status codes agree
     * @param differences empty if the answers agree; else a line for each place
     */
    public record Compared(int number, String where, String group, boolean code, List<String> differences) {}

    /** All compared steps of a sequence, and what was answered. */
    public record Outcome(List<Compared> steps, List<JsonNode> answers) {
        boolean agrees() {
            return steps.stream().allMatch(step -> step.differences().isEmpty());
        }
    }

    /** @param recorded a sequence with answers, as JSON */
    public static Outcome of(RawClient client, JsonNode recorded) throws IOException, InterruptedException {
        Sequence sequence = Sequence.read(recorded);
        List<Answer> got = new Executor(client, Duration.ZERO).run(sequence);
        List<Compared> compared = new ArrayList<>();
        for (int i = 0; i < got.size(); i++) {
            Step step = sequence.steps().get(i);
            if (!step.method().equals(Step.SETTLE)) {
                compared.add(compare(sequence, i, sequence.answers().get(i), got.get(i)));
            }
        }
        return new Outcome(compared, got.stream().map(Answer::body).toList());
    }

    private static Compared compare(Sequence sequence, int number, Answer wanted, Answer got) {
        Step step = sequence.steps().get(number);
        boolean watch = step.method().equals(Step.WATCH);
        List<String> differences = new ArrayList<>();
        boolean code = got.code() == wanted.code();
        if (!code) {
            differences.add("code: want " + wanted.code() + " got " + got.code());
        }
        if (!wanted.warnings().equals(got.warnings())) {
            differences.add("warnings: want " + wanted.warnings() + " got " + got.warnings());
        }
        Masks.compare(
                Masks.mask(watch ? Executor.owed(wanted.body()) : wanted.body(), ""),
                Masks.mask(watch ? Executor.owed(got.body()) : got.body(), ""),
                "",
                differences);
        String plain = step.path().split("\\?", 2)[0];
        String kind = plain.replaceFirst("^.*namespaces/[^/]+/([a-z]+).*$", "$1");
        if (kind.equals(plain)) {
            kind = plain.replaceFirst("^/apis?(/[^/]+\\.[^/]+)?/[^/]+/([a-z]+).*$", "$2");
        }
        String group = step.method() + " " + kind + " " + step.contentType().replace("application/", "");
        String where = "seed " + sequence.seed() + " (" + sequence.topic() + ") step " + number + ": " + step.title();
        return new Compared(number, where, group.strip(), code, differences);
    }
}
