package dev.weir.apiserver.store;

import java.io.IOException;

/**
 * Thrown when a write cannot be kept: the disk is full or broken, or the store is closed. As with every failure within a
 * server, it may have been done all the same.
 */
public final class StoreFailedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    StoreFailedException(IOException cause) {
        super("the write cannot be kept: " + cause.getMessage(), cause);
    }
}
