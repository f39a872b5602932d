package dev.weir.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * The pages of docs/reference are made from the schemas. To accept a change, run with {@code -Dgolden.update}.
 * Also: no page leads to another that is not there.
 */
class ReferenceTest {
    private static final Path HOME = Path.of("..");
    private static final Pattern LINK = Pattern.compile("]\\(([^)#:\\[]+)(#[^)]*)?\\)");
    private static final String NOTE = "Made from %s; a test keeps it so.\n";

    private static void check(String page, String text) throws IOException {
        Path file = HOME.resolve("docs/reference").resolve(page);
        if (System.getProperty("golden.update") != null) {
            Files.writeString(file, text);
        }
        assertThat(Files.readString(file))
                .as("run this test with -Dgolden.update")
                .isEqualTo(text);
    }

    @Test
    void theReleaseIsDescribedAsItsDefinitionHasIt() throws IOException {
        String source = "charts/controller/crd-files/weir.dev_releases.yaml";
        JsonNode schema =
                new YAMLMapper().readTree(HOME.resolve(source).toFile()).at("/spec/versions/0/schema/openAPIV3Schema");
        SchemaPage page = new SchemaPage(schema)
                .section("spec", "spec", schema.at("/properties/spec"))
                .section("status", "status", schema.at("/properties/status"));
        check(
                "release.md",
                "# Release, weir.dev/v1alpha1\n\n" + schema.path("description").asText() + "\n"
                        + NOTE.formatted("`" + source + "`")
                        + "[The Release](../release.md) says what is done with it.\n" + page);
    }

    @Test
    void theValuesAreDescribedAsTheirSchemasHaveThem() throws IOException {
        StringBuilder text = new StringBuilder("# Values of the charts\n\n"
                + NOTE.formatted("`values.schema.json` of each chart")
                + "A value that is not listed is refused.\n");
        for (String chart : List.of("release", "controller")) {
            JsonNode schema = new ObjectMapper()
                    .readTree(HOME.resolve("charts")
                            .resolve(chart)
                            .resolve("values.schema.json")
                            .toFile());
            text.append(new SchemaPage(schema).section("Chart " + chart, "", schema));
        }
        check("values.md", text.toString());
    }

    @Test
    void everyLinkLeadsToAFile() throws IOException {
        List<String> dead = new ArrayList<>();
        List<Path> pages = new ArrayList<>(
                List.of(HOME.resolve("README.md"), HOME.resolve("SECURITY.md"), HOME.resolve("CONTRIBUTING.md")));
        try (Stream<Path> files = Files.walk(HOME.resolve("docs"))) {
            files.filter(file -> file.toString().endsWith(".md")).forEach(pages::add);
        }
        for (Path page : pages) {
            Matcher links = LINK.matcher(Files.readString(page));
            while (links.find()) {
                if (!Files.exists(page.resolveSibling(links.group(1)))) {
                    dead.add(page + ": " + links.group(1));
                }
            }
        }
        assertThat(pages).hasSizeGreaterThan(5);
        assertThat(dead).isEmpty();
    }
}
