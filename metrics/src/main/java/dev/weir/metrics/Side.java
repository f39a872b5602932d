package dev.weir.metrics;

import java.util.Locale;

/** Whose proxies count. */
public enum Side {
    /** The callers' and the gateways': every request that a client sent, once, and what nobody answered; no copies. */
    CALLERS,
    /** The called pods': what reached them, copies and repeated tries included. */
    SERVERS,
    /** The callers' clusters: every request and every copy that was sent, once. */
    CLUSTERS;

    /** For data and messages. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}
