/** Patches, server-side apply and managed fields. */
@NullMarked
package dev.weir.apiserver.merge;

import org.jspecify.annotations.NullMarked;
