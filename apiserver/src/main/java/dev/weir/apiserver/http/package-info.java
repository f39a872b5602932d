/** The wire: TLS, requests, watch streams, the proxy to the kubelet endpoint. */
@NullMarked
package dev.weir.apiserver.http;

import org.jspecify.annotations.NullMarked;
