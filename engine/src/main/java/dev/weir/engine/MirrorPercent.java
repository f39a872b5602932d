package dev.weir.engine;

/**
 * How many of a rule's requests are copied to a version whose answers nobody sees.
 *
 * @param percent 0 to 100
 */
public record MirrorPercent(int percent) {
    public MirrorPercent {
        if (percent < 0 || percent > 100) {
            throw new IllegalArgumentException("mirror percentage must be 0..100 but was " + percent);
        }
    }
}
