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
            "appProtocol",
            "holderIdentity",
            "ingressClassName",
            "internalTrafficPolicy",
            "loadBalancerClass",
            "preferredHolder",
            "storageClassName",
            "timeZone",
            "trafficDistribution",
            "url",
            "volumeAttributesClassName",
            "TypedLocalObjectReference.apiGroup",
            "TypedObjectReference.apiGroup",
            "IngressClassParametersReference.apiGroup",
            "discovery.v1.EndpointPort.name",
            "discovery.v1.EndpointPort.protocol",
            "discovery.v1.Endpoint.hostname",
            "discovery.v1.Endpoint.nodeName",
            "discovery.v1.Endpoint.zone",
            "EndpointAddress.nodeName",
            "HostPathVolumeSource.type",
            "ServiceReference.path",
            "LeaseSpec.strategy");

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
            case INTEGER, NUMBER -> value.asDouble() == 0 && !isPointerNumber(parent, name);
            case STRING -> value.asText().isEmpty() && !isPointerText(parent, name);
            case INT_OR_STRING, ANY -> false;
        };
    }

    private static String component(Schema parent) {
        String component = parent.component();
        return component == null ? "" : component;
    }

    private static boolean isPointerText(Schema parent, String name) {
        if (POINTER_TEXTS.contains(name)) {
            return true;
        }
        String qualified = component(parent) + "." + name;
        return POINTER_TEXTS.stream().anyMatch(field -> qualified.endsWith("." + field));
    }

    /** Replicas are optional where they are wanted, and a plain count where they are reported. */
    private static boolean isPointerNumber(Schema parent, String name) {
        if (name.equals("replicas")) {
            return component(parent).endsWith("Spec") && !component(parent).endsWith(".ScaleSpec");
        }
        return POINTER_NUMBERS.contains(name);
    }
}
