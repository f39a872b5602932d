/** Protobuf request bodies. */
@NullMarked
package dev.weir.apiserver.proto;

import org.jspecify.annotations.NullMarked;
