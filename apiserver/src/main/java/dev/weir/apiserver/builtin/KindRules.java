package dev.weir.apiserver.builtin;

import static dev.weir.apiserver.builtin.FieldRule.address;
import static dev.weir.apiserver.builtin.FieldRule.atLeast;
import static dev.weir.apiserver.builtin.FieldRule.fixed;
import static dev.weir.apiserver.builtin.FieldRule.immutable;
import static dev.weir.apiserver.builtin.FieldRule.named;
import static dev.weir.apiserver.builtin.FieldRule.notNegative;
import static dev.weir.apiserver.builtin.FieldRule.ofNew;
import static dev.weir.apiserver.builtin.FieldRule.oneOf;
import static dev.weir.apiserver.builtin.FieldRule.port;
import static dev.weir.apiserver.builtin.FieldRule.range;
import static dev.weir.apiserver.builtin.FieldRule.required;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.weir.apiserver.rest.FieldError;
import dev.weir.apiserver.rest.ObjectMeta.NameRule;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The rules of single fields, kind by kind, after the validation packages of Kubernetes 1.34. Pure. */
final class KindRules {
    private static final List<FieldRule> WEBHOOKS = List.of(
            required("webhooks[].admissionReviewVersions", "must specify one of v1, v1beta1"),
            required("webhooks[].sideEffects", "must specify one of None, NoneOnDryRun"),
            oneOf("webhooks[].sideEffects", "None", "NoneOnDryRun"),
            oneOf("webhooks[].failurePolicy", "Fail", "Ignore"),
            oneOf("webhooks[].matchPolicy", "Equivalent", "Exact"),
            required("webhooks[].rules[].apiGroups", ""),
            required("webhooks[].rules[].apiVersions", ""),
            required("webhooks[].rules[].resources", ""),
            required("webhooks[].rules[].operations", ""));

    private static final Map<String, List<FieldRule>> OF = Map.ofEntries(
            Map.entry(
                    "controllerrevisions",
                    List.of(ofNew(required("data", "data is mandatory")), notNegative("revision"), immutable("data"))),
            Map.entry("ingressclasses", List.of(required("spec.controller", ""), immutable("spec.controller"))),
            Map.entry(
                    "priorityclasses",
                    List.of(
                            ofNew(oneOf("preemptionPolicy", "PreemptLowerPriority", "Never")),
                            fixed("value", "may not be changed in an update."),
                            immutable("preemptionPolicy"))),
            Map.entry("runtimeclasses", List.of(named(NameRule.LABEL, "handler"), immutable("handler"))),
            Map.entry(
                    "storageclasses",
                    List.of(
                            required("provisioner", ""),
                            oneOf("reclaimPolicy", "Delete", "Retain"),
                            oneOf("volumeBindingMode", "Immediate", "WaitForFirstConsumer"),
                            fixed("parameters", "updates to parameters are forbidden."),
                            fixed("provisioner", "updates to provisioner are forbidden."),
                            fixed("reclaimPolicy", "updates to reclaimPolicy are forbidden."),
                            immutable("volumeBindingMode"))),
            Map.entry(
                    "leases",
                    List.of(
                            atLeast(1, "must be greater than 0", "spec.leaseDurationSeconds"),
                            notNegative("spec.leaseTransitions"))),
            Map.entry(
                    "cronjobs",
                    List.of(notNegative(
                            "spec.startingDeadlineSeconds",
                            "spec.successfulJobsHistoryLimit",
                            "spec.failedJobsHistoryLimit"))),
            Map.entry(
                    "jobs",
                    List.of(
                            notNegative(
                                    "spec.ttlSecondsAfterFinished",
                                    "spec.backoffLimitPerIndex",
                                    "spec.maxFailedIndexes",
                                    "status.active",
                                    "status.succeeded",
                                    "status.failed"),
                            oneOf("spec.completionMode", "NonIndexed", "Indexed"),
                            immutable("spec.backoffLimitPerIndex", "spec.podFailurePolicy", "spec.managedBy"))),
            Map.entry(
                    "poddisruptionbudgets",
                    List.of(
                            oneOf("spec.unhealthyPodEvictionPolicy", "AlwaysAllow", "IfHealthyBudget"),
                            notNegative(
                                    "status.disruptionsAllowed",
                                    "status.currentHealthy",
                                    "status.desiredHealthy",
                                    "status.expectedPods"))),
            Map.entry(
                    "horizontalpodautoscalers",
                    List.of(required("spec.metrics[].type", "must specify a metric source type"))),
            Map.entry(
                    "networkpolicies",
                    List.of(
                            oneOf("spec.policyTypes[]", "Ingress", "Egress"),
                            range("spec.ingress[].from[].ipBlock.cidr"),
                            range("spec.egress[].to[].ipBlock.cidr"),
                            port("spec.ingress[].ports[].port", "spec.egress[].ports[].port"))),
            Map.entry("ingresses", List.of(required("spec.rules[].http.paths", ""))),
            Map.entry(
                    "endpointslices",
                    List.of(
                            required("endpoints[].addresses", "must contain at least 1 address"),
                            oneOf("ports[].protocol", "SCTP", "TCP", "UDP"),
                            oneOf("addressType", "FQDN", "IPv4", "IPv6"),
                            immutable("addressType"))),
            Map.entry(
                    "endpoints",
                    List.of(port("subsets[].ports[].port"), oneOf("subsets[].ports[].protocol", "SCTP", "TCP", "UDP"))),
            Map.entry("nodes", List.of(range("spec.podCIDRs[]"))),
            Map.entry("persistentvolumes", List.of(required("spec.accessModes", ""), required("spec.capacity", ""))),
            Map.entry("persistentvolumeclaims", List.of(oneOf("spec.volumeMode", "Block", "Filesystem"))),
            Map.entry(
                    "services",
                    List.of(
                            oneOf("spec.sessionAffinity", "ClientIP", "None"),
                            oneOf("spec.internalTrafficPolicy", "Cluster", "Local"),
                            oneOf("spec.ports[].protocol", "SCTP", "TCP", "UDP"),
                            named(NameRule.LABEL, "spec.ports[].name"))),
            Map.entry(
                    "rolebindings",
                    List.of(
                            oneOf("roleRef.apiGroup", "rbac.authorization.k8s.io"),
                            oneOf("subjects[].kind", "ServiceAccount", "User", "Group"))),
            Map.entry(
                    "clusterrolebindings",
                    List.of(
                            oneOf("roleRef.apiGroup", "rbac.authorization.k8s.io"),
                            oneOf("subjects[].kind", "ServiceAccount", "User", "Group"))),
            Map.entry(
                    "replicationcontrollers",
                    List.of(notNegative("spec.replicas", "spec.minReadySeconds"), required("spec.selector", ""))),
            Map.entry(
                    "deployments",
                    List.of(notNegative("spec.minReadySeconds", "spec.revisionHistoryLimit", "status.replicas"))),
            Map.entry("replicasets", List.of(notNegative("spec.minReadySeconds", "status.replicas"))),
            Map.entry("statefulsets", List.of(notNegative("spec.minReadySeconds", "status.replicas"))),
            Map.entry("daemonsets", List.of(notNegative("spec.minReadySeconds"))),
            Map.entry("pods", List.of(address("spec.hostAliases[].ip"))),
            Map.entry("validatingwebhookconfigurations", WEBHOOKS),
            Map.entry("mutatingwebhookconfigurations", WEBHOOKS));

    private KindRules() {}

    /** What is wrong with single fields; {@code old} is null for a new object. */
    static List<FieldError> problems(String plural, ObjectNode object, @Nullable ObjectNode old) {
        List<FieldError> errors = new ArrayList<>();
        OF.getOrDefault(plural, List.of()).forEach(rule -> rule.check(object, old, errors));
        return errors;
    }
}
