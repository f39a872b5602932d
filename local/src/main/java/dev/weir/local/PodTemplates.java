package dev.weir.local;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.fabric8.kubernetes.api.model.LabelSelector;
import io.fabric8.kubernetes.api.model.LabelSelectorBuilder;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.PodTemplateSpecBuilder;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;

/** Pod templates told apart. */
final class PodTemplates {
    static final String HASH = "pod-template-hash";
    private static final String LETTERS = "bcdfghjklmnpqrstvwxz2456789";
    private static final int LENGTH = 8;
    private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS);

    private PodTemplates() {}

    /** The template as text that does not depend on the order of labels, without the hash label. */
    private static String canonical(PodTemplateSpec template) {
        PodTemplateSpec plain = new PodTemplateSpecBuilder(template)
                .editMetadata()
                .removeFromLabels(HASH)
                .endMetadata()
                .build();
        try {
            return JSON.writeValueAsString(plain);
        } catch (JsonProcessingException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    static boolean same(PodTemplateSpec a, PodTemplateSpec b) {
        return canonical(a).equals(canonical(b));
    }

    /** A stable hash of the template as the API server has defaulted it. */
    static String hash(PodTemplateSpec template) {
        CRC32 crc = new CRC32();
        crc.update(canonical(template).getBytes(StandardCharsets.UTF_8));
        StringBuilder text = new StringBuilder();
        for (long rest = crc.getValue(); text.length() < LENGTH; rest /= LETTERS.length()) {
            text.append(LETTERS.charAt((int) (rest % LETTERS.length())));
        }
        return text.toString();
    }

    static PodTemplateSpec withHash(PodTemplateSpec template, String hash) {
        return new PodTemplateSpecBuilder(template)
                .editMetadata()
                .addToLabels(HASH, hash)
                .endMetadata()
                .build();
    }

    static LabelSelector withHash(LabelSelector selector, String hash) {
        return new LabelSelectorBuilder(selector).addToMatchLabels(HASH, hash).build();
    }
}
