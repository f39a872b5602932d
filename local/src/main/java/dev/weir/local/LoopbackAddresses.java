package dev.weir.local;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Addresses for pods. On Linux each pod has one of its own in 127.0.0.0/8; where that cannot be bound, pods share
 * 127.0.0.1 and differ by port. Several local modes may run side by side: each begins at a random place.
 */
final class LoopbackAddresses implements AddressPool {
    private static final int TRIES = 50;

    private final Set<String> used = ConcurrentHashMap.newKeySet();
    private final int second = ThreadLocalRandom.current().nextInt(16, 250);
    private final int third = ThreadLocalRandom.current().nextInt(0, 200);
    private int next = 1;

    @Override
    public synchronized String take() {
        for (int attempt = 0; attempt < TRIES; attempt++) {
            int n = next++;
            String address = "127." + second + "." + (third + n / 250) % 250 + "." + (n % 250 + 2);
            if (bindable(address, 0) && used.add(address)) {
                return address;
            }
        }
        return "127.0.0.1";
    }

    @Override
    public void release(String address) {
        used.remove(address);
    }

    @Override
    public InetSocketAddress listenable(String address, int port) {
        if (port > 0 && bindable(address, port)) {
            return new InetSocketAddress(address, port);
        }
        return new InetSocketAddress(bindable(address, 0) ? address : "127.0.0.1", 0);
    }

    private static boolean bindable(String address, int port) {
        try (ServerSocket probe = new ServerSocket()) {
            probe.setReuseAddress(true);
            probe.bind(new InetSocketAddress(InetAddress.getByName(address), port));
            return true;
        } catch (IOException refused) {
            return false;
        }
    }
}
