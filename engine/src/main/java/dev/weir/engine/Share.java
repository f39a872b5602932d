package dev.weir.engine;

/**
 * The part of a rule's requests that a backend gets.
 *
 * @param basisPoints hundredths of a percent, 0 to 10 000
 */
public record Share(int basisPoints) {
    public static final Share ALL = new Share(10_000);

    public Share {
        if (basisPoints < 0 || basisPoints > 10_000) {
            throw new IllegalArgumentException("share must be 0..10000 basis points but was " + basisPoints);
        }
    }
}
