package dev.weir.cli.lint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.weir.apiserver.custom.DefinitionCheck;
import dev.weir.engine.Release;
import dev.weir.model.ReleaseSpec;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;

/**
 * What an API server and the operator would say of a Release: the schema and the rules of its definition, and the
 * operator's own checks of what these let through.
 */
public final class ReleaseCheck {
    private static final String DEFINITION = "/crds/weir.dev_releases.yaml";
    private static final String API_VERSION = "weir.dev/v1alpha1";

    private final DefinitionCheck definition;

    public ReleaseCheck() {
        try (InputStream in = ReleaseCheck.class.getResourceAsStream(DEFINITION)) {
            JsonNode tree = new YAMLMapper().readTree(Objects.requireNonNull(in, DEFINITION));
            definition = new DefinitionCheck(tree.path("spec").path("versions").get(0));
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    /** In the order of the lines; empty if nothing is wrong. */
    public List<Finding> check(Manifest manifest) {
        List<Finding> findings = new ArrayList<>();
        String apiVersion = manifest.content().path("apiVersion").asText();
        if (!apiVersion.equals(API_VERSION)) {
            findings.add(finding(manifest, "apiVersion", "\"" + apiVersion + "\" is not " + API_VERSION));
            return findings;
        }
        if (!(manifest.content() instanceof ObjectNode content)) {
            return findings;
        }
        if (manifest.name().isEmpty() && !content.path("metadata").has("generateName")) {
            findings.add(finding(manifest, "metadata.name", "is required"));
        }
        ObjectNode object = content.deepCopy();
        for (DefinitionCheck.Violation violation : definition.check(object)) {
            findings.add(finding(manifest, violation.field(), violation.message()));
        }
        // what the definition refuses never reaches the operator
        if (findings.isEmpty()) {
            switch (ReleaseSpec.parse(object)) {
                case ReleaseSpec.Parsed.Invalid(List<String> wrong) ->
                    wrong.forEach(sentence -> findings.add(finding(manifest, Finding.Level.error, sentence)));
                case ReleaseSpec.Parsed.Valid(Release _, List<String> unused) ->
                    unused.forEach(sentence -> findings.add(finding(manifest, Finding.Level.warning, sentence)));
            }
        }
        findings.sort(Comparator.comparingInt(Finding::line));
        return findings;
    }

    private static Finding finding(Manifest manifest, String field, String message) {
        return new Finding(manifest.source(), manifest.line(field), Finding.Level.error, field, message);
    }

    /** @param sentence field, colon, and what is to be said of it */
    private static Finding finding(Manifest manifest, Finding.Level level, String sentence) {
        int colon = sentence.indexOf(": ");
        String field = colon < 0 ? "spec" : sentence.substring(0, colon);
        String message = colon < 0 ? sentence : sentence.substring(colon + 2);
        return new Finding(manifest.source(), manifest.line(field), level, field, message);
    }
}
