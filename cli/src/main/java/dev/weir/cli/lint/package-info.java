/** Manifests: reading them with the lines of their fields, and checking them without a cluster. */
@NullMarked
package dev.weir.cli.lint;

import org.jspecify.annotations.NullMarked;
