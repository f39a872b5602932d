#!/bin/sh
# The canary release, as the tutorial tells it, with kubectl, helm and curl: Gateway API carries the traffic.
# Each command is followed by its check; the first that does not hold ends the journey.
set -eu
cd "$(dirname "$0")"
. ../lib.sh

route() { kubectl -n test get httproute.gateway.networking.k8s.io httpbin -o jsonpath="$1"; }
route_is() { [ "$(route "$1")" = "$2" ]; }
# answered_by VERSION N HEADER...: sends N requests from the sleep pod; every one must be answered 200 by the version
answered_by() {
  version=$1; count=$2; shift 2
  answers=$(in_sleep sh -c "for i in \$(seq $count); do curl httpbin.test $* -s -D - | grep -a -e '^HTTP' -e app-version | tr -d '\r' | paste -s -d ' ' -; done")
  [ "$(echo "$answers" | grep -c "^HTTP/1.1 200 OK app-version: $version\$")" = "$count" ] || fail "answers: $(echo "$answers" | sort | uniq -c)"
}
# received VERSION: how many requests the version's pods have logged
received() { kubectl -n test logs "deploy/$1" | grep -c 'GET / ' || true; }
received_is() { [ "$(received "$1")" = "$2" ] || fail "$1 received $(received "$1"), not $2"; }
release() { helm -n test upgrade --install httpbin --repo "$charts" release --version 0.1 -f - >/dev/null; }
ready() { kubectl -n test wait --for=condition=Ready release/httpbin --timeout=60s >/dev/null; }

say "$stack, with the operator left to the chart"
start

say "install the controller for the whole cluster"
helm install --repo "$charts" --version 0.1 iter8 controller --set clusterScoped=true >/dev/null
kubectl rollout status deploy/iter8 --timeout=60s
kubectl create ns test

say "deploy the initial version"
release <<EOF
environment: deployment-gtw
application: 
  versions:
  - metadata:
      labels:
        app.kubernetes.io/version: v0
    image: kennethreitz/httpbin
  strategy: canary
EOF
until_ok 30 kubectl -n test get release httpbin >/dev/null
ready
[ "$(kubectl -n test get svc httpbin -o jsonpath='{.spec.type} {.spec.selector.app} {.spec.ports[0].port}')" = "ClusterIP httpbin 80" ] || fail "entrance"
route_is '{.spec.parentRefs[0].kind} {.spec.parentRefs[0].name} {.spec.parentRefs[0].port}' 'Service httpbin 80' || fail "parents: $(route '{.spec.parentRefs}')"
route_is '{.spec.hostnames}' '["httpbin.test","httpbin.test.svc","httpbin.test.svc.cluster.local"]' || fail "hosts: $(route '{.spec.hostnames}')"
route_is '{.spec.rules[*].backendRefs[*].name}' httpbin-0 || fail "rules: $(route '{.spec.rules}')"
until_ok 10 route_is '{.status.parents[*].conditions[?(@.type=="Accepted")].status}' True
until_ok 10 route_is '{.status.parents[*].conditions[?(@.type=="ResolvedRefs")].status}' True

say "send requests from the sleep pod, with and without the header"
kubectl apply -f sleep.yaml >/dev/null
kubectl rollout status deploy/sleep --timeout=60s >/dev/null
# the tutorial's shell; without a terminal of its own kubectl says so and goes on
shell=$(echo "curl httpbin.test -s -D - | grep -a -e '^HTTP' -e app-version" | kubectl exec --stdin --tty "$(sleep_pod)" -c sleep -- /bin/sh 2>/dev/null | tr -d '\r')
[ "$shell" = "HTTP/1.1 200 OK
app-version: httpbin-0" ] || fail "the shell in the sleep pod: $shell"
answered_by httpbin-0 9
answered_by httpbin-0 10 -H "'traffic: test'"
received_is httpbin-0 20

say "deploy the candidate"
release <<EOF
environment: deployment-gtw
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
    matches:
    - headers:
      - name: traffic
        value: test
  strategy: canary
EOF
until_ok 60 route_is '{.spec.rules[*].backendRefs[*].name}' 'httpbin-1 httpbin-0'
ready
route_is '{.spec.rules[0].matches[0].headers[0].type} {.spec.rules[0].matches[0].headers[0].name} {.spec.rules[0].matches[0].headers[0].value}' 'Exact traffic test' || fail "match: $(route '{.spec.rules[0].matches}')"
[ "$(kubectl -n test get endpointslice -l kubernetes.io/service-name=httpbin-1 -o jsonpath='{.items[*].endpoints[*].conditions.ready}')" = true ] || fail "the candidate's rule is there before the candidate"
answered_by httpbin-1 20 -H "'traffic: test'"
answered_by httpbin-0 10
answered_by httpbin-0 10 -H "'traffic: other'"
received_is httpbin-0 40
received_is httpbin-1 20

say "from outside, through a Gateway: 404 as long as no route names it"
kubectl apply -f gateway.yaml >/dev/null
kubectl -n test wait --for=condition=Programmed gateway/public --timeout=30s >/dev/null
outside=$(gateway_url test/public)
outside_is() { [ "$(curl -s -o /dev/null -w '%{http_code} %header{app-version}' -H 'Host: httpbin.test' $2 "$outside/get")" = "$1" ]; }
until_ok 10 outside_is '404 ' ''
release <<EOF
environment: deployment-gtw
gateway: public
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
    matches:
    - headers:
      - name: traffic
        value: test
  strategy: canary
EOF
until_ok 30 outside_is '200 httpbin-0' ''
outside_is '200 httpbin-1' '-H traffic:test' || fail "the header from outside"
[ "$(kubectl -n test get gateway public -o jsonpath='{.status.listeners[0].attachedRoutes}')" = 1 ] || fail "attached routes"

say "promote the candidate"
release <<EOF
environment: deployment-gtw
application: 
  versions:
  - metadata:
      labels:
        app.kubernetes.io/version: v1
    image: kennethreitz/httpbin
  strategy: canary
EOF
until_ok 60 route_is '{.spec.rules[*].backendRefs[*].name}' httpbin-0
ready
[ "$(kubectl -n test get deploy httpbin-0 -o jsonpath='{.metadata.labels.app\.kubernetes\.io/version}')" = v1 ] || fail "label"
kubectl -n test wait --for=delete deploy/httpbin-1 svc/httpbin-1 --timeout=60s >/dev/null
answered_by httpbin-0 10
answered_by httpbin-0 10 -H "'traffic: test'"

say "clean up"
helm -n test delete httpbin >/dev/null
# the Gateway stays, and where Istio runs it with a Deployment and a Service of its own
left() { kubectl -n test get release,deploy,svc,cm,httproute -l '!gateway.networking.k8s.io/gateway-name' -o name | grep -v kube-root-ca.crt || true; }
nothing_left() { [ -z "$(left)" ]; }
until_ok 30 nothing_left
kubectl delete deploy sleep >/dev/null
helm delete iter8 2>/dev/null >/dev/null
until_ok 30 sh -c '[ -z "$(kubectl get deploy -o name)" ]'
kubectl get crd releases.weir.dev >/dev/null || fail "the definition went with the chart"

printf '\nthe journey holds\n'
