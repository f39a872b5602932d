/** Commands that look at the releases of a cluster, whichever it is. They change nothing. */
@NullMarked
package dev.weir.cli.cluster;

import org.jspecify.annotations.NullMarked;
