package dev.weir.apiserver.builtin;

import com.fasterxml.jackson.databind.JsonNode;
import dev.weir.apiserver.schema.Schema;
import java.util.Set;

/**
 * Which values the Go structs of built-in kinds do not write: optional fields ({@code omitempty}) that are empty.
 *
 * <p>Fields held by pointer are written even if false, zero or empty. The published schemas do not say which those are,
 * so they are listed here, by name, from the API types of Kubernetes 1.34.
 */
final class ZeroValues {
    private static final Set<String> POINTER_FLAGS = Set.of(
            "allocateLoadBalancerNodePorts",
            "allowPrivilegeEscalation",
            "allowVolumeExpansion",
            "attachRequired",
            "automountServiceAccountToken",
            "blockOwnerDeletion",
            "controller",
            "enableServiceLinks",
            "hostUsers",
            "immutable",
            "manualSelector",
            "optional",
            "orphanDependents",
            "podInfoOnMount",
            "privileged",
            "readOnlyRootFilesystem",
            "ready",
            "requiresRepublish",
            "runAsNonRoot",
            "seLinuxMount",
            "serving",
            "setHostnameAsFQDN",
            "shareProcessNamespace",
            "started",
            "storageCapacity",
            "suspend",
            "terminating",
            "exact",
            "hostProcess",
            "nullable",
            "x-kubernetes-preserve-unknown-fields");
    private static final Set<String> POINTER_NUMBERS = Set.of(
            "activeDeadlineSeconds",
            "averageUtilization",
            "backoffLimit",
            "backoffLimitPerIndex",
            "completions",
            "currentAverageUtilization",
            "defaultMode",
            "deletionGracePeriodSeconds",
            "expirationSeconds",
            "failedJobsHistoryLimit",
            "fsGroup",
            "gracePeriodSeconds",
            "leaseDurationSeconds",
            "leaseTransitions",
            "maxFailedIndexes",
            "maxLength",
            "maxItems",
            "maxProperties",
            "maximum",
            "minDomains",
            "minItems",
            "minLength",
            "minProperties",
            "minReplicas",
            "minimum",
            "mode",
            "parallelism",
            "partition",
            "priority",
            "progressDeadlineSeconds",
            "ready",
            "replicas",
            "revisionHistoryLimit",
            "runAsGroup",
            "runAsUser",
            "seconds",
            "stabilizationWindowSeconds",
            "startingDeadlineSeconds",
            "successfulJobsHistoryLimit",
            "targetCPUUtilizationPercentage",
            "terminating",
            "terminatingReplicas",
            "terminationGracePeriodSeconds",
            "tolerationSeconds",
            "ttlSecondsAfterFinished",
            "value",
            "limit",
            "exponent",
            "port");
    private static final Set<String> POINTER_TEXTS = Set.of(
            "apiGroup",
            "appProtocol",
            "holderIdentity",
            "hostname",
            "ingressClassName",
            "internalTrafficPolicy",
            "loadBalancerClass",
            "name",
            "nodeName",
            "path",
            "preferredHolder",
            "protocol",
            "storageClassName",
            "strategy",
            "trafficDistribution",
            "type",
            "url",
            "volumeAttributesClassName",
            "zone",
            "subsetName");

    private ZeroValues() {}

    /** True if the struct of {@code parent} leaves this field out when it is written. */
    static boolean omitted(Schema parent, String name, Schema field, JsonNode value) {
        if (parent.required().contains(name)) {
            return false;
        }
        return switch (field.type()) {
            case ARRAY -> value.isEmpty();
            case OBJECT -> value.isEmpty() && field.additionalProperties() != null;
            case BOOLEAN -> !value.asBoolean() && !POINTER_FLAGS.contains(name);
            case INTEGER, NUMBER -> value.asDouble() == 0 && !POINTER_NUMBERS.contains(name);
            case STRING -> value.asText().isEmpty() && !POINTER_TEXTS.contains(name);
            case INT_OR_STRING, ANY -> false;
        };
    }
}
