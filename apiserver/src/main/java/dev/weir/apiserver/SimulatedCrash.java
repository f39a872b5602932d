package dev.weir.apiserver;

/**
 * Thrown by a hook of {@link ApiServerOptions} to see how clients bear it: the request gets no answer and its connection
 * is cut, as if the server had died at that moment. What was written before stays written.
 */
public final class SimulatedCrash extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** @param message for logs */
    public SimulatedCrash(String message) {
        super(message, null, false, false);
    }
}
