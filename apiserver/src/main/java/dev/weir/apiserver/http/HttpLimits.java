package dev.weir.apiserver.http;

import java.time.Duration;

/**
 * What one client may cost a server.
 *
 * @param connections how many there may be; more are closed at once
 * @param requests how many are served at a time, watches aside; more get 429
 * @param request how long a connection may take to become secure and send a whole request
 * @param idle how long a connection may be without a request
 * @param unread how long a client may leave what it was sent unread
 */
public record HttpLimits(int connections, int requests, Duration request, Duration idle, Duration unread) {
    /** As on a cluster, where it has such a limit: 400 requests at a time, three minutes between two. */
    public static final HttpLimits STANDARD =
            new HttpLimits(2000, 400, Duration.ofSeconds(60), Duration.ofMinutes(3), Duration.ofSeconds(60));

    Duration shortest() {
        Duration shortest = request.compareTo(idle) < 0 ? request : idle;
        return shortest.compareTo(unread) < 0 ? shortest : unread;
    }
}
