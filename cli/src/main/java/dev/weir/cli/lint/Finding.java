package dev.weir.cli.lint;

/**
 * Something that is wrong with a manifest.
 *
 * @param line counted from 1
 * @param field its path; empty for the whole document
 * @param message the value, and what is allowed
 */
public record Finding(String source, int line, String field, String message) {
    @Override
    public String toString() {
        return source + ":" + line + ": " + (field.isEmpty() ? "" : field + ": ") + message;
    }
}
