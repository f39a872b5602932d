/** The HTTP proxy that obeys Istio and Gateway API objects. */
@NullMarked
package dev.weir.dataplane;

import org.jspecify.annotations.NullMarked;
