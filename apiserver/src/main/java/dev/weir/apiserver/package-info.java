/** The embeddable Kubernetes API server. */
@NullMarked
package dev.weir.apiserver;

import org.jspecify.annotations.NullMarked;
