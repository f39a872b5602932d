package dev.weir.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HexFormat;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a real Envoy 1.40 answered with {@code normalize_path: true}. */
class NormalPathTest {
    @ParameterizedTest
    @CsvSource(delimiter = ' ', quoteCharacter = '\0', nullValues = "refused", textBlock = """
            / /
            /a /a
            /x/../status/200 /status/200
            /x\\..\\status /status
            /a/./b /a/b
            /a/. /a/
            /a/.. /
            /a/b/.. /a/
            /a/b/../ /a/
            /.. /
            /../ /
            /../../a /a
            /a/../../b /b
            /. /
            /./ /
            /%2e%2e/a /a
            /x/%2E%2e/a /a
            /x/.%2e/a /a
            /x/%2e/a /x/a
            /x/%2e /x/
            /x/%2e%2e /
            /%2e%2e /
            /a//b /a//b
            //a //a
            // //
            /a//../b /a/b
            /a//..//b /a//b
            //.. /
            /a/%2f../b /a/%2f../b
            /a%2f..%2fb /a%2f..%2fb
            /a%5c..%5cb /a%5c..%5cb
            /a%2Fb /a%2Fb
            /%41%7a%30%2d%5f%7e /Az0-_~
            /%7E /~
            /%21%24%26%27%28%29%2a%2b%2c%3b%3d%3a%40 /%21%24%26%27%28%29%2a%2b%2c%3b%3d%3a%40
            /%25 /%25
            /%2525 /%2525
            /%252e%252e/a /%252e%252e/a
            /% /%
            /%4 /%4
            /%zz /%zz
            /%2 /%2
            /a% /a%
            /a%2 /a%2
            /..% /..%
            /%00 refused
            /a%00b refused
            /%0a /%0a
            /%1f /%1f
            /%7f /%7f
            /%80 /%80
            /%c3%a9 /%c3%a9
            /%FF /%FF
            /a"b /a%22b
            /a<b> /a%3Cb%3E
            /a^b /a%5Eb
            /a`b /a%60b
            /a{b} /a%7Bb%7D
            /a|b /a%7Cb
            /a'b /a'b
            /[a] /[a]
            /a;b=c /a;b=c
            /a?b/../c /a?b/../c
            /a?b\\c /a?b\\c
            /a/..?b=%2e%2e /?b=%2e%2e
            /a/../?x /?x
            /?/../a /?/../a
            /a#b refused
            /... /...
            /.../a /.../a
            /a/.b /a/.b
            /a/..b /a/..b
            /a/b.. /a/b..
            /a/b. /a/b.
            /..a/b /..a/b
            /a/... /a/...
            /a\\b /a/b
            /\\a //a
            /a/\\..\\b /a/b
            /\\.. /
            /a/.\\b /a/b
            /a/..\\b /b
            /a/%2e\\b /a/b
            /a. /a.
            /a.. /a..
            /a./b /a./b
            /.% /.%
            /a%?b /a%?b
            /a/../%00 refused
            /%00/../a refused
            /x/..;/a /a
            /x/%2e%2e;/a /x/..;/a
            /x/..%2fa /x/..%2fa
            /%c3%A9/../%c3%A9 /%c3%A9
            /%3c /%3c
            /%3C /%3C
            /%6A /j
            /%6a%2E /j.
            /a/%2e./b /b
            /a/%2e%2 /a/.%2
            /?%00 /?%00
            /?a|b /?a|b
            /a%2e /a.
            /%2ea /.a
            /%2e%2e%2e /...
            /%5c.. /%5c..
            /?# refused
            /a+b /a+b
            /a$b!c*d(e)f,g:h@i=j&k~l-m_n /a$b!c*d(e)f,g:h@i=j&k~l-m_n
            /x/..;a/b /b
            /x/.;/b /x/b
            /x/.; /x/
            /x/..; /
            /x/..;?q /?q
            /x/.%2e;/a /x/..;/a
            /x/%2e.;/a /x/..;/a
            /x/..;..;/ /
            /a;/.. /
            /a;/../b /b
            /..;/ /
            /x/..;\\a /
            /x/..;\\..;/a /a
            /x/...;/a /x/...;/a
            /x/a..;/b /x/a..;/b
            /x/..%3b/a /x/..%3b/a
            /x/..;%2fa/b /b
            /x/y/..;/..;/a /a
            /x/y/..;p=1/../a /a
            /x/y\\..;/a /x/y/..;/a
            /x/%2e%2e;/../a /x/a
            /x/..;%00/a /a
            /x/..;/%00 refused
            /x/y/..;?a/..;/b /x/?a/..;/b
            /x//..;/a /x/a
            /x/.;/..;/a /a
            /;/a /;/a
            /x/;/../a /x/a
            /x/..;/a;/b /a;/b
            /x/..;/a|b;c /a%7Cb;c
            """)
    void asEnvoyHasIt(String target, String normal) {
        assertThat(NormalPath.of(target)).isEqualTo(normal);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "*", "/", "/api/v1.2/a-b_c~d?x=%2e%2e/../\\y", "/a..b/c.html", "//a//b/?"})
    void whatIsNormalIsNotCopied(String target) {
        assertThat(NormalPath.of(target)).isSameAs(target);
    }

    static Stream<Integer> bytes() {
        return IntStream.range(0, 256).boxed();
    }

    /** Each byte within a path: as it is, and encoded in small and capital digits. */
    @ParameterizedTest
    @MethodSource("bytes")
    void everyByte(int value) {
        char raw = (char) value;
        String small = "%" + HexFormat.of().toHexDigits((byte) value);
        String large = "%" + HexFormat.of().withUpperCase().toHexDigits((byte) value);
        boolean unreserved = value < 0x80 && (Character.isLetterOrDigit(raw) || "-_.~".indexOf(raw) >= 0);
        for (String encoded : new String[] {small, large}) {
            String seen = NormalPath.of("/a" + encoded + "b");
            assertThat(seen).isEqualTo(value == 0 ? null : unreserved ? "/a" + raw + "b" : "/a" + encoded + "b");
        }
        String seen = NormalPath.of("/a" + raw + "b");
        if (value <= ' ' || value >= 0x7f || raw == '#') {
            assertThat(seen).isNull();
        } else if ("\"<>^`{|}".indexOf(raw) >= 0) {
            assertThat(seen).isEqualTo("/a" + large + "b");
        } else {
            assertThat(seen).isEqualTo(raw == '\\' ? "/a/b" : "/a" + raw + "b");
        }
    }

    @Test
    void aLongPathIsResolvedAtOnce() {
        assertThat(NormalPath.of("/a/..".repeat(1600) + "/%41")).isEqualTo("/A");
        assertThat(NormalPath.of("/..;".repeat(2000))).isEqualTo("/");
    }
}
