//go:build tools

// Package tools names the programs that the real stack builds from this module, so that go.sum pins all that they need.
package tools

import (
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kube-controller-manager"
)
