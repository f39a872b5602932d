/** What kubectl get shows. */
@NullMarked
package dev.weir.apiserver.table;

import org.jspecify.annotations.NullMarked;
