/** Built-in sample servers. */
@NullMarked
package dev.weir.samples;

import org.jspecify.annotations.NullMarked;
