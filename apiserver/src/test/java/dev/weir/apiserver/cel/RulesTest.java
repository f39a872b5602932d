package dev.weir.apiserver.cel;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.weir.apiserver.schema.Schema;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Validation rules and the functions that Kubernetes adds to them. */
class RulesTest {
    private static final YAMLMapper YAML = new YAMLMapper();
    private final Rules rules = new Rules();

    private static JsonNode yaml(String text) {
        try {
            return YAML.readTree(text);
        } catch (java.io.IOException malformed) {
            throw new java.io.UncheckedIOException(malformed);
        }
    }

    private Rules.Outcome evaluate(String expression, String schema, String self) {
        return rules.evaluate(expression, new Rules.Subject(Schema.structural(yaml(schema)), yaml(self), null, false));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "url('https://example.com:80/a?b=1').getScheme() == 'https'",
                "url('https://example.com:80/').getHost() == 'example.com:80'",
                "url('https://[::1]:80/').getHostname() == '::1' && url('https://[::1]:80/').getPort() == '80'",
                "url('/path/x?k=a&k=b').getQuery() == {'k': ['a', 'b']}",
                "url('https://h/a%20b').getEscapedPath() == '/a%20b'",
                "isURL('/absolute') && !isURL('relative') && !isURL('') && !isURL('https://a:b:c/')",
                "isIP('127.0.0.1') && isIP('::1') && !isIP('256.0.0.1') && !isIP('example.com') && !isIP('127.1')",
                "ip('::1').family() == 6 && ip('10.0.0.1').family() == 4 && ip('127.0.0.1').isLoopback()",
                "ip.isCanonical('2001:db8::1') && !ip.isCanonical('2001:0db8::1')",
                "string(ip('2001:0DB8:0:0::1')) == '2001:db8::1'",
                "cidr('10.0.0.0/8').containsIP('10.1.2.3') && !cidr('10.0.0.0/8').containsIP(ip('11.0.0.1'))",
                "cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16') && cidr('10.1.2.3/8').masked() == cidr('10.0.0.0/8')",
                "cidr('10.0.0.0/8').prefixLength() == 8 && isCIDR('::/0') && !isCIDR('10.0.0.0/33')",
                "quantity('1Gi').isGreaterThan(quantity('1G')) && quantity('100m').isLessThan(quantity('1'))",
                "quantity('1.5k').asInteger() == 1500 && quantity('500m').add(quantity('0.5')).compareTo(quantity('1')) == 0",
                "isQuantity('1e3') && !isQuantity('1ki') && quantity('50m').asApproximateFloat() == 0.05",
                "semver('1.2.3').isLessThan(semver('1.10.0')) && semver('1.0.0-rc.1').isLessThan(semver('1.0.0'))",
                "isSemver('1.2.3+build') && !isSemver('v1.2.3') && semver('1.2.3').minor() == 2",
                "'abc 123'.find('[0-9]+') == '123' && 'abc'.find('[0-9]+') == ''",
                "'a1 b2 c3'.findAll('[0-9]') == ['1', '2', '3'] && 'a1 b2 c3'.findAll('[0-9]', 2) == ['1', '2']",
                "[1, 2, 3].isSorted() && !['b', 'a'].isSorted() && [1, 3].sum() == 4 && [2, 1].min() == 1",
                "['a', 'b', 'a'].indexOf('a') == 0 && ['a', 'b', 'a'].lastIndexOf('a') == 2 && [0].indexOf(1) == -1",
                "!format.dns1123Label().validate('good-name').hasValue()",
                "format.named('dns1123Label').value().validate('Bad_Name').hasValue()",
                "!format.named('nothing').hasValue()",
                "'a,b'.split(',').size() == 2 && ' x '.trim() == 'x' && 'X'.lowerAscii() == 'x'",
                "sets.contains([1, 2], [2]) && duration('1h') > duration('59m')"
            })
    void holds(String expression) {
        assertThat(evaluate(expression, "{}", "{}")).isEqualTo(new Rules.Outcome.Value(true));
    }

    @Test
    void typesComeFromTheSchema() {
        String schema = """
                type: object
                properties:
                  at: {type: string, format: date-time}
                  every: {type: string, format: duration}
                  share: {type: number}
                  raw: {type: string, format: byte}
                  namespace: {type: string}
                  dashed-name: {type: string}
                  labels: {type: object, additionalProperties: {type: string}}
                """;
        String self = """
                at: "2026-01-01T00:00:00Z"
                every: 1h30m
                share: 1
                raw: aGk=
                namespace: n
                dashed-name: d
                labels: {a-b: c}
                """;
        assertThat(evaluate(
                        "self.at < timestamp('2027-01-01T00:00:00Z') && self.every == duration('90m')"
                                + " && type(self.share) == double && self.raw == b'hi'"
                                + " && self.__namespace__ == 'n' && self.dashed__dash__name == 'd'"
                                + " && self.labels['a-b'] == 'c'",
                        schema,
                        self))
                .isEqualTo(new Rules.Outcome.Value(true));
    }

    @Test
    void optionalOldSelfTellsCreateFromUpdate() {
        Schema text = Schema.structural(yaml("{type: string}"));
        String expression = "!oldSelf.hasValue() || oldSelf.value() == self";
        assertThat(rules.evaluate(expression, new Rules.Subject(text, yaml("a"), null, true)))
                .isEqualTo(new Rules.Outcome.Value(true));
        assertThat(rules.evaluate(expression, new Rules.Subject(text, yaml("a"), yaml("b"), true)))
                .isEqualTo(new Rules.Outcome.Value(false));
    }

    @Test
    void namesWhatCannotBeEvaluated() {
        assertThat(evaluate("self.missing == 1", "{type: object}", "{}"))
                .isEqualTo(new Rules.Outcome.Failed("no such key: missing"));
        assertThat(evaluate("quantity('x').isInteger()", "{}", "{}"))
                .isInstanceOfSatisfying(
                        Rules.Outcome.Failed.class,
                        failed -> assertThat(failed.message()).contains("quantities must match"));
    }
}
