#!/bin/sh
# The mirrored release, as the tutorial tells it, with kubectl, helm and curl.
# Each command is followed by its check; the first that does not hold ends the journey.
set -eu
cd "$(dirname "$0")"
. ../lib.sh

vs() { kubectl get virtualservice httpbin -o jsonpath="$1"; }
vs_is() { [ "$(vs "$1")" = "$2" ]; }
# requests N: sends N requests from the sleep pod; every one must be answered 200 by httpbin-0
requests() {
  answers=$(in_sleep sh -c "for i in \$(seq $1); do curl httpbin.default/get -s -D - -o /dev/null | tr -d '\r' | grep -e '^HTTP' -e app-version | paste -s -d ' ' -; done")
  [ "$(echo "$answers" | grep -c '^HTTP/1.1 200 OK app-version: httpbin-0$')" = "$1" ] || fail "answers: $(echo "$answers" | sort | uniq -c)"
}
# received VERSION: how many requests the version's pods have logged
received() { kubectl logs "deploy/$1" | grep -c 'GET /get ' || true; }
received_is() { [ "$(received "$1")" = "$2" ]; }
gateway_code() { curl -s -o /dev/null -w '%{http_code}' -H 'Host: httpbin.default' "$gateway/get"; }
gateway_is() { [ "$(gateway_code)" = "$1" ]; }
release() { helm upgrade --install httpbin --repo "$charts" release --version 0.1 -f - >/dev/null; }
ready() { kubectl wait --for=condition=Ready release/httpbin --timeout=60s >/dev/null; }

say "$stack, with the operator left to the chart"
start

say "install the controller"
helm install --repo "$charts" --version 0.1 iter8 controller >/dev/null
kubectl rollout status deploy/iter8 --timeout=60s

say "deploy the initial version"
release <<EOF
environment: deployment-istio
application: 
  versions:
  - metadata:
      labels:
        app.kubernetes.io/version: v0
    image: kennethreitz/httpbin
  strategy: mirror
EOF
until_ok 60 kubectl get release httpbin >/dev/null
ready
[ "$(kubectl get deploy,svc httpbin-0 -o jsonpath='{.items[*].metadata.labels.app\.kubernetes\.io/version}')" = "v0 v0" ] || fail "labels"
[ "$(kubectl get svc httpbin -o jsonpath='{.spec.externalName}')" = istio-ingressgateway.istio-system.svc.cluster.local ] || fail "entrance"
until_ok 30 vs_is '{.spec.http[0].route[0].destination.host}' httpbin-0.default.svc.cluster.local
vs_is '{.spec.gateways}' '["mesh"]' || fail "gateways: $(vs '{.spec.gateways}')"
vs_is '{.spec.http[0].mirror}' '' || fail "a mirror without a candidate"

say "send requests from the sleep pod"
kubectl apply -f sleep.yaml >/dev/null
kubectl rollout status deploy/sleep --timeout=60s >/dev/null
in_sleep cat query.json | grep -q question || fail "the ConfigMap is not in the working directory"
requests 20
received_is httpbin-0 20 || fail "httpbin-0 received $(received httpbin-0) of 20"

say "from outside: closed without a gateway, 200 with one"
gateway_is $closed || fail "outside without gateway: $(gateway_code)"
kubectl apply -f gateway.yaml >/dev/null
release <<EOF
environment: deployment-istio
gateway: my-gateway
application: 
  versions:
  - metadata:
      labels:
        app.kubernetes.io/version: v0
    image: kennethreitz/httpbin
  strategy: mirror
EOF
until_ok 30 gateway_is 200

say "deploy the candidate"
before=$(kubectl get pod -l app=httpbin-0 -o jsonpath='{.items[*].metadata.uid}')
release <<EOF
environment: deployment-istio
application: 
  versions:
  - metadata:
      labels:
        app.kubernetes.io/version: v0
    image: kennethreitz/httpbin
  - metadata:
      labels:
        app.kubernetes.io/version: v1
    image: kennethreitz/httpbin
    weight: 100
  strategy: mirror
EOF
until_ok 60 vs_is '{.spec.http[0].mirror.host} {.spec.http[0].mirrorPercentage.value}' 'httpbin-1.default.svc.cluster.local 100'
ready
[ "$(kubectl get cm httpbin-1-weight-config -o jsonpath='{.metadata.annotations.iter8\.tools/weight}')" = 100 ] || fail "weight-config"
[ "$(kubectl get pod -l app=httpbin-0 -o jsonpath='{.items[*].metadata.uid}')" = "$before" ] || fail "the primary was restarted"
requests 50
until_ok 30 received_is httpbin-1 50

say "mirror half of the requests"
release <<EOF
environment: deployment-istio
application: 
  versions:
  - metadata:
      labels:
        app.kubernetes.io/version: v0
    image: kennethreitz/httpbin
  - metadata:
      labels:
        app.kubernetes.io/version: v1
    image: kennethreitz/httpbin
    weight: 50
  strategy: mirror
EOF
until_ok 60 vs_is '{.spec.http[0].mirrorPercentage.value}' 50
ready
requests 400
# 400 draws at one half lie within 152 and 248 but for one time in a million
until_ok 5 sh -c "[ \$(kubectl logs deploy/httpbin-1 | grep -c 'GET /get ') -ge $((50 + 152)) ]"
copies=$(($(received httpbin-1) - 50))
[ "$copies" -ge 152 ] && [ "$copies" -le 248 ] || fail "$copies of 400 mirrored"
echo "$copies of 400 mirrored"

say "promote the candidate"
release <<EOF
environment: deployment-istio
application: 
  versions:
  - metadata:
      labels:
        app.kubernetes.io/version: v1
    image: kennethreitz/httpbin
  strategy: mirror
EOF
gone() { ! kubectl get "$@" >/dev/null 2>&1; }
until_ok 60 gone deploy httpbin-1
until_ok 60 gone svc httpbin-1
until_ok 60 gone cm httpbin-1-weight-config
until_ok 60 vs_is '{.spec.http[0].mirror}' ''
[ "$(kubectl get deploy httpbin-0 -o jsonpath='{.metadata.labels.app\.kubernetes\.io/version}')" = v1 ] || fail "label of the primary"
requests 20

say "clean up"
helm delete httpbin >/dev/null
until_ok 60 gone release httpbin
until_ok 60 gone virtualservice httpbin
until_ok 60 gone deploy httpbin-0
until_ok 60 gone svc httpbin
kubectl delete deploy sleep >/dev/null
helm delete iter8 >/dev/null
until_ok 60 gone deploy iter8
kubectl get crd releases.weir.dev >/dev/null || fail "helm delete removed the CRD"

echo; echo "the journey holds"
