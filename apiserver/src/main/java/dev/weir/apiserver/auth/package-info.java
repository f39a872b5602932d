/** Who asks and what they may: tokens, certificates, service accounts, RBAC. */
@NullMarked
package dev.weir.apiserver.auth;

import org.jspecify.annotations.NullMarked;
