package dev.weir.apiserver.cel;

import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.Optional;
import java.util.regex.Pattern;

/** Internet addresses and networks, as rules see them. Names are never looked up. */
final class Addresses {
    private static final Pattern V4 = Pattern.compile("((25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)(\\.(?!$)|$)){4}");
    private static final Pattern V6 = Pattern.compile("[0-9a-fA-F:]*:[0-9a-fA-F:]*(\\d+\\.\\d+\\.\\d+\\.\\d+)?");

    private Addresses() {}

    /** One address. */
    record Ip(InetAddress address) {
        static Ip parse(String text) {
            boolean mapped = text.toLowerCase(java.util.Locale.ROOT).startsWith("::ffff:") && text.contains(".");
            if (!V4.matcher(text).matches() && !V6.matcher(text).matches() || mapped) {
                throw new IllegalArgumentException(
                        "IP Address '" + text + "' parse error during conversion from string");
            }
            try {
                return new Ip(InetAddress.getByName(text));
            } catch (UnknownHostException malformed) {
                throw new IllegalArgumentException(
                        "IP Address '" + text + "' parse error during conversion from string", malformed);
            }
        }

        static Optional<Ip> tryParse(String text) {
            return KubernetesLibrary.attempt(text, Ip::parse);
        }

        long family() {
            return address instanceof Inet4Address ? 4 : 6;
        }

        boolean isGlobalUnicast() {
            return !address.isAnyLocalAddress()
                    && !address.isLoopbackAddress()
                    && !address.isMulticastAddress()
                    && !address.isLinkLocalAddress()
                    && !address.getHostAddress().equals("255.255.255.255");
        }

        /** The canonical form: IPv6 with its longest run of zeros left out. */
        @Override
        public String toString() {
            if (address instanceof Inet4Address) {
                return address.getHostAddress();
            }
            String[] groups = address.getHostAddress().replaceAll("%.*", "").split(":");
            int best = -1;
            int length = 1;
            for (int i = 0; i < groups.length; i++) {
                int j = i;
                while (j < groups.length && groups[j].equals("0")) {
                    j++;
                }
                if (j - i > length) {
                    best = i;
                    length = j - i;
                }
            }
            if (best < 0) {
                return String.join(":", groups);
            }
            return String.join(":", Arrays.copyOfRange(groups, 0, best)) + "::"
                    + String.join(":", Arrays.copyOfRange(groups, best + length, groups.length));
        }
    }

    /** A network; {@code ip} is as written, not masked. */
    record Cidr(Ip ip, int prefix) {
        static Cidr parse(String text) {
            String[] sides = text.split("/", -1);
            if (sides.length == 2 && sides[1].matches("\\d{1,3}")) {
                Ip ip = Ip.parse(sides[0]);
                int prefix = Integer.parseInt(sides[1]);
                if (prefix <= ip.address().getAddress().length * 8) {
                    return new Cidr(ip, prefix);
                }
            }
            throw new IllegalArgumentException(
                    "network address parse error during conversion from string: '" + text + "'");
        }

        static Optional<Cidr> tryParse(String text) {
            return KubernetesLibrary.attempt(text, Cidr::parse);
        }

        private static byte[] mask(Ip ip, int prefix) {
            byte[] bytes = ip.address().getAddress();
            for (int i = 0; i < bytes.length; i++) {
                int kept = Math.clamp(prefix - i * 8L, 0, 8);
                bytes[i] = (byte) (bytes[i] & (0xff << (8 - kept)));
            }
            return bytes;
        }

        boolean contains(Ip other) {
            return other.family() == ip.family() && Arrays.equals(mask(other, prefix), mask(ip, prefix));
        }

        boolean contains(Cidr other) {
            return other.prefix >= prefix && contains(other.ip);
        }

        Cidr masked() {
            try {
                return new Cidr(new Ip(InetAddress.getByAddress(mask(ip, prefix))), prefix);
            } catch (UnknownHostException impossible) {
                throw new IllegalStateException(impossible);
            }
        }

        @Override
        public String toString() {
            return ip + "/" + prefix;
        }
    }
}
