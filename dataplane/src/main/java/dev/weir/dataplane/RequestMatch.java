package dev.weir.dataplane;

import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.QueryStringDecoder;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** One entry of a route's {@code match}: all conditions hold. */
record RequestMatch(List<Condition> conditions) {
    /**
     * What a request shows to the conditions.
     *
     * @param authority as the client sent it, with its port
     * @param path without the query
     * @param caller the workload that sends, or the gateway
     * @param port the one that the request is for
     * @param scheme http or https
     */
    record Subject(HttpRequest request, String authority, String path, Workload caller, int port, String scheme) {
        private @Nullable String header(String name) {
            return request.headers().get(name);
        }
    }

    /** What must hold. */
    sealed interface Condition {
        boolean test(Subject subject);

        record Uri(StringMatch match) implements Condition {
            @Override
            public boolean test(Subject subject) {
                return match.test(subject.path());
            }
        }

        record Method(StringMatch match) implements Condition {
            @Override
            public boolean test(Subject subject) {
                return match.test(subject.request().method().name());
            }
        }

        record Authority(StringMatch match) implements Condition {
            @Override
            public boolean test(Subject subject) {
                return match.test(subject.authority());
            }
        }

        record Scheme(StringMatch match) implements Condition {
            @Override
            public boolean test(Subject subject) {
                return match.test(subject.scheme());
            }
        }

        record Header(String name, StringMatch match) implements Condition {
            @Override
            public boolean test(Subject subject) {
                return match.test(subject.header(name));
            }
        }

        /** An absent header is an empty one here, unless presence is asked for. */
        record WithoutHeader(String name, StringMatch match) implements Condition {
            @Override
            public boolean test(Subject subject) {
                String value = subject.header(name);
                return !match.test(value == null && !(match instanceof StringMatch.Present) ? "" : value);
            }
        }

        record Query(String name, StringMatch match) implements Condition {
            @Override
            public boolean test(Subject subject) {
                List<String> values = new QueryStringDecoder(subject.request().uri())
                        .parameters()
                        .get(name);
                return match.test(values == null || values.isEmpty() ? null : values.getFirst());
            }
        }

        record Port(int number) implements Condition {
            @Override
            public boolean test(Subject subject) {
                return subject.port() == number;
            }
        }

        /** @param namespace empty for any */
        record Source(Map<String, String> labels, String namespace) implements Condition {
            @Override
            public boolean test(Subject subject) {
                return (namespace.isEmpty() || namespace.equals(subject.caller().namespace()))
                        && subject.caller().labels().entrySet().containsAll(labels.entrySet());
            }
        }

        /** Holds or not by where the route is put, so it is settled before any request: see {@link Route#through}. */
        record Gateways(Set<String> names) implements Condition {
            @Override
            public boolean test(Subject subject) {
                return true;
            }
        }
    }

    boolean test(Subject subject) {
        for (Condition condition : conditions) {
            if (!condition.test(subject)) {
                return false;
            }
        }
        return true;
    }

    /** The prefix that the path begins with, if the match asks for one; for rewrites. */
    @Nullable
    String prefix() {
        for (Condition condition : conditions) {
            if (condition instanceof Condition.Uri(StringMatch.Prefix(String text, boolean _))) {
                return text;
            }
            if (condition instanceof Condition.Uri(StringMatch.PathPrefix(String text))) {
                return text;
            }
        }
        return null;
    }

    /** True if requests of every kind match, so that no later route is ever asked. */
    boolean catchesAll() {
        return conditions.stream()
                .allMatch(condition -> condition instanceof Condition.Gateways
                        || condition instanceof Condition.Uri(StringMatch.Prefix(String text, boolean _))
                                && text.equals("/")
                        || condition instanceof Condition.Uri(StringMatch.PathPrefix(String path)) && path.isEmpty()
                        || condition instanceof Condition.Uri(StringMatch.Regex(com.google.re2j.Pattern pattern))
                                && pattern.pattern().equals(".*"));
    }
}
