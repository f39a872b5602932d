/** Validation rules in CEL. */
@NullMarked
package dev.weir.apiserver.cel;

import org.jspecify.annotations.NullMarked;
