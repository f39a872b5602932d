package dev.weir.engine;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How requests or copies are to be divided: by the spec's weights, unless the user changed the annotation of one since the
 * spec last changed it.
 *
 * @param values by version
 * @param actions what keeps the annotations true, and warns of those that say nothing
 * @param why what is to be told
 */
record Weights(Map<String, Integer> values, List<Action> actions, List<String> why) {
    private static final int MOST_PERCENT = 100;
    private static final int MOST_WEIGHT = 1_000_000;

    static Weights of(Release release, Observed seen) {
        Weights weights = new Weights(new LinkedHashMap<>(), new ArrayList<>(), new ArrayList<>());
        boolean copies = release.strategy() == Release.Strategy.MIRROR;
        for (Release.Version version : release.weighted()) {
            int fromSpec = copies ? version.mirrorPercent().percent() : version.share();
            int weight = weights.weight(
                    version, seen.weightConfigs().get(version.name()), fromSpec, copies ? MOST_PERCENT : MOST_WEIGHT);
            weights.values.put(version.name(), weight);
        }
        return weights;
    }

    private int weight(Release.Version version, Observed.@Nullable WeightConfig config, int fromSpec, int most) {
        int weight = fromSpec;
        if (config != null && config.specWeight().equals(Integer.toString(fromSpec))) {
            weight = override(version.name(), config, fromSpec, most);
        }
        actions.add(new Action.ApplyWeightConfig(version.name(), weight, fromSpec));
        return weight;
    }

    private int override(String version, Observed.WeightConfig config, int fromSpec, int most) {
        if (config.annotation().matches("\\d{1,7}") && Integer.parseInt(config.annotation()) <= most) {
            int weight = Integer.parseInt(config.annotation());
            if (weight != fromSpec) {
                why.add(version + " has weight " + weight + " because its weight annotation says so; the spec says "
                        + fromSpec);
            }
            return weight;
        }
        String refusal = "the weight annotation of " + version + " is \"" + config.annotation()
                + "\", which is no whole number from 0 to " + most + "; the spec's " + fromSpec + " holds";
        why.add(refusal);
        actions.add(new Action.Warn("WeightRefused", refusal));
        return fromSpec;
    }
}
