package dev.weir.local;

/** What a pod refers to is missing or not as it should be; it may come later. The message is for the user. */
final class Misconfigured extends Exception {
    private static final long serialVersionUID = 1;

    Misconfigured(String message) {
        super(message);
    }
}
