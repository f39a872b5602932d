package dev.weir.dataplane;

import dev.weir.dataplane.Route.Action;
import dev.weir.dataplane.RouteTable.Found;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpHeaders;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Decisions in a form that a person can read, for golden files. */
final class RouteText {
    private RouteText() {}

    static Object of(Found found, RequestMatch.Subject subject) {
        return switch (found) {
            case Found.NoRoute() -> "404, no route";
            case Found.NoHost() -> "502, nobody has the name";
            case Found.ToHttps() -> "301 to https";
            case Found.Plain(ServiceTable.Service service) -> "straight to " + service.fqdn();
            case Found.Matched(Route route, RequestMatch match) -> matched(route, match, subject);
        };
    }

    private static Object matched(Route route, RequestMatch match, RequestMatch.Subject subject) {
        Map<String, Object> text = new LinkedHashMap<>();
        if (!route.name().isEmpty()) {
            text.put("route", route.name());
        }
        route.fault().ifPresent(fault -> text.put("fault", fault(fault)));
        route.cors().ifPresent(cors -> text.put("other origins", cors(cors)));
        switch (route.action()) {
            case Action.Refused(int status, String reason) -> text.put("answer", status + " " + reason);
            case Action.Answer(int status, byte[] body, HeaderEdits response) -> {
                text.put("answer", status + " with " + body.length + " bytes");
                edits(text, "response", List.of(response));
            }
            case Action.Redirect(RedirectTarget target, HeaderEdits response) -> {
                String to = target.location(subject.request().uri(), match.prefix(), subject);
                text.put("redirect", target.code() + " to " + to);
                edits(text, "response", List.of(response));
            }
            case Action.Forward forward -> forward(text, forward, match, subject);
        }
        return text;
    }

    private static Map<String, Object> cors(CorsPolicy cors) {
        Map<String, Object> text = new LinkedHashMap<>();
        text.put("origins", cors.origins().stream().map(Object::toString).toList());
        Map.of("methods", cors.methods(), "headers", cors.headers(), "sees", cors.exposed(), "seconds", cors.maxAge())
                .entrySet()
                .stream()
                .filter(entry -> !entry.getValue().isEmpty())
                .sorted(Map.Entry.comparingByKey())
                .forEach(entry -> text.put(entry.getKey(), entry.getValue()));
        text.put("credentials", cors.credentials());
        text.put("preflights of others", cors.answersOthers() ? "answered" : "sent on");
        return text;
    }

    private static String fault(Route.Fault fault) {
        return "delay " + fault.delayPercent() + " % by " + fault.delay() + ", abort " + fault.abortPercent()
                + " % with " + fault.abortStatus();
    }

    private static void forward(
            Map<String, Object> text, Action.Forward forward, RequestMatch match, RequestMatch.Subject subject) {
        String target = forward.rewrite().apply(subject.request().uri(), match.prefix());
        if (!target.equals(subject.request().uri())) {
            text.put("rewritten", target);
        }
        if (forward.rewrite().authority() != null) {
            text.put("authority", forward.rewrite().authority());
        }
        forward.timeout().ifPresent(timeout -> text.put("timeout", timeout.toString()));
        if (!forward.retries().equals(RetryPolicy.STANDARD)) {
            RetryPolicy retries = forward.retries();
            text.put(
                    "retries",
                    retries.attempts() + " on " + retries.conditions() + " " + retries.codes() + " each "
                            + retries.perTry().map(Object::toString).orElse("unlimited") + " pause "
                            + retries.backoff());
        }
        Map<String, Object> destinations = new LinkedHashMap<>();
        for (Route.Destination destination : forward.destinations()) {
            Map<String, Object> one = new LinkedHashMap<>();
            one.put("share", share(forward.destinations(), destination));
            edits(one, "request", destination.request());
            edits(one, "response", destination.response());
            String name = destination.host().isEmpty()
                    ? "nowhere, " + destination.missing() + " (" + destinations.size() + ")"
                    : name(destination.host(), destination.subset(), destination.port());
            destinations.put(name, one);
        }
        text.put("to", destinations);
        forward.mirrors()
                .forEach(mirror -> text.put(
                        "copy to " + name(mirror.host(), mirror.subset(), mirror.port()),
                        "of " + mirror.percent() + " %"));
    }

    private static String name(String host, String subset, int port) {
        return host + ":" + port + (subset.isEmpty() ? "" : " subset " + subset);
    }

    /** How many of a thousand evenly spread draws take the destination. */
    private static String share(List<Route.Destination> all, Route.Destination one) {
        int taken = 0;
        for (int i = 0; i < 1000; i++) {
            if (one.equals(Route.choose(all, i / 1000.0))) {
                taken++;
            }
        }
        return taken / 10.0 + " %";
    }

    /** What becomes of some headers. */
    private static void edits(Map<String, Object> text, String side, List<HeaderEdits> edits) {
        HttpHeaders headers = new DefaultHttpHeaders();
        headers.add("host", "as-asked").add("x-old", "old").add("x-both", "old");
        edits.forEach(edit -> {
            if (side.equals("request")) {
                edit.applyToRequest(headers);
            } else {
                edit.applyToResponse(headers);
            }
        });
        Map<String, Object> after = new LinkedHashMap<>();
        headers.names().stream().sorted().forEach(name -> after.put(name, String.join(" | ", headers.getAll(name))));
        if (!after.equals(Map.of("host", "as-asked", "x-old", "old", "x-both", "old"))) {
            text.put(side + " headers", after);
        }
    }
}
