/** The reconcile loop behind ports, and the process that runs it. */
@NullMarked
package dev.weir.operator;

import org.jspecify.annotations.NullMarked;
