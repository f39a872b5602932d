//go:build tools

// Package tools names the program that the real stack builds from this module, so that go.sum pins all that it needs.
package tools

import (
	_ "istio.io/istio/pilot/cmd/pilot-discovery"
)
