package dev.weir.cli.lint;

/**
 * Something that is wrong with a manifest, or looks like a mistake.
 *
 * @param level how bad it is
 * @param line counted from 1
 * @param field its path; empty for the whole document
 * @param message the value, and what is allowed
 */
public record Finding(String source, int line, Level level, String field, String message) {
    /** An error is refused by the API server or the operator; a warning has no effect. */
    public enum Level {
        error,
        warning
    }

    @Override
    public String toString() {
        return source + ":" + line + ": " + (level == Level.warning ? "warning: " : "")
                + (field.isEmpty() ? "" : field + ": ") + message;
    }
}
