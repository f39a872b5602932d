package dev.weir.apiserver.custom;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.weir.apiserver.cel.Rules;
import dev.weir.apiserver.rest.FieldError;
import java.io.IOException;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Rules are compiled against the schema that they are about, and may not cost too much. */
class RuleChecksTest {
    private static final Rules RULES = new Rules();
    private static final ObjectMapper YAML = new YAMLMapper();

    private static List<FieldError> problems(String yaml) throws IOException {
        return RuleChecks.problems(RULES, Set.of(), YAML.readTree(yaml), "s");
    }

    private static String schema(String rule) {
        return """
                type: object
                properties:
                  spec:
                    type: object
                    x-kubernetes-validations:
                    - rule: "%s"
                    properties:
                      min: {type: integer}
                      max: {type: integer}
                      ratio: {type: number}
                      name: {type: string, maxLength: 63}
                      port: {x-kubernetes-int-or-string: true}
                      wait: {type: string, format: duration}
                      since: {type: string, format: date-time}
                      maybe: {type: string, nullable: true}
                      my-key: {type: string}
                      namespace: {type: string}
                      labels: {type: object, maxProperties: 10, additionalProperties: {type: string}}
                      parts:
                        type: array
                        maxItems: 10
                        items: {type: object, properties: {name: {type: string, maxLength: 10}, size: {type: integer}}}
                      free: {type: object, x-kubernetes-preserve-unknown-fields: true}
                """.formatted(rule);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "self.min <= self.max",
                "self.ratio <= self.max",
                "!has(self.maybe) || self.maybe == null || self.maybe == 'x'",
                "self.port == 80 || self.port == 'http'",
                "self.wait >= duration('1s') && self.since > timestamp('2020-01-01T00:00:00Z')",
                "self.__dash__key == '' || self.my__dash__key.startsWith('a')",
                "self.__namespace__.matches('^[a-z]+$') && self.name.size() < 5",
                "self.labels.all(k, k.startsWith('a') && self.labels[k] != '')",
                "self.parts.all(p, p.size > 0 && self.parts.exists_one(q, q.name == p.name))",
                "self.free.anything.at.all == 3",
                "self.min >= oldSelf.min",
                "isURL(self.name) && url(self.name).getScheme() == 'https' && ip('1.2.3.4').family() == 4",
                "self.parts.map(p, p.size).sum() < 10 && quantity('1Gi').isGreaterThan(quantity('1Mi'))",
            })
    void soundRulesPass(String rule) throws Exception {
        List<FieldError> problems = problems(schema(rule));
        if (rule.startsWith("self.__dash__")) {
            assertThat(problems)
                    .singleElement()
                    .extracting(FieldError::detail)
                    .asString()
                    .contains("__dash__key");
        } else {
            assertThat(problems).isEmpty();
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "self.mni <= self.max              | undefined field 'mni'",
                "self.min <=                       | mismatched input",
                "self.min + 1                      | must evaluate to a bool",
                "self.name > 3                     | no matching overload",
                "self.parts.all(p, p.length > 0)   | undefined field 'length'",
                "oops(self.name)                   | undeclared reference to 'oops'",
                "other.name == 'x'                 | undeclared reference to 'other'",
            })
    void unsoundRulesAreNamed(String rule, String problem) throws Exception {
        assertThat(problems(schema(rule))).singleElement().satisfies(error -> {
            assertThat(error.field()).isEqualTo("s.properties[spec].x-kubernetes-validations[0].rule");
            assertThat(error.detail()).contains(problem);
        });
    }

    @Test
    void theNameAndKindOfAWholeObjectAreKnown() throws Exception {
        String rule = "{type: object, x-kubernetes-validations: [{rule: \"%s\"}]}";
        assertThat(problems(rule.formatted("self.metadata.name.size() < 20 && self.kind == 'Thing'")))
                .isEmpty();
        assertThat(problems(rule.formatted("has(self.metadata.labels)"))).hasSize(1);
    }

    @Test
    void messagesAreTextAndOldValuesMayBeOptional() throws Exception {
        String rules = """
                type: object
                properties:
                  size:
                    type: integer
                    x-kubernetes-validations: [%s]
                """;
        assertThat(problems(rules.formatted("{rule: 'self > 1', messageExpression: '\"got \" + string(self)'}")))
                .isEmpty();
        assertThat(problems(rules.formatted("{rule: 'self > 1', messageExpression: 'self'}")))
                .singleElement()
                .extracting(FieldError::detail)
                .isEqualTo("must evaluate to a string");
        assertThat(problems(rules.formatted("{rule: 'oldSelf.orValue(0) <= self', optionalOldSelf: true}")))
                .isEmpty();
        assertThat(problems(rules.formatted("{rule: 'oldSelf.orValue(0) <= self'}")))
                .hasSize(1);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{type: array, items: {type: integer, x-kubernetes-validations: [{rule: 'self > 1'}]}} | ''",
                "{type: array, items: {type: string, x-kubernetes-validations: [{rule: \"self.contains('x')\"}]}}"
                        + " | by factor of more than 100x",
                "{type: array, maxItems: 50, items: {type: string, maxLength: 100, x-kubernetes-validations:"
                        + " [{rule: \"self.contains('x')\"}]}} | ''",
                "{type: array, items: {type: string}, x-kubernetes-validations: [{rule: 'self.all(x,"
                        + " self.exists_one(y, x == y))'}]} | by factor of more than 100x",
                "{type: array, maxItems: 64, items: {type: string}, x-kubernetes-validations: [{rule: 'self.all(x,"
                        + " self.exists_one(y, x == y))'}]} | ''",
            })
    void whatCostsTooMuchIsRefused(String list, String problem) throws Exception {
        List<FieldError> problems = problems("{type: object, properties: {list: " + list + "}}");
        if (problem.isEmpty()) {
            assertThat(problems).isEmpty();
        } else {
            assertThat(problems)
                    .isNotEmpty()
                    .first()
                    .extracting(FieldError::detail)
                    .asString()
                    .startsWith("estimated rule cost exceeds budget " + problem)
                    .contains("maxItems, maxProperties, and maxLength");
        }
    }

    @Test
    void rulesThatAreTrustedAreNotLookedAt() throws Exception {
        JsonNode schema = YAML.readTree(schema("self.mni > 1"));
        assertThat(RuleChecks.problems(RULES, RuleChecks.all(schema), schema, "s"))
                .isEmpty();
    }
}
