package dev.weir.model;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.weir.engine.Match;
import dev.weir.engine.Release;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class ReleaseSpecTest {
    private static ReleaseSpec.Parsed parse(String spec) throws Exception {
        return ReleaseSpec.parse(
                new YAMLMapper().readTree("metadata: {name: app, namespace: ns}\nspec:\n" + spec.indent(2)));
    }

    @Test
    void namesFieldValueAndWhatIsAllowed() throws Exception {
        ReleaseSpec.Parsed parsed = parse("""
                strategy: Sideways
                router: Nginx
                versions:
                - {name: app, image: a}
                - {name: b}
                - {name: b, image: c, mirrorPercent: 150}
                """);
        assertThat(parsed)
                .isInstanceOfSatisfying(
                        ReleaseSpec.Parsed.Invalid.class,
                        invalid -> assertThat(invalid.violations())
                                .containsExactly(
                                        "spec.strategy: \"Sideways\" is not one of None, Mirror, Canary, BlueGreen",
                                        "spec.router: \"Nginx\" is not one of Istio, GatewayAPI",
                                        "spec.versions[0].name: \"app\" is the name of the application's service; it must differ",
                                        "spec.versions[1]: exactly one of image, template and workloadRef is required",
                                        "spec.versions[2].name: \"b\" is used twice; names of versions must differ",
                                        "spec.versions[2].mirrorPercent: 150 is not from 0 to 100"));
    }

    private static List<Match> matches(String router, String matches) throws Exception {
        ReleaseSpec.Parsed parsed = parse("router: " + router + "\nstrategy: Canary\nversions: [{name: a, image: b},"
                + " {name: c, image: d, matches: " + matches + "}]");
        return parsed instanceof ReleaseSpec.Parsed.Valid(Release release, var _)
                ? release.candidates().getFirst().matches()
                : List.of();
    }

    @Test
    void bothRoutersTakeHttpRoutesWords() throws Exception {
        Match.Text path = new Match.Text(Match.Kind.PREFIX, "/a");
        Match.Named header = new Match.Named("x-b", new Match.Text(Match.Kind.REGEX, "c.*"));
        Match.Named query = new Match.Named("Q", new Match.Text(Match.Kind.EXACT, "v"));
        for (String router : List.of("Istio", "GatewayAPI")) {
            assertThat(matches(router, """
                    [{path: {type: PathPrefix, value: /a/}, method: GET,
                      headers: [{type: RegularExpression, name: X-B, value: c.*}],
                      queryParams: [{name: Q, value: v}]}]"""))
                    .containsExactly(new Match.Http(path, "GET", List.of(header), List.of(query)));
            assertThat(matches(router, "[]")).containsExactly(Match.Http.header("traffic", "test"));
            assertThat(matches(router, "[{path: {value: /}}]")).containsExactly(Match.Http.ALWAYS);
        }
        assertThat(matches("Istio", "[{istio: {headers: {x-b: {regex: c.*}}}}]"))
                .containsExactly(new Match.Http(null, null, List.of(header), List.of()));
    }

    @Test
    void refusesMatchesThatNobodyCarriesOut() throws Exception {
        assertThat(parse("""
                        router: GatewayAPI
                        strategy: Canary
                        versions:
                        - {name: a, image: b}
                        - name: c
                          image: d
                          matches:
                          - istio: {uri: {exact: /a}, ignoreUriCase: true}
                          - headers: [{name: X-B, value: c}, {name: x-b, value: c}]
                          - path: {type: RegularExpression, value: "/("}
                          - path: {type: Suffix, value: /a}
                          - {methd: POST}
                        """))
                .isEqualTo(
                        new ReleaseSpec.Parsed.Invalid(
                                List.of(
                                        "spec.versions[1].matches[0].istio: the router GatewayAPI does not know Istio's words",
                                        "spec.versions[1].matches[1]: a header or a query parameter is named twice",
                                        "spec.versions[1].matches[2]: \"/(\" is no RE2 pattern: missing closing )",
                                        "spec.versions[1].matches[3]: \"Suffix\" is no type of comparison",
                                        "spec.versions[1].matches[4]: is empty and would match every request; name a path, a method, headers, queryParams or istio")));
        assertThat(parse("""
                        strategy: Canary
                        versions: [{name: a, image: b}, {name: c, image: d, matches: [{istio: {uri: {regex: "(("}}}]}]
                        """))
                .isEqualTo(new ReleaseSpec.Parsed.Invalid(
                        List.of("spec.versions[1].matches[0].istio: \"((\" is no RE2 pattern: missing closing )")));
    }

    @Test
    void namesMustFitWhereKubernetesPutsThem() throws Exception {
        assertThat(
                        ReleaseSpec.parse(
                                new YAMLMapper()
                                        .readTree(
                                                "metadata: {name: " + "a".repeat(64)
                                                        + "}\nspec: {service: {name: app}, versions: [{name: a, image: b, labels: {weir.dev/release: c}}]}")))
                .isEqualTo(
                        new ReleaseSpec.Parsed.Invalid(
                                List.of(
                                        "metadata.name: \"" + "a".repeat(64)
                                                + "\" has 64 characters; at most 63 are allowed, since it is the value of a label",
                                        "spec.versions[0].labels: \"weir.dev/release\" is not allowed: labels under weir.dev/ are the operator's")));
        assertThat(ReleaseSpec.parse(
                        new YAMLMapper().readTree("metadata: {name: a.b}\nspec: {versions: [{name: a, image: b}]}")))
                .isInstanceOfSatisfying(
                        ReleaseSpec.Parsed.Invalid.class,
                        invalid -> assertThat(invalid.violations().getFirst())
                                .startsWith("metadata.name: \"a.b\" is no name of a Service"));
    }

    @Test
    void gatewaysAreNamesAndTheMeshIsAlwaysThere() throws Exception {
        String versions = "\nversions: [{name: a, image: b}]";
        assertThat(parse("gateways: [mesh, shop/public.web, public, public]" + versions))
                .isInstanceOfSatisfying(
                        ReleaseSpec.Parsed.Valid.class,
                        valid -> assertThat(valid.release().gateways()).containsExactly("shop/public.web", "public"));
        assertThat(parse("gateways: [a/b/c, Foo Bar]" + versions))
                .isEqualTo(new ReleaseSpec.Parsed.Invalid(List.of(
                        "spec.gateways[0]: \"a/b/c\" is no name or namespace/name of a Gateway",
                        "spec.gateways[1]: \"Foo Bar\" is no name or namespace/name of a Gateway")));
    }

    @Test
    void saysWhatTheStrategyHasNoUseFor() throws Exception {
        assertThat(parse("""
                strategy: Canary
                versions:
                - {name: a, image: b, matches: [{method: GET}]}
                - {name: c, image: d, share: 50, mirrorPercent: 50}
                """))
                .isInstanceOfSatisfying(
                        ReleaseSpec.Parsed.Valid.class,
                        valid -> assertThat(valid.unused())
                                .containsExactly(
                                        "spec.versions[0].matches: has no effect: the first version gets what no other matches",
                                        "spec.versions[1].share: has no effect with strategy Canary, only with BlueGreen",
                                        "spec.versions[1].mirrorPercent: has no effect with strategy Canary, only with Mirror"));
    }

    @Test
    void aVersionsLabelsWinOverTheReleases() throws Exception {
        ReleaseSpec.Parsed parsed = parse("""
                metadata: {labels: {team: a, tier: web}}
                versions:
                - {name: app-0, image: a, labels: {team: b}}
                """);
        assertThat(parsed).isInstanceOfSatisfying(ReleaseSpec.Parsed.Valid.class, valid -> {
            Release.Version version = valid.release().primary();
            assertThat(version.labels()).containsEntry("team", "b").containsEntry("tier", "web");
            assertThat(version.port()).isEqualTo(80);
        });
    }

    @Test
    void aVersionsObjectsHaveItsName() throws Exception {
        assertThat(parse("versions: [{name: a, template: {metadata: {name: b, namespace: c}, spec: {}}}]"))
                .isEqualTo(new ReleaseSpec.Parsed.Invalid(List.of(
                        "spec.versions[0].template.metadata.name: \"b\" is not the version's name; name the version instead, or leave it out",
                        "spec.versions[0].template.metadata.namespace: \"c\" is not the release's namespace")));
    }

    @Test
    void aConditionOfIstioThatAsksForNothingIsAViolation() throws Exception {
        for (String nothing :
                List.of("{name: a}", "{uri: {}}", "{headers: {}}", "{withoutHeaders: {}}", "{ignoreUriCase: true}")) {
            assertThat(parse("strategy: Canary\nversions: [{name: a, image: b}, {name: c, image: d, matches: [{istio: "
                            + nothing + "}]}]"))
                    .as(nothing)
                    .isInstanceOfSatisfying(
                            ReleaseSpec.Parsed.Invalid.class,
                            invalid -> assertThat(invalid.violations().getFirst())
                                    .startsWith("spec.versions[1].matches[0]: is empty"));
        }
        for (String something :
                List.of("{uri: {prefix: /a}}", "{headers: {a: {}}}", "{port: 80}", "{sourceLabels: {a: b}}")) {
            assertThat(parse("strategy: Canary\nversions: [{name: a, image: b}, {name: c, image: d, matches: [{istio: "
                            + something + "}]}]"))
                    .as(something)
                    .isInstanceOf(ReleaseSpec.Parsed.Valid.class);
        }
    }

    @Test
    void aPathThatNoRequestHasIsAViolation() throws Exception {
        for (String path : List.of("/a//b", "/a/../b", "/a/.", "/a%2fb", "/get?x=1", "/a#b", "a", "/a b")) {
            assertThat(parse("strategy: Canary\nversions: [{name: a, image: b}, {name: c, image: d, matches: [{path:"
                            + " {type: Exact, value: '" + path + "'}}]}]"))
                    .as(path)
                    .isInstanceOfSatisfying(
                            ReleaseSpec.Parsed.Invalid.class,
                            invalid -> assertThat(invalid.violations().getFirst())
                                    .startsWith("spec.versions[1].matches[0].path.value: \"" + path + "\""));
        }
        assertThat(
                        parse(
                                "strategy: Canary\nversions: [{name: a, image: b}, {name: c, image: d, matches: [{path: {value:"
                                        + " '/a.b/..c/%20'}}, {path: {value: /}}, {path: {type: RegularExpression, value: '/a?//'}}]}]"))
                .isInstanceOf(ReleaseSpec.Parsed.Valid.class);
    }

    @Test
    void aVersionsServiceLeadsFromItsPortToItsPods() throws Exception {
        assertThat(parse("versions: [{name: a, image: b, port: 80, serviceTemplate: {spec: {ports: [{port: 8080}]}}}]"))
                .isEqualTo(new ReleaseSpec.Parsed.Invalid(List.of(
                        "spec.versions[0].serviceTemplate.spec.ports: none has the port 80, to which the route leads; add it, or set spec.versions[0].port to one of them",
                        "spec.versions[0].serviceTemplate.spec.selector: is required; it selects the version's pods")));
        String template = "template: {spec: {template: {metadata: {labels: {app: other}}}}}";
        assertThat(parse("versions: [{name: a, " + template + "}]"))
                .isEqualTo(
                        new ReleaseSpec.Parsed.Invalid(
                                List.of(
                                        "spec.versions[0].template.spec.template.metadata.labels.app: must be \"a\", by which Service/a selects the pods")));
        assertThat(parse("versions: [{name: a, " + template
                        + ", serviceTemplate: {spec: {selector: {app: other}, ports: [{port: 80}]}}}]"))
                .isInstanceOf(ReleaseSpec.Parsed.Valid.class);
    }

    @Test
    void aWrongTypeIsAViolation() throws Exception {
        assertThat(parse("versions: [{name: a, image: b, port: many}]"))
                .isInstanceOfSatisfying(
                        ReleaseSpec.Parsed.Invalid.class,
                        invalid -> assertThat(invalid.violations().getFirst()).contains("many"));
    }

    @Test
    void theTemplatesHashTellsVersionsApart() throws Exception {
        assertThat(hash("image: b")).isEqualTo(hash("image: b, labels: {x: y}")).isNotEqualTo(hash("image: c"));
        assertThat(hash("template: {spec: {a: 1, b: 2}}")).isEqualTo(hash("template: {spec: {b: 2, a: 1}}"));
    }

    private static String hash(String version) throws Exception {
        return ((ReleaseSpec.Parsed.Valid) parse("versions: [{name: a, " + version + "}]"))
                .release()
                .primary()
                .hash();
    }

    @Test
    void theControllerChartCarriesTheSameDefinition() throws Exception {
        Path chart = Path.of("..", "charts", "controller", "crd-files", "weir.dev_releases.yaml");
        Path own = Path.of("src", "main", "resources", "crds", "weir.dev_releases.yaml");
        assertThat(Files.readString(chart)).isEqualTo(Files.readString(own));
    }

    @Test
    void theDefinitionAllowsJustWhatIsParsed() throws Exception {
        JsonNode definition =
                new YAMLMapper().readTree(ReleaseSpecTest.class.getResourceAsStream("/crds/weir.dev_releases.yaml"));
        JsonNode spec = definition.at("/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties");
        for (JsonNode strategy : spec.at("/strategy/enum")) {
            assertThat(parse("strategy: " + strategy.asText() + "\nversions: [{name: a, image: b}]"))
                    .isInstanceOf(ReleaseSpec.Parsed.Valid.class);
        }
        assertThat(parse("versions: [{name: a, image: b}]"))
                .isInstanceOfSatisfying(ReleaseSpec.Parsed.Valid.class, valid -> {
                    assertThat(valid.release().router())
                            .isEqualTo(spec.at("/router/default").asText());
                    assertThat(valid.release().primary().port())
                            .isEqualTo(
                                    spec.at("/service/properties/port/default").asInt());
                    assertThat(valid.release().strategy().name())
                            .isEqualToIgnoringCase(spec.at("/strategy/default").asText());
                });
    }
}
