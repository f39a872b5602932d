/** The same operations against this server and against a real one. */
@NullMarked
package dev.weir.apiserver.difference;

import org.jspecify.annotations.NullMarked;
