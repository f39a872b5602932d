package dev.weir.apiserver.proto;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.weir.apiserver.merge.Json;
import dev.weir.apiserver.rest.ApiException;
import dev.weir.apiserver.schema.Recorded;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Bodies in protobuf, as Go clients send them: what goes in as a message comes out as the same JSON. */
class ProtobufTest {
    /** Writes messages by the same table of field numbers, the way that Go writes them. */
    private static final class Encoder {
        private final Map<String, Map<String, String[]>> messages = new HashMap<>();

        Encoder() {
            new String(Recorded.bytes("protobuf-fields.txt.gz"), StandardCharsets.UTF_8)
                    .lines()
                    .forEach(line -> {
                        String[] words = line.split(" ");
                        Map<String, String[]> fields = new HashMap<>();
                        for (int i = 1; i < words.length; i++) {
                            String[] parts = words[i].split(":", 3);
                            fields.put(parts[1], parts);
                        }
                        messages.put(words[0], fields);
                    });
        }

        byte[] body(String message, JsonNode object) {
            ByteArrayOutputStream type = new ByteArrayOutputStream();
            bytes(type, 1, object.path("apiVersion").asText().getBytes(StandardCharsets.UTF_8));
            bytes(type, 2, object.path("kind").asText().getBytes(StandardCharsets.UTF_8));
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            out.writeBytes(new byte[] {'k', '8', 's', 0});
            bytes(out, 1, type.toByteArray());
            bytes(out, 2, message(message, object));
            return out.toByteArray();
        }

        private byte[] message(String name, JsonNode object) {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            object.properties().forEach(entry -> {
                String[] field = messages.getOrDefault(name, Map.of()).get(entry.getKey());
                if (field != null) {
                    field(out, Integer.parseInt(field[0]), field[2], entry.getValue());
                }
            });
            return out.toByteArray();
        }

        private void field(ByteArrayOutputStream out, int number, String kind, JsonNode value) {
            if (kind.startsWith("[]")) {
                value.forEach(item -> field(out, number, kind.substring(2), item));
            } else if (kind.startsWith("{}")) {
                value.properties().forEach(entry -> {
                    ByteArrayOutputStream pair = new ByteArrayOutputStream();
                    bytes(pair, 1, entry.getKey().getBytes(StandardCharsets.UTF_8));
                    field(pair, 2, kind.substring(2), entry.getValue());
                    bytes(out, number, pair.toByteArray());
                });
            } else {
                switch (kind) {
                    case "string" -> bytes(out, number, value.asText().getBytes(StandardCharsets.UTF_8));
                    case "bytes" -> bytes(out, number, Base64.getDecoder().decode(value.asText()));
                    case "bool" -> varint(out, number, value.asBoolean() ? 1 : 0);
                    case "int32", "int64", "uint32", "uint64" -> varint(out, number, value.asLong());
                    default -> bytes(out, number, special(kind, value));
                }
            }
        }

        private byte[] special(String kind, JsonNode value) {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            if (kind.endsWith(".Time")) {
                varint(out, 1, Instant.parse(value.asText()).getEpochSecond());
            } else if (kind.endsWith(".IntOrString")) {
                varint(out, 1, value.isTextual() ? 1 : 0);
                varint(out, 2, value.asLong());
                bytes(out, 3, value.isTextual() ? value.asText().getBytes(StandardCharsets.UTF_8) : new byte[0]);
            } else if (kind.endsWith(".Quantity")) {
                bytes(out, 1, value.asText().getBytes(StandardCharsets.UTF_8));
            } else {
                return message(kind, value);
            }
            return out.toByteArray();
        }

        private static void bytes(ByteArrayOutputStream out, int number, byte[] value) {
            raw(out, (long) number << 3 | 2);
            raw(out, value.length);
            out.writeBytes(value);
        }

        private static void varint(ByteArrayOutputStream out, int number, long value) {
            raw(out, (long) number << 3);
            raw(out, value);
        }

        private static void raw(ByteArrayOutputStream out, long value) {
            long rest = value;
            while ((rest & ~0x7fL) != 0) {
                out.write((int) (rest & 0x7f | 0x80));
                rest >>>= 7;
            }
            out.write((int) rest);
        }
    }

    private static final Encoder ENCODER = new Encoder();

    private static JsonNode yaml(String text) throws Exception {
        return new YAMLMapper().readTree(text);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            k8s.io.api.core.v1.ConfigMap | {kind: ConfigMap, apiVersion: v1, metadata: {name: a, labels: {x: y}, finalizers: [f/g]}, data: {k: 'v', e: ''}, binaryData: {b: AAEC}}
            k8s.io.api.core.v1.Service | {kind: Service, apiVersion: v1, metadata: {name: s}, spec: {ports: [{name: http, port: 80, targetPort: web}, {name: b, port: 81, targetPort: 8081}], selector: {a: b}}}
            k8s.io.api.apps.v1.Deployment | {kind: Deployment, apiVersion: apps/v1, metadata: {name: d}, spec: {replicas: 0, selector: {matchLabels: {a: b}}, strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 25%, maxUnavailable: 0}}, template: {spec: {containers: [{name: c, image: i, resources: {limits: {cpu: 100m}}}]}}}}
            k8s.io.api.batch.v1.Job | {kind: Job, apiVersion: batch/v1, metadata: {name: j}, spec: {suspend: false, backoffLimit: 0, template: {spec: {restartPolicy: Never}}}}
            k8s.io.api.rbac.v1.Role | {kind: Role, apiVersion: rbac.authorization.k8s.io/v1, metadata: {name: r}, rules: [{verbs: [get, list], apiGroups: [''], resources: [pods]}]}
            k8s.io.api.core.v1.Secret | {kind: Secret, apiVersion: v1, metadata: {name: s, creationTimestamp: '2026-01-01T00:00:00Z'}, data: {p: cQ==}, type: Opaque}
            k8s.io.api.coordination.v1.Lease | {kind: Lease, apiVersion: coordination.k8s.io/v1, metadata: {name: l}, spec: {holderIdentity: me, leaseDurationSeconds: 15, leaseTransitions: 0}}
            """)
    void comesOutAsItWentIn(String message, String object) throws Exception {
        JsonNode sent = yaml(object);
        JsonNode got = ProtobufDecoder.decode(ENCODER.body(message.strip(), sent));
        assertThat(Json.same(got, sent)).as("%s", got).isTrue();
    }

    @Test
    void embeddedStructsAreLiftedAndNamesFollowJson() throws Exception {
        JsonNode pod = yaml("""
                kind: Pod
                apiVersion: v1
                metadata:
                  name: p
                  uid: u
                  ownerReferences: [{apiVersion: v1, kind: K, name: o, uid: x, controller: false}]
                spec:
                  volumes: [{name: v, volumeSource: {configMap: {localObjectReference: {name: c}, defaultMode: 0}}}]
                  containers:
                  - name: c
                    readinessProbe: {handler: {httpGet: {path: /, port: 80}}, periodSeconds: 5}
                    env: [{name: E, valueFrom: {secretKeyRef: {localObjectReference: {name: s}, key: k, optional: false}}}]
                """);
        JsonNode got = ProtobufDecoder.decode(ENCODER.body("k8s.io.api.core.v1.Pod", pod));
        assertThat(Json.same(got, yaml("""
                                kind: Pod
                                apiVersion: v1
                                metadata:
                                  name: p
                                  uid: u
                                  ownerReferences: [{apiVersion: v1, kind: K, name: o, uid: x, controller: false}]
                                spec:
                                  volumes: [{name: v, configMap: {name: c, defaultMode: 0}}]
                                  containers:
                                  - name: c
                                    readinessProbe: {httpGet: {path: /, port: 80}, periodSeconds: 5}
                                    env: [{name: E, valueFrom: {secretKeyRef: {name: s, key: k, optional: false}}}]
                                """))).as("%s", got).isTrue();
    }

    @Test
    void brokenBodiesAreBadRequests() throws Exception {
        byte[] body = ENCODER.body(
                "k8s.io.api.core.v1.ConfigMap", yaml("{kind: ConfigMap, apiVersion: v1, metadata: {name: long-name}}"));
        for (int length : new int[] {0, 3, 5, 12, body.length - 3}) {
            byte[] cut = java.util.Arrays.copyOf(body, length);
            assertThatThrownBy(() -> ProtobufDecoder.decode(cut))
                    .as("%d bytes", length)
                    .isInstanceOfSatisfying(
                            ApiException.class,
                            refused -> assertThat(refused.code()).isEqualTo(400));
        }
        byte[] unknown =
                ENCODER.body("k8s.io.api.core.v1.ConfigMap", yaml("{kind: Nothing, apiVersion: example.com/v1}"));
        assertThatThrownBy(() -> ProtobufDecoder.decode(unknown)).hasMessageContaining("no protobuf message is known");
    }
}
