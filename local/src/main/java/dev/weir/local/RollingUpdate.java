package dev.weir.local;

import io.fabric8.kubernetes.api.model.IntOrString;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How many replicas each ReplicaSet of a Deployment is to have next: the rules of Kubernetes' deployment controller
 * (pkg/controller/deployment). Pure.
 */
final class RollingUpdate {
    private static final double PERCENT = 100;

    private RollingUpdate() {}

    /**
     * A ReplicaSet.
     *
     * @param replicas how many it shall have
     * @param available how many of them are available
     * @param mostBefore how many pods the Deployment might have had when this one was last scaled; 0 if not known
     */
    record Size(String name, int replicas, int available, int mostBefore) {}

    /**
     * What a Deployment allows.
     *
     * @param surge how many pods there may be beyond the replicas
     * @param unavailable how many of the replicas may be missing
     */
    record Limits(int replicas, int surge, int unavailable) {
        int most() {
            return replicas == 0 ? 0 : replicas + surge;
        }

        int least() {
            return replicas - unavailable;
        }
    }

    static boolean recreates(Deployment deployment) {
        return "Recreate".equals(deployment.getSpec().getStrategy().getType());
    }

    static Limits limits(Deployment deployment) {
        int replicas = deployment.getSpec().getReplicas();
        var rolling = deployment.getSpec().getStrategy().getRollingUpdate();
        if (recreates(deployment) || rolling == null) {
            return new Limits(replicas, 0, 0);
        }
        int surge = resolve(rolling.getMaxSurge(), replicas, true);
        int unavailable = resolve(rolling.getMaxUnavailable(), replicas, false);
        if (surge == 0 && unavailable == 0) {
            unavailable = 1;
        }
        return new Limits(replicas, surge, Math.min(replicas, unavailable));
    }

    /** A number or a percentage of the replicas; percentages of surge round up, of unavailable down. */
    private static int resolve(@Nullable IntOrString value, int replicas, boolean up) {
        if (value == null) {
            return 0;
        }
        if (value.getIntVal() != null) {
            return value.getIntVal();
        }
        double share = Double.parseDouble(value.getStrVal().replace("%", "")) / PERCENT * replicas;
        return (int) (up ? Math.ceil(share) : Math.floor(share));
    }

    private static int sum(List<Size> sets) {
        return sets.stream().mapToInt(Size::replicas).sum();
    }

    /** The next size of the new ReplicaSet: as many more as the surge leaves room for. */
    static int grow(Limits limits, Size current, List<Size> old) {
        if (current.replicas() >= limits.replicas()) {
            return limits.replicas();
        }
        int room = limits.most() - sum(old) - current.replicas();
        return room <= 0 ? current.replicas() : Math.min(limits.replicas(), current.replicas() + room);
    }

    /**
     * The next sizes of the old ReplicaSets that shrink: pods that are not available first, then as many of the others as
     * may be missing.
     *
     * @param old the oldest first
     */
    static Map<String, Integer> shrink(Limits limits, Size current, List<Size> old) {
        int all = sum(old) + current.replicas();
        int removable = all - limits.least() - (current.replicas() - current.available());
        Map<String, Integer> next = new LinkedHashMap<>();
        if (removable <= 0) {
            return next;
        }
        int cleaned = 0;
        List<Size> left = new ArrayList<>();
        for (Size set : old) {
            int broken = Math.min(removable - cleaned, Math.max(0, set.replicas() - set.available()));
            cleaned += broken;
            if (broken > 0) {
                next.put(set.name(), set.replicas() - broken);
            }
            left.add(new Size(set.name(), set.replicas() - broken, set.available(), set.mostBefore()));
        }
        int available =
                current.available() + old.stream().mapToInt(Size::available).sum();
        int spare = available - limits.least();
        for (Size set : left) {
            int less = Math.min(set.replicas(), Math.max(0, spare));
            spare -= less;
            if (less > 0) {
                next.put(set.name(), set.replicas() - less);
            }
        }
        return next;
    }

    /**
     * The sizes after the Deployment's replicas changed in the middle of a roll-out: every ReplicaSet keeps its part.
     *
     * @param active those with replicas, the newest first
     */
    static Map<String, Integer> scale(Limits limits, List<Size> active) {
        int toAdd = limits.most() - sum(active);
        List<Size> ordered = new ArrayList<>(toAdd >= 0 ? active : active.reversed());
        // the sort is stable: of equal ones the newest grows first, the oldest shrinks first
        ordered.sort((a, b) -> Integer.compare(b.replicas(), a.replicas()));
        Map<String, Integer> next = new LinkedHashMap<>();
        int added = 0;
        for (Size set : ordered) {
            int part = toAdd == 0 ? 0 : part(limits, set, toAdd, added);
            next.put(set.name(), set.replicas() + part);
            added += part;
        }
        if (!ordered.isEmpty() && toAdd != 0) {
            int rest = toAdd - added;
            next.merge(ordered.getFirst().name(), rest, (size, more) -> Math.max(0, size + more));
        }
        return next;
    }

    private static int part(Limits limits, Size set, int toAdd, int added) {
        int before = set.mostBefore() > 0 ? set.mostBefore() : limits.most();
        int fraction = (int) Math.round((double) set.replicas() * limits.most() / Math.max(1, before)) - set.replicas();
        int left = toAdd - added;
        return toAdd > 0 ? Math.min(Math.max(0, fraction), left) : Math.max(Math.min(0, fraction), left);
    }
}
