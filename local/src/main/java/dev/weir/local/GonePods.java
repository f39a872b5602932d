package dev.weir.local;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;

/**
 * What the pods that went last have left: their logs stay for whoever looks into the folder for why they went. Those of
 * earlier ones are removed, so that jobs fill no disk. Thread-safe.
 */
final class GonePods {
    private final int most;
    private final Deque<Runnable> removals = new ArrayDeque<>();

    /** @param most so many pods' files are kept */
    GonePods(int most) {
        this.most = most;
    }

    /** @param removal removes the files of a pod that is gone; run here for one that went long before, if for any */
    void add(Runnable removal) {
        oldest(removal).ifPresent(Runnable::run);
    }

    private synchronized Optional<Runnable> oldest(Runnable removal) {
        removals.add(removal);
        return removals.size() > most ? Optional.of(removals.remove()) : Optional.empty();
    }
}
