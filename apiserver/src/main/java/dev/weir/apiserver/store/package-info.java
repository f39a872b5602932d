/** Multi-version object storage: one global revision, an event log, lists and watches at exact positions. */
@NullMarked
package dev.weir.apiserver.store;

import org.jspecify.annotations.NullMarked;
