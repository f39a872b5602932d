package dev.weir.apiserver.cel;

import java.util.Arrays;
import java.util.Optional;
import java.util.regex.Pattern;

/** The formats that rules can check by name. */
enum NamedFormat {
    DNS_1123_LABEL("dns1123Label", "[a-z0-9]([-a-z0-9]*[a-z0-9])?", 63),
    DNS_1123_SUBDOMAIN("dns1123Subdomain", "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*", 253),
    DNS_1035_LABEL("dns1035Label", "[a-z]([-a-z0-9]*[a-z0-9])?", 63),
    QUALIFIED_NAME(
            "qualifiedName",
            "([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]",
            317),
    DNS_1123_LABEL_PREFIX("dns1123LabelPrefix", "[a-z0-9][-a-z0-9]*", 63),
    DNS_1123_SUBDOMAIN_PREFIX("dns1123SubdomainPrefix", "([a-z0-9]([-a-z0-9]*[a-z0-9])?\\.)*[a-z0-9][-a-z0-9]*", 253),
    DNS_1035_LABEL_PREFIX("dns1035LabelPrefix", "[a-z][-a-z0-9]*", 63),
    LABEL_VALUE("labelValue", "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?", 63),
    URI("uri", "", Integer.MAX_VALUE),
    UUID("uuid", "[0-9A-Fa-f]{8}-?([0-9A-Fa-f]{4}-?){3}[0-9A-Fa-f]{12}", Integer.MAX_VALUE),
    BYTE("byte", "(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", Integer.MAX_VALUE),
    DATE("date", "\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])", Integer.MAX_VALUE),
    DATETIME(
            "datetime",
            "\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])[Tt]([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d+)?([Zz]|[+-]\\d\\d:\\d\\d)",
            Integer.MAX_VALUE);

    private final String label;
    private final Pattern pattern;
    private final int longest;

    NamedFormat(String label, String pattern, int longest) {
        this.label = label;
        this.pattern = Pattern.compile(pattern);
        this.longest = longest;
    }

    String label() {
        return label;
    }

    static Optional<NamedFormat> find(String label) {
        return Arrays.stream(values()).filter(f -> f.label.equals(label)).findFirst();
    }

    /** Empty if the text has the format. */
    Optional<String> problem(String text) {
        if (this == URI) {
            return Url.tryParse(text).isPresent() ? Optional.empty() : Optional.of("invalid URI");
        }
        if (text.length() > longest) {
            return Optional.of("must be no more than " + longest + " characters");
        }
        return pattern.matcher(text).matches()
                ? Optional.empty()
                : Optional.of("must match the format " + label + " (regex used for validation is '" + pattern + "')");
    }
}
