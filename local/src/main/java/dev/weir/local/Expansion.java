package dev.weir.local;

import java.util.Map;

/** Replaces {@code $(NAME)} as Kubernetes does in commands, arguments and variables. */
final class Expansion {
    private Expansion() {}

    /** {@code $$} stands for a dollar sign; a reference to what is not defined stays as it is. */
    static String expand(String text, Map<String, String> variables) {
        StringBuilder out = new StringBuilder();
        int at = 0;
        while (at < text.length()) {
            char c = text.charAt(at);
            char next = at + 1 < text.length() ? text.charAt(at + 1) : '\0';
            if (c != '$' || next != '$' && next != '(') {
                out.append(c);
                at++;
            } else if (next == '$') {
                out.append('$');
                at += 2;
            } else {
                int end = text.indexOf(')', at);
                if (end < 0) {
                    return out.append(text, at, text.length()).toString();
                }
                String value = variables.get(text.substring(at + 2, end));
                out.append(value == null ? text.substring(at, end + 1) : value);
                at = end + 1;
            }
        }
        return out.toString();
    }
}
