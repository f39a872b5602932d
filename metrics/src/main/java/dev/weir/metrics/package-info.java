/** What versions do to requests, read over HTTP from Prometheus or from proxies' own statistics. */
@NullMarked
package dev.weir.metrics;

import org.jspecify.annotations.NullMarked;
