package dev.weir.apiserver.builtin;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.merge.Json;
import dev.weir.apiserver.rest.FieldError;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The words are those of kube-apiserver 1.34.3. */
class FieldRulesTest {
    private static ObjectNode json(String text) throws JsonProcessingException {
        return (ObjectNode) Json.MAPPER.readTree(text.replace('\'', '"'));
    }

    private static List<String> problems(String plural, ObjectNode object) {
        List<FieldError> found = new ArrayList<>(KindRules.problems(plural, object, null));
        found.addAll(ObjectRules.problems(plural, object, null));
        return found.stream().map(FieldError::message).toList();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '"', textBlock = """
            ingressclasses | {'spec': {}} | spec.controller: Required value
            leases | {'spec': {'leaseDurationSeconds': 0}} | spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0
            endpointslices | {'addressType': 'Other', 'endpoints': []} | addressType: Unsupported value: \\"Other\\": supported values: \\"FQDN\\", \\"IPv4\\", \\"IPv6\\"
            networkpolicies | {'spec': {'ingress': [{'ports': [{'port': 99999}]}]}} | spec.ingress[0].ports[0].port: Invalid value: 99999: must be between 1 and 65535, inclusive
            clusterroles | {'aggregationRule': {}} | aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required if aggregationRule is non-nil
            configmaps | {'data': {'a': 'x'}, 'binaryData': {'a': 'eA=='}} | data[a]: Invalid value: \\"a\\": duplicate of key present in binaryData
            """)
    void tellsWhatIsWrongInTheWordsOfKubernetes(String plural, String object, String message) throws Exception {
        assertThat(problems(plural, json(object))).containsExactly(message.replace("\\", ""));
    }

    @Test
    void takesWhatIsRight() throws Exception {
        assertThat(problems("ingressclasses", json("{'spec': {'controller': 'weir.dev/gateway'}}")))
                .isEmpty();
        assertThat(problems("ingresses", json("{'spec': {'rules': [{'host': '*.example.com'}]}}")))
                .isEmpty();
        assertThat(problems("networkpolicies", json("{'spec': {'ingress': [{'ports': [{'port': 'http'}]}]}}")))
                .isEmpty();
    }

    @Test
    void comparesRequestsWithLimits() throws Exception {
        ObjectNode spec = json("{'containers': [{'resources':"
                + " {'requests': {'cpu': '1500m', 'memory': '1Gi'}, 'limits': {'cpu': '1', 'memory': '1024Mi'}}}]}");
        assertThat(PodRules.ofSpec(spec, "spec"))
                .extracting(FieldError::message)
                .containsExactly("spec.containers[0].resources.requests: Invalid value: \"1500m\": must be less than or"
                        + " equal to cpu limit of 1");
    }

    @Test
    void aClaimGetsItsVolumeOnce() throws Exception {
        ObjectNode open = json("{'spec': {'accessModes': ['ReadWriteOnce']}}");
        ObjectNode bound = json("{'spec': {'accessModes': ['ReadWriteOnce'], 'volumeName': 'a'}}");
        ObjectNode other = json("{'spec': {'accessModes': ['ReadWriteOnce'], 'volumeName': 'b'}}");
        assertThat(ObjectRules.problems("persistentvolumeclaims", bound, open)).isEmpty();
        assertThat(ObjectRules.problems("persistentvolumeclaims", other, bound))
                .extracting(FieldError::message)
                .containsExactly("spec: Forbidden: spec is immutable after creation except resources.requests and"
                        + " volumeAttributesClassName for bound claims");
    }

    @Test
    void keepsWhatMayNotChange() throws Exception {
        ObjectNode old = json("{'handler': 'a'}");
        assertThat(KindRules.problems("runtimeclasses", json("{'handler': 'b'}"), old))
                .extracting(FieldError::message)
                .containsExactly("handler: Invalid value: \"b\": field is immutable");
    }
}
