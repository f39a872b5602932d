package dev.weir.cli.lint;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class LintTest {
    private static List<String> lint(String yaml) {
        Manifests.Read read = Manifests.parse("f.yaml", yaml);
        List<Finding> findings = new ArrayList<>(read.findings());
        read.manifests().stream()
                .filter(Manifest::isRelease)
                .forEach(manifest -> findings.addAll(new ReleaseCheck().check(manifest)));
        return findings.stream().map(Finding::toString).toList();
    }

    private static String release(String spec) {
        return "apiVersion: weir.dev/v1alpha1\nkind: Release\nmetadata: {name: app}\nspec:\n" + spec.indent(2);
    }

    @Test
    void findsNothingInAGoodRelease() {
        assertThat(lint(release("strategy: Mirror\nversions:\n- {name: a, image: x}\n- {name: b, image: y}\n")))
                .isEmpty();
    }

    @Test
    void valuesOfAChartAreNoManifest() {
        assertThat(lint("environment: deployment-gtw\napplication: {strategy: canary}\n"))
                .containsExactly(
                        "f.yaml:1: kind: is missing, so this is no Kubernetes object; for the values of a chart:"
                                + " helm template NAME CHART -f FILE | weir lint -");
    }

    @Test
    void namesLineFieldValueAndWhatIsAllowed() {
        assertThat(lint(release("""
                        strategy: Miror
                        versions:
                        - name: a
                          image: x
                        - name: b
                          image: y
                          mirrorPercent: 150
                          weight: 3
                        """)))
                .hasSize(3)
                .anySatisfy(text -> assertThat(text)
                        .startsWith(
                                "f.yaml:5: spec.strategy: Unsupported value: \"Miror\": supported values: \"None\""))
                .anySatisfy(text -> assertThat(text)
                        .startsWith("f.yaml:11: spec.versions[1].mirrorPercent: Invalid value: 150")
                        .contains("less than or equal to 100"))
                .anySatisfy(text -> assertThat(text)
                        .startsWith("f.yaml:12: spec.versions[1].weight: unknown field; allowed here: name, labels"));
    }

    @Test
    void checksTheRulesOfTheDefinition() {
        assertThat(lint(release("versions:\n- {name: a, image: x, workloadRef: {name: z}}\n")))
                .singleElement()
                .asString()
                .isEqualTo("f.yaml:6: spec.versions[0]: Invalid value: \"object\": exactly one of image, template and"
                        + " workloadRef is required");
    }

    @Test
    void warnsOfWhatTheStrategyHasNoUseFor() {
        assertThat(lint(release(
                        "strategy: Canary\nversions:\n- {name: a, image: x}\n- {name: b, image: y, share: 50}\n")))
                .containsExactly(
                        "f.yaml:8: warning: spec.versions[1].share: has no effect with strategy Canary, only with"
                                + " BlueGreen");
    }

    @Test
    void checksWhatOnlyTheOperatorKnows() {
        assertThat(lint(release("versions:\n- name: app\n  image: x\n")))
                .singleElement()
                .asString()
                .isEqualTo("f.yaml:6: spec.versions[0].name: \"app\" is the name of the application's service; it must"
                        + " differ");
    }

    @Test
    void readsSeveralDocumentsListsAnchorsAndRepeatedKeys() {
        String text = "kind: ConfigMap\n---\n# Source: chart\n---\nkind: List\nitems:\n- "
                + release("versions:\n- &v {name: a, image: x}\n- {<<: *v, name: a}\n")
                        .indent(2)
                        .strip()
                + "\n";
        assertThat(lint(text)).singleElement().asString().startsWith("f.yaml:13: spec.versions[1]");
        assertThat(lint(release("versions: []\nversions:\n- {name: a, image: x}\n")))
                .contains("f.yaml:6: spec.versions: is given twice; the first is in line 5");
        assertThat(lint("a: [b\n")).singleElement().asString().startsWith("f.yaml:2: no YAML: ");
    }
}
