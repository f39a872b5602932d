package dev.weir.apiserver.builtin;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Amounts in the form in which Kubernetes writes them: {@code 0.5} is {@code 500m}, {@code 1024Mi} is {@code 1Gi}. */
final class Quantities {
    private static final Pattern FORM = Pattern.compile(
            "([+-]?(?:\\d{1,40}(?:\\.\\d{0,40})?|\\.\\d{1,40}))(?:([eE])([+-]?\\d{1,3})|(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei))?");
    private static final List<String> DECIMAL = List.of("n", "u", "m", "", "k", "M", "G", "T", "P", "E");
    private static final List<String> BINARY = List.of("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei");
    private static final BigInteger THOUSAND = BigInteger.valueOf(1000);
    private static final BigInteger KIBI = BigInteger.valueOf(1024);

    private Quantities() {}

    /** @throws Decoding.WrongTypeException if the text is no amount */
    static BigDecimal amount(String text) {
        Matcher form = FORM.matcher(text.strip());
        if (!form.matches()) {
            throw new Decoding.WrongTypeException("no quantity: " + text);
        }
        BigDecimal number = new BigDecimal(form.group(1));
        String suffix = form.group(4) == null ? "" : form.group(4);
        if (form.group(2) != null) {
            return number.scaleByPowerOfTen(Integer.parseInt(form.group(3)));
        }
        return suffix.endsWith("i")
                ? number.multiply(new BigDecimal(KIBI.pow(BINARY.indexOf(suffix))))
                : number.scaleByPowerOfTen(3 * (DECIMAL.indexOf(suffix) - 3));
    }

    /** @throws Decoding.WrongTypeException if the text is no amount */
    static String canonical(String text) {
        Matcher form = FORM.matcher(text.strip());
        if (!form.matches()) {
            throw new Decoding.WrongTypeException(
                    "quantities must match the regular expression" + " '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
        }
        BigDecimal number = new BigDecimal(form.group(1));
        String suffix = form.group(4) == null ? "" : form.group(4);
        if (form.group(2) != null) {
            return decimal(number.scaleByPowerOfTen(Integer.parseInt(form.group(3))), true);
        }
        if (suffix.endsWith("i")) {
            BigDecimal value = number.multiply(new BigDecimal(KIBI.pow(BINARY.indexOf(suffix))));
            return value.abs().compareTo(new BigDecimal(KIBI)) < 0 ? decimal(value, false) : binary(value);
        }
        return decimal(number.scaleByPowerOfTen(3 * (DECIMAL.indexOf(suffix) - 3)), false);
    }

    private static String decimal(BigDecimal value, boolean exponent) {
        if (value.signum() == 0) {
            return "0";
        }
        // what is finer than a billionth is rounded away from zero
        BigInteger mantissa = value.scaleByPowerOfTen(9)
                .setScale(0, value.signum() > 0 ? RoundingMode.CEILING : RoundingMode.FLOOR)
                .toBigIntegerExact();
        int step = 0;
        int last = exponent ? Integer.MAX_VALUE : DECIMAL.size() - 1;
        while (step < last && mantissa.mod(THOUSAND).signum() == 0) {
            mantissa = mantissa.divide(THOUSAND);
            step++;
        }
        int power = 3 * (step - 3);
        return exponent ? mantissa + (power == 0 ? "" : "e" + power) : mantissa + DECIMAL.get(step);
    }

    private static String binary(BigDecimal value) {
        BigInteger mantissa = value.setScale(0, value.signum() > 0 ? RoundingMode.CEILING : RoundingMode.FLOOR)
                .toBigIntegerExact();
        int step = 0;
        while (step < BINARY.size() - 1 && mantissa.mod(KIBI).signum() == 0) {
            mantissa = mantissa.divide(KIBI);
            step++;
        }
        return mantissa + BINARY.get(step);
    }
}
