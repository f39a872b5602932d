@NullMarked
package dev.weir.operator;

import org.jspecify.annotations.NullMarked;
