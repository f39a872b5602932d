package dev.weir.e2e;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** Sends one request after the other until stopped, none of them twice, and remembers every answer. */
final class ContinuousClient implements AutoCloseable {
    /**
     * How a client behaves.
     *
     * @param name marks its requests in the servers' access lines
     * @param body empty for GET, else POST
     * @param keepAlive false opens a connection for each request
     * @param pauseNanos between two requests; 0 for full speed
     * @param path that it asks for
     * @param header a further header's whole line; empty for none
     */
    record Habit(String name, String body, boolean keepAlive, long pauseNanos, String path, String header) {
        /** One that talks to httpbin. */
        Habit(String name, String body, boolean keepAlive, long pauseNanos) {
            this(name, body, keepAlive, pauseNanos, body.isEmpty() ? "/get" : "/post", "");
        }
    }

    private static final int REMEMBERED = 20;

    private final Habit habit;
    private final InetSocketAddress server;
    private final String host;
    private final Map<String, AtomicLong> answers = new ConcurrentSkipListMap<>();
    private final List<String> failures = Collections.synchronizedList(new ArrayList<>());
    private final Thread thread;
    private volatile boolean stopped;

    ContinuousClient(Habit habit, InetSocketAddress server, String host) {
        this.habit = habit;
        this.server = server;
        this.host = host;
        this.thread = Thread.ofVirtual().name(habit.name()).start(this::run);
    }

    String name() {
        return habit.name();
    }

    /** How many requests were answered 200 by the version. */
    long answered(String version) {
        AtomicLong count = answers.get("200 " + version);
        return count == null ? 0 : count.get();
    }

    /** Every kind of answer ("status version") with its count. */
    Map<String, AtomicLong> answers() {
        return answers;
    }

    /** The first answers that were not 200 and the first errors of connections, with their times. */
    List<String> failures() {
        return failures;
    }

    private void run() {
        RawConnection connection = null;
        while (!stopped) {
            connection = once(connection);
            if (habit.pauseNanos() > 0) {
                LockSupport.parkNanos(habit.pauseNanos());
            }
        }
        close(connection);
    }

    private @Nullable RawConnection once(@Nullable RawConnection open) {
        RawConnection connection = open;
        try {
            if (connection == null) {
                connection = new RawConnection(server);
            }
            String target = habit.path() + "?client=" + habit.name();
            RawConnection.Answer answer = connection.send(host, target, habit.body(), habit.header());
            count(answer.status() + " " + answer.version());
            if (answer.status() != 200) {
                fail(answer.toString());
            }
            if (habit.keepAlive() && !connection.closing()) {
                return connection;
            }
        } catch (IOException failure) {
            count("error");
            fail(failure.toString());
        }
        close(connection);
        return null;
    }

    private void count(String kind) {
        answers.computeIfAbsent(kind, _ -> new AtomicLong()).incrementAndGet();
    }

    private void fail(String what) {
        if (failures.size() < REMEMBERED) {
            failures.add(Instant.now() + " " + what);
        }
    }

    private static void close(@Nullable RawConnection connection) {
        if (connection != null) {
            try {
                connection.close();
            } catch (IOException gone) {
                // it is closed then
            }
        }
    }

    /** Lets the request under way finish. */
    @Override
    public void close() {
        stopped = true;
        try {
            thread.join();
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
