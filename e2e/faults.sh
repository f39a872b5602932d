#!/bin/sh
# Faults on the real stack while clients go on: ./weir-e2e run e2e/faults.sh [ROUNDS [WORD]]
# WORD: only the faults that have it in their names.
# Each fault meets a mirrored release on its way from one version to the next. It holds if the release gets there, and if
# no client saw anything but the primary's answers.
set -eu
cd "$(dirname "$0")/../examples/mirror"
. ../lib.sh
[ "$stack" = "the real stack" ] || fail "faults need the real stack: ./weir-e2e run e2e/faults.sh"
weir_e2e="$(cd ../.. && pwd)/weir-e2e"
rounds=${1:-1} only=${2:-}
trap 'ended=$?; [ "$ended" = 0 ] || tell_all; kubectl delete --ignore-not-found deploy/clients >/dev/null 2>&1; clean_up >/dev/null 2>&1' EXIT

# what a failure leaves, before it is removed
tell_all() {
  for seen in "get pods -o wide" "get release,virtualservice httpbin -o yaml" "get lease iter8 -o yaml" \
    "logs deploy/clients -c mesh --tail=3" "logs deploy/clients -c gateway --tail=3"; do
    # shellcheck disable=SC2086 # words
    echo "-- $seen"; kubectl $seen || true
  done
  for pod in $(kubectl get pod -o name | grep /iter8-); do
    echo "-- $pod, before its last restart"; kubectl logs "$pod" --previous --tail=40 || true
    echo "-- $pod"; kubectl logs "$pod" --tail=80 || true
  done
} >&2

vs_is() { [ "$(kubectl get virtualservice httpbin -o jsonpath="$1" 2>/dev/null)" = "$2" ]; }
mirrored_to() { vs_is '{.spec.http[0].mirror.host} {.spec.http[0].mirrorPercentage.value}' "$1"; }
ready() { kubectl wait --for=condition=Ready release/httpbin --timeout=1s >/dev/null 2>&1; }
# the operator has seen the newest values
settled() { [ "$(kubectl get release httpbin -o jsonpath='{.metadata.generation}')" = "$(kubectl get release httpbin -o jsonpath='{.status.observedGeneration}')" ] && ready; }
gone() { ! kubectl get "$@" >/dev/null 2>&1; }

# release PRIMARY [CANDIDATE WEIGHT]; an API server that is away is waited for, as a user would
release() {
  values=$(printf 'environment: deployment-istio\ngateway: my-gateway\napplication:\n  strategy: mirror\n  versions:\n'
    printf '  - metadata: {labels: {app.kubernetes.io/version: %s}}\n    image: kennethreitz/httpbin\n' "$1"
    [ $# = 1 ] || printf '  - metadata: {labels: {app.kubernetes.io/version: %s}}\n    image: kennethreitz/httpbin\n    weight: %s\n' "$2" "$3")
  route=$(generation)
  until_ok 60 upgrade
}
generation() { kubectl get virtualservice httpbin -o jsonpath='{.metadata.generation}' 2>/dev/null || true; }
route_changed() { [ "$(generation)" != "$route" ]; }
upgrade() { echo "$values" | helm upgrade --install httpbin --repo "$charts" release --version 0.1 -f - >/dev/null 2>&1; }

# Clients that send one request after the other until they are deleted, one by its own Envoy, one through the gateway.
start_clients() {
  loop='while :; do curl -s -o /dev/null -w "%{http_code} %header{app-version}\n" --max-time 10'
  kubectl apply -f - >/dev/null <<END
apiVersion: apps/v1
kind: Deployment
metadata: {name: clients}
spec:
  selector: {matchLabels: {app: clients}}
  template:
    metadata: {labels: {app: clients}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - {name: mesh, image: curlimages/curl, command: [sh, -c, '$loop httpbin.default/get; done']}
      - {name: gateway, image: curlimages/curl, command: [sh, -c, '$loop --noproxy "*" -H "Host: httpbin.default" $gateway/get; done']}
END
  kubectl rollout status deploy/clients --timeout=60s >/dev/null
}
answered() { kubectl logs deploy/clients -c "$1" | wc -l; }
more_than() { [ "$(answered mesh)" -gt "$1" ] && [ "$(answered gateway)" -gt "$2" ]; }
# every answer since the clients were started; and they go on
clients_are_content() {
  until_ok 30 more_than $(($(answered mesh) + 10)) $(($(answered gateway) + 10))
  for client in mesh gateway; do
    seen=$(kubectl logs deploy/clients -c $client | sort | uniq -c)
    [ "$(echo "$seen" | awk '{print $2, $3}')" = "200 httpbin-0" ] || fail "$1: the client by $client saw: $seen"
  done
}

# The operator's processes: each is a child of the node's process and has its pod's name.
node=$(cat "$WEIR_PARTS/node.pid")
operator() { # POD
  for pid in $(pgrep -P "$node" -f 'dev.weir.cli.Main operator'); do
    if tr '\0' '\n' <"/proc/$pid/environ" | grep -qx "HOSTNAME=$1"; then echo "$pid"; fi
  done
}
leader() { kubectl get lease iter8 -o jsonpath='{.spec.holderIdentity}'; }
led() { [ -n "$(leader)" ] && kubectl get pod "$(leader)" >/dev/null 2>&1; }
led_by_another() { led && [ "$(leader)" != "$1" ]; }
# a leader that was killed holds its lease until that ends, or until it is back
leader_runs() { led && [ -n "$(operator "$(leader)")" ]; }
kill_leader() { until_ok 60 leader_runs; kill -9 "$(operator "$(leader)")"; }

# One release from V to W, with BEFORE before and FAULT after each step.
journey() { # NAME FAULT [BEFORE]
  before=${3:-nothing}
  case $1 in *"$only"*) ;; *) return 0 ;; esac
  say "$1"
  # new ones: those that were killed often are started again later and later
  kubectl rollout restart deploy/iter8 >/dev/null
  kubectl rollout status deploy/iter8 --timeout=120s >/dev/null
  begun=$(date +%s); from=v$number; number=$((number + 1)); to=v$number
  "$before"; release "$from" "$to" 100; "$2"
  until_ok 120 mirrored_to 'httpbin-1.default.svc.cluster.local 100'
  until_ok 120 settled
  "$before"; release "$from" "$to" 50; "$2"
  until_ok 120 mirrored_to 'httpbin-1.default.svc.cluster.local 50'
  "$before"; release "$to"; "$2"
  until_ok 120 mirrored_to ' '
  until_ok 120 gone deploy httpbin-1
  until_ok 120 settled
  [ "$(kubectl get deploy httpbin-0 -o jsonpath='{.metadata.labels.app\.kubernetes\.io/version}')" = "$to" ] || fail "$1: $to is not the primary"
  clients_are_content "$1"
  echo "$1: holds, $(($(date +%s) - begun)) s, $(answered mesh) and $(answered gateway) requests so far, all answered by the primary"
}
nothing() { :; }
operators_killed() { for pid in $(pgrep -P "$node" -f 'dev.weir.cli.Main operator'); do kill -9 "$pid"; done; }
# the paused one goes on when another leads, and must notice that
leader_paused() {
  until_ok 60 leader_runs; old=$(leader); pid=$(operator "$old")
  kill -STOP "$pid"; until_ok 60 led_by_another "$old"; kill -CONT "$pid"
}
part_restarted() { "$weir_e2e" stop --kill "$1"; "$weir_e2e" start "$1"; }
api_restarted() { part_restarted kube-apiserver; }
etcd_restarted() { part_restarted etcd; }
istiod_away() { "$weir_e2e" stop --kill istiod; }
istiod_back() { until_ok 60 route_changed; "$weir_e2e" start istiod; }
# its pod's cable is pulled; until then it thinks that it leads
leader_cut_off() {
  until_ok 60 leader_runs; old=$(leader)
  # shellcheck disable=SC2046 # four numbers
  device=veth$(printf '%02x' $(kubectl get pod "$old" -o jsonpath='{.status.podIP}' | tr . ' '))
  ip link set "$device" down; until_ok 120 led_by_another "$old"; ip link set "$device" up
}

start
say "two operators, one version, clients"
helm install --repo "$charts" --version 0.1 iter8 controller --set replicas=2 >/dev/null
kubectl rollout status deploy/iter8 --timeout=120s >/dev/null
kubectl apply -f gateway.yaml >/dev/null
number=0
release v0
until_ok 60 settled
gateway_answers() { [ "$(curl -s -o /dev/null -w '%{http_code}' -H 'Host: httpbin.default' "$gateway/get")" = 200 ]; }
until_ok 60 gateway_answers
start_clients
for round in $(seq "$rounds"); do
  [ "$rounds" = 1 ] || say "round $round of $rounds"
  journey "no fault" nothing
  journey "every operator killed at each step" operators_killed
  journey "the leader killed at each step" kill_leader
  journey "the leader paused at each step" leader_paused
  journey "the leader cut off from the API at each step" leader_cut_off
  journey "the API server killed and restarted at each step" api_restarted
  journey "etcd killed and restarted at each step" etcd_restarted
  journey "istiod killed before each step and away while the route changes" istiod_back istiod_away
done
printf '\nall faults hold\n'
