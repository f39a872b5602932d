package dev.weir.apiserver.custom;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.cel.Rules;
import dev.weir.apiserver.rest.FieldError;
import dev.weir.apiserver.rest.ResourceType;
import dev.weir.apiserver.schema.Schema;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Checks objects against one version of a definition, without a server: the same code in the same order. */
public final class DefinitionCheck {
    private static final Pattern UNKNOWN = Pattern.compile("unknown field \"(.*)\"");

    private final CustomStrategy strategy;
    private final Schema schema;

    /**
     * One thing that a server would refuse, or drop.
     *
     * @param field its path; empty for the whole object
     * @param message the value and what is allowed
     */
    public record Violation(String field, String message) {}

    /** @param version an element of {@code spec.versions} of a definition */
    public DefinitionCheck(JsonNode version) {
        ResourceType any = new ResourceType(
                "", version.path("name").asText(), "", "", "", "", true, List.of(), List.of(), List.of(), Set.of());
        schema = Schema.structural(version.path("schema").path("openAPIV3Schema"));
        strategy = new CustomStrategy(any, version, null, Schema.UNKNOWN, new Rules());
    }

    /** What a create with strict field validation would say. Fills defaults in and drops what is unknown. */
    public List<Violation> check(ObjectNode object) {
        List<Violation> violations = new ArrayList<>();
        for (String sentence : strategy.decode(object)) {
            Matcher matcher = UNKNOWN.matcher(sentence);
            String field = matcher.matches() ? matcher.group(1) : "";
            violations.add(new Violation(field, "unknown field; allowed here: " + String.join(", ", beside(field))));
        }
        strategy.setDefaults(object);
        strategy.prepareForCreate(object);
        for (FieldError error : strategy.validate(object, null, List.of())) {
            // that more may be found later goes without saying
            if (!error.detail().equals(CustomStrategy.UNCHECKED)) {
                violations.add(new Violation(error.field(), error.body()));
            }
        }
        return violations;
    }

    /** The fields that the schema has where this one is. */
    private Set<String> beside(String field) {
        Schema at = schema;
        String[] parts = field.split("\\.");
        for (int i = 0; i < parts.length - 1; i++) {
            String part = parts[i];
            String name = part.replaceAll("\\[\\d+]$", "");
            Schema below = at.properties().getOrDefault(name, Schema.UNKNOWN);
            at = part.length() > name.length() ? below.items() : below;
        }
        return at.properties().keySet();
    }
}
