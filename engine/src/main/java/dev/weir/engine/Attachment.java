package dev.weir.engine;

/**
 * A place where a route is to be served, and what is known of it there.
 *
 * @param parent kind and name, for people, such as {@code Gateway shop/public}
 * @param detail why it is as it is, in the words of whoever said so; may be empty
 */
public record Attachment(String parent, Verdict verdict, String detail) {
    /** What is known. */
    public enum Verdict {
        /** It is served, as far as anybody says. */
        SERVED,
        /** Somebody was to say so and has not. */
        SILENT,
        /** It is refused, or served in part only. */
        REFUSED,
        /** There is no such place. */
        ABSENT
    }

    /** True if requests that come this way are known not to follow the route. */
    public boolean unserved() {
        return verdict == Verdict.REFUSED || verdict == Verdict.ABSENT;
    }

    /** One sentence about it. */
    public String words() {
        String tail = detail.isEmpty() ? "" : ": " + detail;
        return switch (verdict) {
            case SERVED -> parent + " serves the route";
            case SILENT -> "nobody has said that " + parent + " serves the route" + tail;
            case REFUSED -> parent + " does not serve the route" + tail;
            case ABSENT -> "there is no " + parent;
        };
    }
}
