/** The real stack: Kubernetes, Istio, Envoy and Prometheus as processes in a network namespace of this machine. */
@NullMarked
package dev.weir.e2e.stack;

import org.jspecify.annotations.NullMarked;
