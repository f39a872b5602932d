/** The custom resources as records and their translation to engine types. */
@NullMarked
package dev.weir.model;

import org.jspecify.annotations.NullMarked;
