/** Pure decisions: traffic plans, release planning. */
@NullMarked
package dev.weir.engine;

import org.jspecify.annotations.NullMarked;
