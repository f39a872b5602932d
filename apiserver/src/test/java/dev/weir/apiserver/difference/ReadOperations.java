package dev.weir.apiserver.difference;

import java.util.ArrayList;
import java.util.List;

/** Draws reads, lists and watches of any kind. */
final class ReadOperations {
    private static final String METADATA =
            "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io,application/json";
    private static final String METADATA_LIST =
            "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json";
    private static final List<String> LABELS = List.of(
            "app=one",
            "app!=one",
            "app in (one,two)",
            "app notin (one)",
            "tier",
            "!tier",
            "app=one,tier=web",
            "app==one",
            "tier in (web),app!=two",
            "tier=",
            "app=");
    private static final List<String> BAD_LABELS =
            List.of("app=(", "app in", "=x", "app=a=b", "app in ()", "!app=x", "app>x", "tier<5", "bad key!", "a,,b");

    private final Plan plan;
    private final Draw draw;

    ReadOperations(Plan plan) {
        this.plan = plan;
        this.draw = plan.draw;
    }

    void add(KindModel kind) {
        switch (draw.below(10)) {
            case 0, 1 -> get(kind);
            case 2, 3, 4 -> list(kind);
            case 5 -> pages(kind);
            case 6, 7 -> atVersion(kind);
            default -> table(kind);
        }
    }

    private void get(KindModel kind) {
        String path = plan.path(kind, plan.someName(kind));
        if (draw.chance(15)) {
            plan.settle(path.substring(0, path.lastIndexOf('/')));
            path += draw.one(List.of("?resourceVersion=0", "?resourceVersion=nonsense", "?pretty=true"));
        }
        plan.add(Step.of("GET", path).accepting(draw.chance(20) ? METADATA : ""));
    }

    /** The query that keeps lists of all namespaces to this sequence's objects. */
    private List<String> scope(KindModel kind, String selector) {
        List<String> query = new ArrayList<>();
        String whole = kind.cluster() ? "seq=" + plan.word + (selector.isEmpty() ? "" : "," + selector) : selector;
        if (!whole.isEmpty()) {
            query.add(Plan.query("labelSelector", whole));
        }
        return query;
    }

    private static String url(String path, List<String> query) {
        return query.isEmpty() ? path : path + "?" + String.join("&", query);
    }

    private List<String> selection(KindModel kind) {
        String label = draw.chance(45) ? draw.one(LABELS) : draw.chance(5) ? draw.one(BAD_LABELS) : "";
        List<String> query = scope(kind, label);
        if (kind.has("fields") && draw.chance(35)) {
            query.add(Plan.query(
                    "fieldSelector", plan.oneOf(kind, "fields", "one").asText()));
        }
        return query;
    }

    private void list(KindModel kind) {
        List<String> query = selection(kind);
        boolean everywhere = !kind.cluster() && draw.chance(8);
        String collection = plan.collection(kind);
        if (everywhere) {
            collection = collection.replace("/namespaces/" + plan.word, "");
            query = List.of(Plan.query("labelSelector", "seq=" + plan.word));
        }
        plan.add(Step.of("GET", url(collection, query)).accepting(draw.chance(15) ? METADATA_LIST : ""));
    }

    /** A list in pieces, with a write between them that the later pieces must not show. */
    private void pages(KindModel kind) {
        String collection = plan.collection(kind);
        List<String> query = scope(kind, draw.chance(20) ? "app" : "");
        query.add("limit=" + (1 + draw.below(2)));
        String accept = draw.chance(20) ? Step.TABLE : "";
        int page = plan.add(Step.of("GET", url(collection, query)).accepting(accept));
        int pages = 1 + draw.below(3);
        for (int i = 0; i < pages; i++) {
            if (draw.chance(50)) {
                new WriteOperations(plan).create(kind);
            } else if (draw.chance(30)) {
                plan.add(Step.of("DELETE", plan.path(kind, plan.someName(kind))));
            }
            List<String> next = new ArrayList<>(query);
            next.add("continue=${step:" + page + ":/metadata/continue}");
            if (draw.chance(10)) {
                next.add("resourceVersion=1");
            }
            page = plan.add(Step.of("GET", url(collection, next)).accepting(accept));
        }
        if (draw.chance(10)) {
            plan.add(Step.of("GET", url(collection, List.of("limit=1", "continue=nonsense"))));
        }
    }

    /** A list as of an earlier revision, or with the options that go with one. */
    private void atVersion(KindModel kind) {
        String collection = plan.collection(kind);
        List<String> query = scope(kind, "");
        int before = plan.add(Step.of("GET", url(collection, query)));
        int between = draw.below(3);
        for (int i = 0; i < between; i++) {
            new WriteOperations(plan).add(kind);
        }
        String version =
                draw.one(List.of("${start}", "0", "", "nonsense", "${step:" + before + ":/metadata/resourceVersion}"));
        if (draw.chance(50)) {
            version = "${step:" + before + ":/metadata/resourceVersion}";
        }
        if (draw.chance(90)) {
            query.add("resourceVersion=" + version);
        }
        if (draw.chance(70)) {
            query.add("resourceVersionMatch="
                    + draw.one(List.of("Exact", "Exact", "NotOlderThan", "NotOlderThan", "Odd", "")));
        }
        if (draw.chance(25)) {
            query.add("limit=" + draw.one(List.of("1", "2", "0", "-1", "x")));
        }
        if (draw.chance(5)) {
            query.add("sendInitialEvents=true");
        }
        plan.settle(collection);
        plan.add(Step.of("GET", url(collection, query)));
    }

    private void table(KindModel kind) {
        String include = draw.one(List.of("", "?includeObject=None", "?includeObject=Object", "?includeObject=Odd"));
        if (draw.chance(40)) {
            plan.add(Step.of("GET", plan.path(kind, plan.someName(kind)) + include)
                    .accepting(Step.TABLE));
        } else {
            plan.add(Step.of("GET", url(plan.collection(kind), selection(kind))).accepting(Step.TABLE));
        }
    }

    /** What a watcher from the beginning was told, and what one sees who begins now. */
    void watches(List<KindModel> kinds) {
        List<Step> watches = new ArrayList<>();
        for (KindModel kind : kinds) {
            String watched = plan.collection(kind);
            plan.settle(watched);
            plan.add(Step.of("GET", url(plan.collection(kind), scope(kind, ""))));
            List<String> query = new ArrayList<>(List.of("watch=1", "timeoutSeconds=1"));
            query.addAll(draw.chance(50) ? scope(kind, "") : selection(kind));
            switch (draw.below(8)) {
                case 0, 1 ->
                    query.addAll(List.of(
                            "sendInitialEvents=true", "resourceVersionMatch=NotOlderThan", "allowWatchBookmarks=true"));
                case 2 -> query.add("sendInitialEvents=true");
                case 3 -> query.addAll(List.of("allowWatchBookmarks=true", "resourceVersion=${start}"));
                case 4 -> query.addAll(List.of("resourceVersion=${start}", "resourceVersionMatch=NotOlderThan"));
                default -> query.add("resourceVersion=${start}");
            }
            String accept = switch (draw.below(8)) {
                case 0 -> Step.TABLE;
                case 1 -> METADATA;
                default -> "";
            };
            watches.add(Step.of(Step.WATCH, url(watched, query)).accepting(accept));
        }
        watches.forEach(plan::add);
    }
}
