/** Custom resources: definitions, pruning, defaulting, validation. */
@NullMarked
package dev.weir.apiserver.custom;

import org.jspecify.annotations.NullMarked;
