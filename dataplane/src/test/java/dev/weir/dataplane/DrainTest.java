package dev.weir.dataplane;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Pods and listeners that go while clients go on sending: nothing fails, and every request is served once. */
class DrainTest {
    private static final int CLIENTS = 8;

    private final ProxyFixture mesh = new ProxyFixture(DataPlaneOptions.standard());
    private final AtomicInteger answered = new AtomicInteger();
    private final AtomicInteger served = new AtomicInteger();
    /** Clients that have not ended. */
    private final AtomicInteger active = new AtomicInteger();
    /** What lets the pod go on that got the newest request. */
    private final AtomicReference<@Nullable CountDownLatch> waiting = new AtomicReference<>();

    private final ConcurrentLinkedQueue<String> wrong = new ConcurrentLinkedQueue<>();
    private final List<Thread> clients = new ArrayList<>();
    private volatile boolean over;

    @AfterEach
    void close() {
        over = true;
        mesh.close();
    }

    /**
     * Answers a request when the next one has come, to whichever pod, so that there is always something under way. The
     * last client is answered at once.
     */
    private Pod pod() {
        return Pod.start((request, in, out) -> {
            request.body(in);
            CountDownLatch next = new CountDownLatch(1);
            answer(waiting.getAndSet(next));
            if (active.get() > 1) {
                next.await();
            }
            served.incrementAndGet();
            out.write(Pod.ok("ok"));
            return true;
        });
    }

    private static void answer(@Nullable CountDownLatch waiting) {
        if (waiting != null) {
            waiting.countDown();
        }
    }

    /** Clients that keep their connections and open a new one when they are told to; half of them post. */
    private void load(ProxyListener listener, boolean untilRefused) {
        active.set(CLIENTS);
        for (int i = 0; i < CLIENTS; i++) {
            boolean posts = i % 2 == 0;
            clients.add(Thread.startVirtualThread(() -> {
                try {
                    while (!over) {
                        connection(listener, posts);
                    }
                } catch (ConnectException refused) {
                    if (!untilRefused) {
                        wrong.add(refused.toString());
                    }
                } catch (IOException failure) {
                    wrong.add(failure.toString());
                } finally {
                    active.decrementAndGet();
                    answer(waiting.get());
                }
            }));
        }
    }

    private void connection(ProxyListener listener, boolean posts) throws IOException {
        try (Socket socket = new Socket("127.0.0.1", listener.address().getPort())) {
            socket.setSoTimeout(20_000);
            InputStream in = socket.getInputStream();
            boolean again = true;
            while (again && !over) {
                socket.getOutputStream()
                        .write(Pod.bytes((posts ? "POST" : "GET") + " / HTTP/1.1\r\nHost: app.default\r\n"
                                + (posts ? "Content-Length: 5\r\n\r\nhello" : "\r\n")));
                String status = Pod.line(in);
                if (!status.equals("HTTP/1.1 200 OK")) {
                    wrong.add("[" + status + "]");
                    return;
                }
                for (String line = Pod.line(in); !line.isEmpty(); line = Pod.line(in)) {
                    again &= !line.toLowerCase(Locale.ROOT).equals("connection: close");
                }
                in.readNBytes(2);
                answered.incrementAndGet();
            }
        }
    }

    private void goOn(int more) {
        int goal = answered.get() + more;
        await().atMost(Duration.ofSeconds(30)).until(() -> answered.get() >= goal || !wrong.isEmpty());
    }

    private void join() throws InterruptedException {
        for (Thread client : clients) {
            client.join(Duration.ofSeconds(30));
            assertThat(client.isAlive()).isFalse();
        }
    }

    @Test
    void podsComeAndGoUnderLoad() throws Exception {
        Pod current = pod();
        mesh.route("[{route: [{destination: {host: pod}}]}]").service("pod", current.port());
        load(mesh.sidecar(), false);
        for (int i = 0; i < 10; i++) {
            goOn(100);
            Pod next = pod();
            mesh.service("pod", current.port(), next.port());
            goOn(20);
            mesh.service("pod", next.port());
            InetSocketAddress old = new InetSocketAddress("127.0.0.1", current.port());
            assertThat(mesh.dataPlane().awaitQuiet(Set.of(old), Duration.ofSeconds(20)))
                    .isTrue();
            current.close();
            current = next;
        }
        goOn(100);
        over = true;
        join();
        assertThat(wrong).isEmpty();
        assertThat(served).hasValue(answered.get());
        current.close();
    }

    @Test
    void aListenerThatClosesAnswersWhatIsUnderWayAndSaysThatItGoes() throws Exception {
        try (Pod pod = pod()) {
            mesh.route("[{route: [{destination: {host: pod}}]}]").service("pod", pod.port());
            ProxyListener listener =
                    mesh.dataPlane().openSidecar(ProxyFixture.CALLER, new InetSocketAddress("127.0.0.1", 0));
            load(listener, true);
            goOn(400);
            listener.close();
            join();
            assertThat(wrong).isEmpty();
            assertThat(served).hasValue(answered.get());
        }
    }

    @Test
    void anIdleConnectionOfAListenerThatClosesIsClosedAfterAMoment() throws Exception {
        ProxyListener listener =
                mesh.dataPlane().openSidecar(ProxyFixture.CALLER, new InetSocketAddress("127.0.0.1", 0));
        try (Socket idle = new Socket("127.0.0.1", listener.address().getPort())) {
            idle.setSoTimeout(20_000);
            idle.getOutputStream().write(Pod.bytes("GET / HTTP/1.1\r\nHost: nobody.default\r\n\r\n"));
            assertThat(Pod.line(idle.getInputStream())).startsWith("HTTP/1.1 502");
            listener.close();
            while (idle.getInputStream().read() >= 0) {
                // the rest of the answer, then the end
            }
        } catch (SocketException reset) {
            throw new UncheckedIOException(reset);
        }
    }
}
