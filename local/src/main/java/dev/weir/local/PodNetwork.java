package dev.weir.local;

import io.fabric8.kubernetes.api.model.Pod;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Where one pod is in the network: its address, and what carries the requests of its processes. Thread-safe.
 *
 * <p>The pod object is an argument, since its labels may change.
 */
interface PodNetwork extends AutoCloseable {
    /** Gives pods their networks. */
    interface Pool {
        /** Takes an address for a pod; returns at once. */
        PodNetwork take(Pod pod);
    }

    /** How the ports of a gateway are served. */
    sealed interface Gateway {
        /**
         * This process serves them.
         *
         * @param bound where each port really listens
         */
        record Inside(Map<Integer, InetSocketAddress> bound, AutoCloseable listeners) implements Gateway {}

        /**
         * A command serves them.
         *
         * @param accepts where it listens once it is ready
         */
        record Process(List<String> command, InetSocketAddress accepts) implements Gateway {}
    }

    String address();

    /**
     * Makes it usable: called once, before anything of the pod runs; waits as long as that takes.
     *
     * @throws IOException if it cannot be made, or is closed meanwhile
     */
    void open(Pod pod) throws IOException, InterruptedException;

    /** Where a port of the pod can really be listened on: there, or on a free port. */
    InetSocketAddress listenable(int port);

    /** The variables that let the pod's processes send their requests the right way. */
    Map<String, String> variables(Pod pod) throws IOException;

    /** What to put in front of a command's words, so that it runs in this network. */
    List<String> entrance();

    /** Opens the ports of a pod that is a gateway. */
    Gateway gateway(Pod pod, Set<Integer> ports) throws IOException;

    /**
     * Waits until nobody sends requests to the pod any more and those under way are answered.
     *
     * @param serving where the pod's ports really are; may be empty
     */
    void drain(Set<InetSocketAddress> serving, Duration limit) throws InterruptedException;

    /** Ends it and gives the address back. */
    @Override
    void close();
}
