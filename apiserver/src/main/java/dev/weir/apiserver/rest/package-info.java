/** What a request means: the read and write paths, discovery, status errors. */
@NullMarked
package dev.weir.apiserver.rest;

import org.jspecify.annotations.NullMarked;
