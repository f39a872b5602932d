package dev.weir.dataplane;

import java.util.Comparator;

/**
 * One match of one rule of an HTTPRoute, and its place among those of other rules and routes.
 *
 * @param matching what the match asks for
 * @param created of the HTTPRoute
 * @param owner {@code namespace/name} of the HTTPRoute
 */
record Ranked(Route route, Weight matching, String created, String owner) {
    /**
     * Gateway API's order: exact paths, longer prefixes, a method, more headers, more query parameters; then the older
     * route and the name. It leaves regular expressions to implementations: as in Istio they come after prefixes, but
     * before what matches everything. What is left of a tie is the order of rules, so sort stably.
     */
    static final Comparator<Ranked> ORDER = Comparator.comparing(
                    Ranked::matching,
                    Comparator.comparing(Weight::path)
                            .thenComparingInt(Weight::pathLength)
                            .thenComparing(Weight::method)
                            .thenComparingInt(Weight::headers)
                            .thenComparingInt(Weight::queries)
                            .reversed())
            .thenComparing(Ranked::created)
            .thenComparing(Ranked::owner);

    /** How a path is asked for, the least precise first. */
    enum Path {
        EVERYTHING,
        REGEX,
        PREFIX,
        EXACT
    }

    /**
     * How precise a match is.
     *
     * @param headers how many
     * @param queries how many parameters
     */
    record Weight(Path path, int pathLength, boolean method, int headers, int queries) {}
}
