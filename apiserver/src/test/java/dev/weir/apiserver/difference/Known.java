package dev.weir.apiserver.difference;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * A difference that is known and has a reason; docs/apiserver.md lists them all.
 *
 * @param id names it in reports and in the documentation
 * @param request matches the request's title: method, path and content type
 * @param line matches one of the lines that say what differs
 * @param words true if it is about words only, and thus not met where the status codes differ
 * @param ends true if the servers' states part company here, so that the rest of the sequence says nothing
 */
record Known(String id, Pattern request, Pattern line, boolean words, boolean ends) {
    private static final List<Known> ALL = KindModel.documents("known.yaml")
            .getFirst()
            .valueStream()
            .map(Known::read)
            .toList();

    private static Known read(JsonNode json) {
        return new Known(
                json.path("id").asText(),
                Pattern.compile(json.path("request").asText(""), Pattern.DOTALL),
                Pattern.compile(json.path("line").asText(""), Pattern.DOTALL),
                json.path("words").asBoolean(),
                json.path("ends").asBoolean());
    }

    /** The first one that a differing step is an instance of. */
    static Optional<Known> of(Step step, List<String> differences) {
        String title = step.title();
        return ALL.stream()
                .filter(known -> known.request().matcher(title).find())
                .filter(known -> known.lineOf(differences).isPresent())
                .findFirst();
    }

    /** The line that shows it. */
    Optional<String> lineOf(List<String> differences) {
        if (words && differences.stream().anyMatch(one -> one.startsWith("code: "))) {
            return Optional.empty();
        }
        return differences.stream().filter(one -> line.matcher(one).find()).findFirst();
    }
}
