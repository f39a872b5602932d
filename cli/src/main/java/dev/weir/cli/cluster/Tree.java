package dev.weir.cli.cluster;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** A release as a tree: itself, its versions with what they get of the requests, their pods. */
final class Tree {
    private static final int NAME_WIDTH = 24;

    private final boolean unicode;

    /** @param unicode false where the terminal knows ASCII only */
    Tree(boolean unicode) {
        this.unicode = unicode;
    }

    /** Lines without line ends. */
    List<String> lines(Snapshot seen, Instant now) {
        List<String> lines = new ArrayList<>();
        JsonNode release = seen.release();
        lines.add(Releases.namespace(release) + "/" + Releases.name(release) + "  "
                + release.path("spec").path("strategy").asText() + "  " + state(release, now));
        List<Snapshot.Version> versions = seen.versions();
        for (int i = 0; i < versions.size(); i++) {
            boolean last = i == versions.size() - 1;
            Snapshot.Version version = versions.get(i);
            lines.add((last ? corner() : fork()) + version(seen, version));
            for (int pod = 0; pod < version.pods().size(); pod++) {
                boolean lastPod = pod == version.pods().size() - 1;
                lines.add((last ? "   " : bar())
                        + (lastPod ? corner() : fork())
                        + pod(version.pods().get(pod), now));
            }
        }
        return lines;
    }

    /** All of it in one line, without anything that changes by itself. */
    static String line(Snapshot seen) {
        JsonNode release = seen.release();
        StringBuilder line = new StringBuilder(Releases.namespace(release) + "/" + Releases.name(release));
        line.append(' ').append(Releases.phase(release));
        line.append(' ')
                .append(Releases.condition(release, "Ready").path("reason").asText("NotObserved"));
        for (Snapshot.Version version : seen.versions()) {
            line.append(" | ")
                    .append(version.name())
                    .append(' ')
                    .append(version.readyReplicas())
                    .append('/')
                    .append(version.replicas())
                    .append(' ')
                    .append(Traffic.words(seen.plan(), version.name()));
        }
        return line.toString();
    }

    private static String state(JsonNode release, Instant now) {
        if (!Releases.isCurrent(release)) {
            return "not seen by the operator yet";
        }
        JsonNode ready = Releases.condition(release, "Ready");
        String phase = Releases.phase(release);
        String since =
                Releases.condition(release, phase).path("lastTransitionTime").asText();
        return phase
                + (phase.equals("Ready")
                        ? ""
                        : " " + ready.path("reason").asText() + ": "
                                + ready.path("message").asText())
                + "  " + Ages.since(since, now);
    }

    private String version(Snapshot seen, Snapshot.Version version) {
        return pad(version.name()) + "  " + Traffic.bar(seen.plan(), version.name(), unicode) + "  "
                + version.readyReplicas() + "/" + version.replicas() + " ready  "
                + (version.role().isEmpty() ? "" : version.role() + "  ") + Traffic.words(seen.plan(), version.name())
                + (version.image().isEmpty() ? "" : "  " + version.image());
    }

    private static String pad(String name) {
        return name + " ".repeat(Math.max(0, NAME_WIDTH - name.length()));
    }

    private static String pod(JsonNode pod, Instant now) {
        JsonNode status = pod.path("status");
        String state = status.path("phase").asText();
        int restarts = 0;
        for (JsonNode container : status.path("containerStatuses")) {
            restarts += container.path("restartCount").asInt();
            state = container.path("state").path("waiting").path("reason").asText(state);
        }
        if (pod.path("metadata").has("deletionTimestamp")) {
            state = "Terminating";
        }
        boolean ready = Releases.condition(pod, "Ready").path("status").asText().equals("True");
        return Releases.name(pod) + "  " + state + (ready ? "  ready" : "  not ready")
                + (restarts == 0 ? "" : "  " + restarts + (restarts == 1 ? " restart" : " restarts")) + "  "
                + Ages.since(pod.path("metadata").path("creationTimestamp").asText(), now);
    }

    private String fork() {
        return unicode ? "├─ " : "|- ";
    }

    private String corner() {
        return unicode ? "└─ " : "`- ";
    }

    private String bar() {
        return unicode ? "│  " : "|  ";
    }
}
