package dev.weir.apiserver.store;

import java.lang.ref.SoftReference;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/** The bytes of one event in the forms that watchers asked for. Safe for concurrent use; given up when memory is short. */
public final class Encodings {
    private volatile SoftReference<ConcurrentHashMap<String, byte[]>> forms = new SoftReference<>(null);

    /** The bytes in a form; made once however many ask for them. They must not be changed. */
    public byte[] of(String form, Supplier<byte[]> encode) {
        ConcurrentHashMap<String, byte[]> made = forms.get();
        if (made == null) {
            made = new ConcurrentHashMap<>();
            forms = new SoftReference<>(made);
        }
        return made.computeIfAbsent(form, _ -> encode.get());
    }
}
