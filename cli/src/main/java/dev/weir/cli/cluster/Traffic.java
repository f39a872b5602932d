package dev.weir.cli.cluster;

import dev.weir.engine.TrafficPlan;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What a version gets of the requests, as its route says. */
final class Traffic {
    private static final int ALL = 10_000;
    private static final int CELLS = 10;

    private Traffic() {}

    /** Basis points of the requests that no other rule takes; 0 if the version gets none of them. */
    static int share(Optional<TrafficPlan> plan, String version) {
        return last(plan)
                .map(rule -> rule.backends().stream()
                        .filter(backend -> backend.service().equals(version))
                        .mapToInt(backend -> backend.share().basisPoints())
                        .sum())
                .orElse(0);
    }

    /** Percentage of copies; empty if the version gets none. */
    static Optional<Integer> mirrored(Optional<TrafficPlan> plan, String version) {
        return last(plan)
                .flatMap(rule -> rule.mirrors().stream()
                        .filter(mirror -> mirror.service().equals(version))
                        .map(mirror -> mirror.percent().percent())
                        .findFirst());
    }

    /** True if no answer of the version reaches a client. */
    static boolean getsOnlyCopies(Optional<TrafficPlan> plan, String version) {
        return mirrored(plan, version).isPresent()
                && plan.stream()
                        .flatMap(one -> one.rules().stream())
                        .flatMap(rule -> rule.backends().stream())
                        .noneMatch(backend -> backend.service().equals(version)
                                && backend.share().basisPoints() > 0);
    }

    private static Optional<TrafficPlan.Rule> last(Optional<TrafficPlan> plan) {
        return plan.filter(one -> !one.rules().isEmpty()).map(one -> one.rules().getLast());
    }

    /** In words: the share of all requests, copies, and what further rules send to the version. */
    static String words(Optional<TrafficPlan> plan, String version) {
        if (plan.isEmpty()) {
            return "no route";
        }
        List<String> words = new ArrayList<>();
        int share = share(plan, version);
        if (share > 0) {
            words.add(percent(share));
        }
        mirrored(plan, version).ifPresent(percent -> words.add("copies of " + percent + " %"));
        List<TrafficPlan.Rule> rules = plan.get().rules();
        for (TrafficPlan.Rule rule : rules.subList(0, Math.max(0, rules.size() - 1))) {
            rule.backends().stream()
                    .filter(backend ->
                            backend.service().equals(version) && backend.share().basisPoints() > 0)
                    .forEach(backend -> words.add(percent(backend.share().basisPoints()) + " of " + rule.words()));
        }
        return words.isEmpty() ? "nothing" : String.join(", ", words);
    }

    private static String percent(int basisPoints) {
        return BigDecimal.valueOf(basisPoints, 2).stripTrailingZeros().toPlainString() + " %";
    }

    /** Ten cells: filled by what the version answers, shaded by what is copied to it. */
    static String bar(Optional<TrafficPlan> plan, String version, boolean unicode) {
        int answered = cells(share(plan, version));
        int copied = answered > 0 ? 0 : cells(mirrored(plan, version).orElse(0) * ALL / 100);
        return (unicode ? "█" : "#").repeat(answered)
                + (unicode ? "▒" : "+").repeat(copied)
                + (unicode ? "░" : ".").repeat(CELLS - answered - copied);
    }

    /** Something is never shown as nothing. */
    private static int cells(int basisPoints) {
        return basisPoints == 0 ? 0 : Math.max(1, Math.round(basisPoints * (float) CELLS / ALL));
    }
}
