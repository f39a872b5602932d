package dev.weir.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Values that the release chart refuses, through the real Helm: the message names field, value and what is allowed. */
class ChartTest {
    @BeforeAll
    static void helmIsThere() {
        RealHelm.require();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{environment: moon, application: {versions: [{image: a}]}} | environment: \"moon\" is not supported; allowed: deployment-gtw, deployment-istio",
                "{environment: deployment-istio, application: {strategy: miror, versions: [{image: a}]}} | \"miror\" is not supported in environment \"deployment-istio\"; allowed: none, canary, blue-green, mirror",
                "{environment: deployment-istio, application: {strategy: mirror, versions: [{image: a}, {image: a, weight: 150}]}} | application.versions[1].weight: 150 is not allowed; allowed: a whole number from 0 to 100",
                "{environment: deployment-istio, application: {versions: [{image: a}, {image: a, weight: half}]}} | application.versions[1].weight: \"half\" is not allowed; allowed: a whole number",
                "{environment: deployment-istio, application: {versions: [{image: a, port: '80'}]}} | application.versions[0].port: \"80\" is not allowed",
                "{environment: deployment-istio, application: {strategy: mirror, versions: [{image: a}, {image: a, weight: 1.5}]}} | application.versions[1].weight: 1.5 is not allowed",
                "{environment: deployment-istio, application: {strategy: mirror, versions: [{image: a}, {image: a, weight: -1}]}} | application.versions[1].weight: -1 is not allowed",
                "{environment: deployment-istio, application: {versions: [{image: a, metadata: {namespace: other}}]}} | \"other\" is not the application's namespace",
                "{environment: deployment-istio, application: {versions: []}} | application/versions",
                "{environment: deployment-gtw, application: {strategy: canary, versions: [{image: a}, {image: a, match: [{uri: {exact: /}}]}]}} | application.versions[1].match is in Istio's words and not for environment \"deployment-gtw\"; allowed: matches",
                "{environment: deployment-gtw, application: {strategy: canary, versions: [{image: a}, {image: a, matches: [{methd: GET}]}]}} | methd",
                "{environment: deployment-gtw, application: {strategy: canary, versions: [{image: a}, {image: a, matches: [{}]}]}} | application/versions/1/matches/0",
                "{environment: deployment-istio, application: {strategy: canary, versions: [{image: a}, {image: a, matches: [{headers: [{tpye: Exact, name: a, value: b}]}]}]}} | tpye",
                "{application: {versions: [{image: a}]}} | environment is required; allowed: deployment-gtw, deployment-istio",
                "{environment: deployment-istio} | application is required",
                "{environment: deployment-istio, application: {versions: [{image: a, wieght: 1}]}} | wieght",
                "{environment: deployment-istio, application: {versions: [{image: a, metadata: {name: x}}, {image: a, metadata: {name: x}}]}} | \"x\" is the name of another version",
                "{environment: deployment-istio, application: {versions: [{image: a, metadata: {name: httpbin}}]}} | \"httpbin\" is the name of the application",
                "{environment: deployment-istio, application: {versions: [{port: 80}]}} | application.versions[0].image is required",
                "{environment: deployment-istio, application: {versions: [{image: a, port: 70000}]}} | application.versions[0].port: 70000 is not allowed; allowed: a whole number from 1 to 65535",
                "{environment: deployment-istio, application: {versions: [{image: a, serviceSpecification: {ports: [{port: '80'}]}}]}} | application.versions[0].serviceSpecification.ports[0].port: \"80\" is not allowed; allowed: a whole number from 1 to 65535",
                "{environment: deployment-istio, application: {versions: [{image: a, serviceSpecification: {ports: [{port: 80, targetPort: 0}]}}]}} | application.versions[0].serviceSpecification.ports[0].targetPort: 0 is not allowed",
                "{environment: deployment-istio, application: {versions: [{image: a, serviceSpecification: {ports: [{port: 80, targetPort: web}]}}]}} | application.versions[0].serviceSpecification.ports[0].targetPort: \"web\" is not allowed with image",
                "{environment: deployment-istio, application: {versions: [{image: a, serviceSpecification: {ports: [{port: 80, tragetPort: 81}]}}]}} | tragetPort",
                "{environment: deployment-istio, application: {versions: [{image: a, serviceSpecification: {ports: [{port: 80, name: a}, {port: 81}]}}]}} | application.versions[0].serviceSpecification.ports[1].name is required",
                "{environment: deployment-istio, application: {versions: [{image: a, serviceSpecification: {ports: [{port: 53, protocol: UDP}]}}]}} | application.versions[0].serviceSpecification.ports[0].port: 53 is not allowed as the port that the route leads to",
                "{environment: deployment-istio, application: {versions: [{image: a, serviceSpecification: {spec: {ports: [{port: 81, name: a}, {port: 82, name: b}]}}}]}} | application.port: 80 is not allowed as the port that the route leads to; allowed: a TCP port of application.versions[0].serviceSpecification.spec.ports (81, 82), named by application.versions[0].port",
                "{environment: deployment-istio, application: {versions: [{image: a, serviceSpecification: {ports: [{port: 81, targetPort: 80}], spec: {ports: [{port: 81}]}}}]}} | application.versions[0].serviceSpecification.ports[0]: {\"port\":81,\"targetPort\":80} is not allowed beside spec.ports",
                "{environment: deployment-istio, application: {versions: [{image: a, port: 82, serviceSpecification: {spec: {ports: [{port: 81}]}}}]}} | application.versions[0].port: 82 is not allowed as the port that the route leads to",
                "{environment: deployment-istio, application: {versions: [{deploymentSpecification: {spec: {}, ports: []}}]}} | ports",
            })
    void refuses(String values, String message) throws Exception {
        RealHelm.Ran ran = RealHelm.template("release", values);
        assertThat(ran.code()).isNotZero();
        assertThat(ran.output()).contains(message);
    }

    @Test
    void weightZeroIsZeroAndAbsentIsFifty() throws Exception {
        RealHelm.Ran ran = RealHelm.template(
                "release",
                "{environment: deployment-istio, application: {strategy: mirror, versions: [{image: a}, {image: b,"
                        + " weight: 0}, {image: c}]}}");
        assertThat(ran.output()).contains("mirrorPercent: 0").contains("mirrorPercent: 50");
        assertThat(ran.code()).isZero();
    }
}
