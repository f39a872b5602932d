#!/bin/sh
# What weir metrics tells of each version, by Envoy's own statistics and by the Prometheus that scrapes them, is what the
# client saw and what the servers logged: ./weir-e2e run e2e/metrics.sh
set -eu
cd "$(dirname "$0")/../examples/canary"
. ../lib.sh
[ "$stack" = "the real stack" ] || fail "this needs the real stack: ./weir-e2e run e2e/metrics.sh"
weir="$(cd ../.. && pwd)/weir"
count=120
# a name of its own: the gateway's Envoy still counts what a journey sent to httpbin
release=counted
ready() { kubectl -n test wait --for=condition=Ready release/$release --timeout=60s >/dev/null; }

say "install the controller, a release with two versions that share the requests, and a client"
start
helm install --repo "$charts" --version 0.1 iter8 controller --set clusterScoped=true >/dev/null
kubectl rollout status deploy/iter8 --timeout=60s
kubectl create ns test
kubectl apply -f sleep.yaml >/dev/null
kubectl rollout status deploy/sleep --timeout=60s
kubectl apply -f - <<END
apiVersion: weir.dev/v1alpha1
kind: Release
metadata: {name: $release, namespace: test}
spec:
  strategy: BlueGreen
  versions:
  - {name: $release-0, image: kennethreitz/httpbin, share: 70}
  - {name: $release-1, image: kennethreitz/httpbin, share: 30}
END
until_ok 30 kubectl -n test get release $release >/dev/null
ready
# what was in force before may still be followed for a moment
serves() { [ "$(in_sleep curl -s -o /dev/null -w '%{http_code}' $release.test/get)" = 200 ]; }
until_ok 30 serves

# tell OPTION...: requests and errors of each version, as weir metrics prints them
tell() { "$weir" metrics $release -n test --total -o wide "$@" | awk -F '   +' '/^'$release'-/ {print $1, $4, $6}'; }
logged() { kubectl -n test logs "deploy/$1" | grep -c 'client=metrics' || true; }
by_envoy() { tell --stats "http://$(kubectl get pod "$(sleep_pod)" -o jsonpath='{.status.podIP}'):15090/stats/prometheus"; }
by_prometheus() { tell --prometheus "$WEIR_PROMETHEUS"; }
same() { [ "$(by_envoy)" = "$(by_prometheus)" ]; }

say "send $count requests, one in five of which is answered 500"
until_ok 30 same # Prometheus has seen the first requests too
before=$(by_envoy)
answers=$(in_sleep sh -c "for i in \$(seq $count); do path=get; [ \$((i % 5)) = 0 ] && path=status/500
  curl -s -o /dev/null -w '%header{app-version} %{http_code}\n' \"$release.test/\$path?client=metrics\"; done")
echo "$answers" | sort | uniq -c
for version in $release-0 $release-1; do
  [ "$(logged $version)" = "$(echo "$answers" | grep -c "^$version ")" ] || fail "$version logged $(logged $version) requests"
done
# what was counted before, and what came since
wanted=$(for version in $release-0 $release-1; do
  old=$(echo "$before" | awk -v v=$version '$1 == v {print $2 + 0, $3 + 0}')
  echo "$version $((${old% *} + $(echo "$answers" | grep -c "^$version "))) $((${old#* } + $(echo "$answers" | grep -c "^$version 5")))"
done)

say "the metrics agree"
told=$(by_envoy)
[ "$told" = "$wanted" ] || fail "Envoy tells $told, and $wanted was sent"
until_ok 30 same
echo "$wanted"
# Envoy adds up its histograms every five seconds
"$weir" metrics $release -n test --prometheus "$WEIR_PROMETHEUS" --window 1m -o wide

say "done"
