package dev.weir.local;

import java.net.InetSocketAddress;

/** Where the addresses of pods and gateways come from. Thread-safe. */
interface AddressPool {
    /** Takes an address that nobody has; the shared one if there is none left. */
    String take();

    /** Gives an address back. */
    void release(String address);

    /** Where a port of an address can really be listened on: there, or on a free port of the same address. */
    InetSocketAddress listenable(String address, int port);
}
