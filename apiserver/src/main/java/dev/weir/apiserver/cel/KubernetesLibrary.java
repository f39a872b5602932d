package dev.weir.apiserver.cel;

import com.google.re2j.Matcher;
import com.google.re2j.Pattern;
import com.google.re2j.PatternSyntaxException;
import dev.cel.common.types.CelType;
import dev.cel.common.types.ListType;
import dev.cel.common.types.MapType;
import dev.cel.common.types.OpaqueType;
import dev.cel.common.types.OptionalType;
import dev.cel.common.types.SimpleType;
import dev.weir.apiserver.cel.Library.Shape;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/**
 * The functions that Kubernetes adds to CEL for validation rules: URLs, addresses, quantities, versions, named formats,
 * regular expressions, lists (k8s.io/apiserver/pkg/cel/library). Bad arguments end the evaluation with an error.
 */
final class KubernetesLibrary {
    private static final CelType TEXT = SimpleType.STRING;
    private static final CelType BOOL = SimpleType.BOOL;
    private static final CelType INT = SimpleType.INT;
    private static final OpaqueType URL = OpaqueType.create("kubernetes.URL");
    private static final OpaqueType IP = OpaqueType.create("net.IP");
    private static final OpaqueType CIDR = OpaqueType.create("net.CIDR");
    private static final OpaqueType QUANTITY = OpaqueType.create("kubernetes.Quantity");
    private static final OpaqueType SEMVER = OpaqueType.create("kubernetes.Semver");
    private static final OpaqueType FORMAT = OpaqueType.create("kubernetes.NamedFormat");
    private static final ListType LIST = ListType.create(SimpleType.DYN);
    private static final ListType TEXTS = ListType.create(TEXT);
    private static final Shape<String> STRING = new Shape<>(TEXT, String.class);
    private static final Shape<Long> LONG = new Shape<>(INT, Long.class);
    private static final Shape<Quantity> AMOUNT = new Shape<>(QUANTITY, Quantity.class);
    private static final Shape<Semver> VERSION = new Shape<>(SEMVER, Semver.class);
    private static final Shape<Addresses.Cidr> NETWORK = new Shape<>(CIDR, Addresses.Cidr.class);
    private static final Shape<Addresses.Ip> ADDRESS = new Shape<>(IP, Addresses.Ip.class);

    @SuppressWarnings("rawtypes")
    private static final Shape<Collection> ITEMS = new Shape<>(LIST, Collection.class);

    private KubernetesLibrary() {}

    static Library create() {
        Library library = new Library();
        urls(library);
        addresses(library);
        networks(library);
        quantities(library);
        versions(library);
        formats(library);
        patterns(library);
        lists(library);
        return library;
    }

    private static void urls(Library library) {
        library.function("url", URL, TEXT, String.class, Url::parse);
        library.function(
                "isURL", BOOL, TEXT, String.class, text -> Url.tryParse(text).isPresent());
        library.method("getScheme", TEXT, URL, Url.class, Url::scheme);
        library.method("getHost", TEXT, URL, Url.class, Url::host);
        library.method("getHostname", TEXT, URL, Url.class, Url::hostname);
        library.method("getPort", TEXT, URL, Url.class, Url::port);
        library.method("getEscapedPath", TEXT, URL, Url.class, Url::escapedPath);
        library.method("getQuery", MapType.create(TEXT, TEXTS), URL, Url.class, Url::query);
    }

    private static void addresses(Library library) {
        library.function("ip", IP, TEXT, String.class, Addresses.Ip::parse);
        library.function(
                "isIP",
                BOOL,
                TEXT,
                String.class,
                text -> Addresses.Ip.tryParse(text).isPresent());
        library.function(
                "ip.isCanonical",
                BOOL,
                TEXT,
                String.class,
                text -> Addresses.Ip.parse(text).toString().equals(text));
        library.function("string", TEXT, IP, Addresses.Ip.class, Addresses.Ip::toString);
        library.method("family", INT, IP, Addresses.Ip.class, Addresses.Ip::family);
        library.method(
                "isUnspecified",
                BOOL,
                IP,
                Addresses.Ip.class,
                ip -> ip.address().isAnyLocalAddress());
        library.method(
                "isLoopback", BOOL, IP, Addresses.Ip.class, ip -> ip.address().isLoopbackAddress());
        library.method(
                "isLinkLocalMulticast",
                BOOL,
                IP,
                Addresses.Ip.class,
                ip -> ip.address().isMCLinkLocal());
        library.method(
                "isLinkLocalUnicast",
                BOOL,
                IP,
                Addresses.Ip.class,
                ip -> ip.address().isLinkLocalAddress());
        library.method("isGlobalUnicast", BOOL, IP, Addresses.Ip.class, Addresses.Ip::isGlobalUnicast);
    }

    private static void networks(Library library) {
        library.function("cidr", CIDR, TEXT, String.class, Addresses.Cidr::parse);
        library.function(
                "isCIDR",
                BOOL,
                TEXT,
                String.class,
                text -> Addresses.Cidr.tryParse(text).isPresent());
        library.function("string", TEXT, CIDR, Addresses.Cidr.class, Addresses.Cidr::toString);
        library.method("containsIP", BOOL, NETWORK, STRING, (net, ip) -> net.contains(Addresses.Ip.parse(ip)));
        library.method("containsIP", BOOL, NETWORK, ADDRESS, Addresses.Cidr::contains);
        library.method(
                "containsCIDR", BOOL, NETWORK, STRING, (net, other) -> net.contains(Addresses.Cidr.parse(other)));
        library.method("containsCIDR", BOOL, NETWORK, NETWORK, Addresses.Cidr::contains);
        library.method("ip", IP, CIDR, Addresses.Cidr.class, Addresses.Cidr::ip);
        library.method("masked", CIDR, CIDR, Addresses.Cidr.class, Addresses.Cidr::masked);
        library.method("prefixLength", INT, CIDR, Addresses.Cidr.class, net -> (long) net.prefix());
    }

    private static void quantities(Library library) {
        library.function("quantity", QUANTITY, TEXT, String.class, Quantity::parse);
        library.function(
                "isQuantity",
                BOOL,
                TEXT,
                String.class,
                text -> Quantity.tryParse(text).isPresent());
        library.method(
                "sign", INT, QUANTITY, Quantity.class, q -> (long) q.value().signum());
        library.method("isInteger", BOOL, QUANTITY, Quantity.class, Quantity::isInteger);
        library.method("asInteger", INT, QUANTITY, Quantity.class, Quantity::asInteger);
        library.method(
                "asApproximateFloat",
                SimpleType.DOUBLE,
                QUANTITY,
                Quantity.class,
                q -> q.value().doubleValue());
        library.method(
                "add",
                QUANTITY,
                AMOUNT,
                AMOUNT,
                (a, b) -> new Quantity(a.value().add(b.value())));
        library.method(
                "add", QUANTITY, AMOUNT, LONG, (a, b) -> new Quantity(a.value().add(BigDecimal.valueOf(b))));
        library.method(
                "sub",
                QUANTITY,
                AMOUNT,
                AMOUNT,
                (a, b) -> new Quantity(a.value().subtract(b.value())));
        library.method(
                "sub", QUANTITY, AMOUNT, LONG, (a, b) -> new Quantity(a.value().subtract(BigDecimal.valueOf(b))));
        order(library, AMOUNT);
    }

    private static <T extends Comparable<T>> void order(Library library, Shape<T> shape) {
        library.method("isLessThan", BOOL, shape, shape, (a, b) -> a.compareTo(b) < 0);
        library.method("isGreaterThan", BOOL, shape, shape, (a, b) -> a.compareTo(b) > 0);
        library.method("compareTo", INT, shape, shape, (a, b) -> (long) Integer.signum(a.compareTo(b)));
    }

    private static void versions(Library library) {
        library.function("semver", SEMVER, TEXT, String.class, Semver::parse);
        library.function(
                "isSemver",
                BOOL,
                TEXT,
                String.class,
                text -> Semver.tryParse(text).isPresent());
        library.method("major", INT, SEMVER, Semver.class, Semver::major);
        library.method("minor", INT, SEMVER, Semver.class, Semver::minor);
        library.method("patch", INT, SEMVER, Semver.class, Semver::patch);
        order(library, VERSION);
    }

    private static void formats(Library library) {
        library.function("format.named", OptionalType.create(FORMAT), TEXT, String.class, NamedFormat::find);
        for (NamedFormat format : NamedFormat.values()) {
            library.constant("format." + format.label(), FORMAT, format);
        }
        library.method(
                "validate",
                OptionalType.create(TEXTS),
                new Shape<>(FORMAT, NamedFormat.class),
                STRING,
                (format, text) -> format.problem(text).map(List::of));
    }

    private static void patterns(Library library) {
        library.method("find", TEXT, STRING, STRING, (text, pattern) -> {
            List<String> found = findAll(text, pattern, 1);
            return found.isEmpty() ? "" : found.getFirst();
        });
        library.method("findAll", TEXTS, STRING, STRING, (text, pattern) -> findAll(text, pattern, -1));
        library.method(
                "findAll",
                TEXTS,
                STRING,
                STRING,
                LONG,
                (text, pattern, most) -> findAll(text, (String) pattern, (Long) most));
    }

    private static List<String> findAll(String text, String pattern, long most) {
        List<String> found = new ArrayList<>();
        try {
            Matcher matcher = Pattern.compile(pattern).matcher(text);
            while ((most < 0 || found.size() < most) && matcher.find()) {
                found.add(matcher.group());
            }
        } catch (PatternSyntaxException malformed) {
            throw new IllegalArgumentException("Illegal regex: " + malformed.getMessage());
        }
        return found;
    }

    private static void lists(Library library) {
        library.method("isSorted", BOOL, LIST, Collection.class, Lists::isSorted);
        library.method("sum", SimpleType.DYN, LIST, Collection.class, Lists::sum);
        library.method("min", SimpleType.DYN, LIST, Collection.class, list -> Lists.extreme(list, -1));
        library.method("max", SimpleType.DYN, LIST, Collection.class, list -> Lists.extreme(list, 1));
        Shape<Object> any = new Shape<>(SimpleType.DYN, Object.class);
        library.method("indexOf", INT, ITEMS, any, (list, item) ->
                (long) Lists.of(list).indexOf(item));
        library.method("lastIndexOf", INT, ITEMS, any, (list, item) ->
                (long) Lists.of(list).lastIndexOf(item));
    }

    /** What lists of comparable or summable values can do. */
    private static final class Lists {
        private Lists() {}

        static List<Object> of(Collection<?> list) {
            return List.copyOf(list);
        }

        static boolean isSorted(Collection<?> list) {
            Object before = null;
            for (Object item : list) {
                if (before != null && compare(before, item) > 0) {
                    return false;
                }
                before = item;
            }
            return true;
        }

        static Object sum(Collection<?> list) {
            if (list.stream().anyMatch(Double.class::isInstance)) {
                return list.stream()
                        .mapToDouble(item -> ((Number) item).doubleValue())
                        .sum();
            }
            return list.stream().mapToLong(item -> ((Number) item).longValue()).sum();
        }

        static Object extreme(Collection<?> list, int direction) {
            return list.stream()
                    .map(Object.class::cast)
                    .reduce((a, b) -> compare(b, a) * direction > 0 ? b : a)
                    .orElseThrow(() ->
                            new IllegalArgumentException((direction < 0 ? "min" : "max") + " called on empty list"));
        }

        @SuppressWarnings("unchecked")
        private static int compare(Object a, Object b) {
            if (a instanceof Comparable<?> first && a.getClass() == b.getClass()) {
                return ((Comparable<Object>) first).compareTo(b);
            }
            throw new IllegalArgumentException("no such overload");
        }
    }

    /** Empty if the text cannot be read. */
    static <T> Optional<T> attempt(String text, java.util.function.Function<String, T> parse) {
        try {
            return Optional.of(parse.apply(text));
        } catch (IllegalArgumentException malformed) {
            return Optional.empty();
        }
    }
}
