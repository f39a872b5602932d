/** What a node of its own needs below pods: addresses of a subnet, network namespaces, Envoy. */
@NullMarked
package dev.weir.local.node;

import org.jspecify.annotations.NullMarked;
