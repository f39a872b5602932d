/** Built-in controllers, kubelet stand-in and the wiring of local mode. */
@NullMarked
package dev.weir.local;

import org.jspecify.annotations.NullMarked;
