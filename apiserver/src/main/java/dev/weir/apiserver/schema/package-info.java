/** Schemas of built-in and custom kinds, as merging and validation read them. */
@NullMarked
package dev.weir.apiserver.schema;

import org.jspecify.annotations.NullMarked;
