package dev.weir.local.node;

import java.util.HashSet;
import java.util.Set;

/**
 * The IPv4 addresses of a range, each given to one at a time. The first one after the range's own is the router's, the
 * last one is for broadcasts; neither is given away. Thread-safe.
 */
public final class Subnet {
    private static final int BITS = 32;
    private static final int LONGEST_PREFIX = 30;
    private static final int BYTE = 0xff;

    private final String text;
    private final int base;
    private final int prefix;
    private final Set<Integer> used = new HashSet<>();
    private int last = 1;

    /**
     * A range with nobody in it.
     *
     * @param cidr as 10.0.1.0/24; at most 30 bits long
     * @throws IllegalArgumentException if it is not such a range, or bits after the prefix are set
     */
    public Subnet(String cidr) {
        String[] parts = cidr.split("/", -1);
        if (parts.length != 2 || !parts[1].matches("\\d{1,2}")) {
            throw new IllegalArgumentException("'" + cidr + "' is not a range as 10.0.1.0/24");
        }
        this.text = cidr;
        this.base = parse(parts[0]);
        this.prefix = Integer.parseInt(parts[1]);
        if (prefix < 1 || prefix > LONGEST_PREFIX || (base & (size() - 1)) != 0) {
            throw new IllegalArgumentException("'" + cidr + "' is not a range as 10.0.1.0/24");
        }
    }

    private static int parse(String dotted) {
        String[] numbers = dotted.split("\\.", -1);
        int address = 0;
        for (String number : numbers) {
            if (numbers.length != 4 || !number.matches("\\d{1,3}") || Integer.parseInt(number) > BYTE) {
                throw new IllegalArgumentException("'" + dotted + "' is not an IPv4 address");
            }
            address = address << 8 | Integer.parseInt(number);
        }
        return address;
    }

    private static String text(int address) {
        return (address >>> 24) + "." + (address >> 16 & BYTE) + "." + (address >> 8 & BYTE) + "." + (address & BYTE);
    }

    private int size() {
        return 1 << (BITS - prefix);
    }

    /** The router's address. */
    public String router() {
        return text(base + 1);
    }

    /** The length of the prefix in bits. */
    public int prefix() {
        return prefix;
    }

    /**
     * Takes the wanted address if it is of this range and free, else another one; those given back are taken last.
     *
     * @param wanted may be empty
     * @throws IllegalStateException if there is none left
     */
    public synchronized String take(String wanted) {
        if (!wanted.isEmpty()) {
            int number = parse(wanted) - base;
            if (number > 1 && number < size() - 1 && used.add(number)) {
                return wanted;
            }
        }
        for (int tried = 0; tried < size(); tried++) {
            last = last + 1 < size() - 1 ? last + 1 : 2;
            if (used.add(last)) {
                return text(base + last);
            }
        }
        throw new IllegalStateException("no address is left in " + text);
    }

    /** Gives an address back. */
    public synchronized void release(String address) {
        used.remove(parse(address) - base);
    }

    @Override
    public String toString() {
        return text;
    }
}
