package dev.weir.dataplane;

/** A workload as Istio's metrics name it. What is not known is {@code unknown}. */
record Peer(
        String workload,
        String namespace,
        String app,
        String version,
        String canonicalService,
        String canonicalRevision) {
    static final Peer UNKNOWN = new Peer("unknown", "unknown", "unknown", "unknown", "unknown", "latest");

    /** Stands for all that are beyond the bound on series. */
    static final Peer OTHER = new Peer("other", "other", "other", "other", "other", "other");

    static Peer of(Workload workload) {
        return workload.equals(Workload.UNKNOWN)
                ? UNKNOWN
                : new Peer(
                        workload.workload(),
                        workload.namespace(),
                        workload.label("app"),
                        workload.label("version"),
                        first(
                                workload,
                                workload.workload(),
                                "service.istio.io/canonical-name",
                                "app.kubernetes.io/name",
                                "app"),
                        first(
                                workload,
                                "latest",
                                "service.istio.io/canonical-revision",
                                "app.kubernetes.io/version",
                                "version"));
    }

    private static String first(Workload workload, String otherwise, String... labels) {
        for (String label : labels) {
            String value = workload.labels().get(label);
            if (value != null && !value.isEmpty()) {
                return value;
            }
        }
        return otherwise;
    }
}
