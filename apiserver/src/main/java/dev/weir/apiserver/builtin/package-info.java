/** Defaults and validation of the kinds that Kubernetes itself defines. */
@NullMarked
package dev.weir.apiserver.builtin;

import org.jspecify.annotations.NullMarked;
