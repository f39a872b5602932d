package dev.weir.kubernetes;

/**
 * A namespaced kind of objects.
 *
 * @param group empty for the core group
 */
public record ObjectKind(String group, String version, String kind, String plural) {
    public static final ObjectKind RELEASE = new ObjectKind("weir.dev", "v1alpha1", "Release", "releases");
    public static final ObjectKind DEPLOYMENT = new ObjectKind("apps", "v1", "Deployment", "deployments");
    public static final ObjectKind SERVICE = new ObjectKind("", "v1", "Service", "services");
    public static final ObjectKind CONFIG_MAP = new ObjectKind("", "v1", "ConfigMap", "configmaps");
    public static final ObjectKind CONTROLLER_REVISION =
            new ObjectKind("apps", "v1", "ControllerRevision", "controllerrevisions");
    public static final ObjectKind ENDPOINT_SLICE =
            new ObjectKind("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices");

    public String apiVersion() {
        return group.isEmpty() ? version : group + "/" + version;
    }
}
