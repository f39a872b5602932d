package dev.weir.apiserver.difference;

import com.fasterxml.jackson.databind.JsonNode;
import dev.weir.apiserver.RawClient;
import dev.weir.apiserver.difference.Sequence.Answer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

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
    public record Compared(
            long seed, String where, String group, boolean code, List<String> differences, JsonNode request) {}

    /**
     * What came of a sequence.
     *
     * @param steps those whose answers were compared
     * @param known the known differences that were met
     */
    public record Outcome(List<Compared> steps, List<Excused> known) {}

    /** A step that differs for a reason that is known, of which {@code id} is the name. */
    public record Excused(String id, Compared step, String line) {}

    /** @param recorded a sequence with answers, as JSON; every difference counts */
    public static Outcome of(RawClient client, JsonNode recorded) throws IOException, InterruptedException {
        return of(client, recorded, false);
    }

    /** @param excuses true if known differences are none */
    static Outcome of(RawClient client, JsonNode recorded, boolean excuses) throws IOException, InterruptedException {
        Sequence sequence = Sequence.read(recorded);
        List<Answer> got = new Executor(client, null).run(sequence);
        List<Compared> compared = new ArrayList<>();
        List<Excused> explained = new ArrayList<>();
        for (int i = 0; i < got.size(); i++) {
            Step step = sequence.steps().get(i);
            if (step.method().equals(Step.SETTLE)) {
                continue;
            }
            Compared one = compare(sequence, i, sequence.answers().get(i), got.get(i));
            Optional<Known> known =
                    one.differences().isEmpty() || !excuses ? Optional.empty() : Known.of(step, one.differences());
            known.ifPresent(reason -> explained.add(new Excused(
                    reason.id(), one, reason.lineOf(one.differences()).orElse(""))));
            if (known.isEmpty()) {
                compared.add(one);
            } else if (known.get().ends()) {
                break;
            }
        }
        return new Outcome(compared, explained);
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
        return new Compared(sequence.seed(), where, group.strip(), code, differences, step.write());
    }
}
