/** Reads the world into records, applies objects, renders traffic plans into routers' objects. */
@NullMarked
package dev.weir.kubernetes;

import org.jspecify.annotations.NullMarked;
