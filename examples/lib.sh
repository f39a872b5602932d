# What the journeys share; read by them, not run. They run on local mode, which they start, or on the real stack:
# ./weir-e2e run examples/mirror/journey.sh. What differs between the two is here.

say() { printf '\n== %s\n' "$*"; }
fail() { echo "FAILED: $*" >&2; exit 1; }
# until_ok SECONDS COMMAND...: waits for the command to succeed
until_ok() {
  limit=$1; shift; end=$(($(date +%s) + limit))
  until "$@"; do [ "$(date +%s)" -lt "$end" ] || fail "not within ${limit}s: $*"; sleep 0.2; done
}

# start: sets KUBECONFIG, charts (the repository) and gateway (the URL of the ingress gateway); what it started or what
#   the journey left ends with the journey
# gateway_url NAMESPACE/NAME: where a Gateway of Gateway API listens
# closed: what curl says of the ingress gateway before any Gateway opens its port
case ${WEIR_STACK:-local} in
  local)
    stack="local mode"
    closed=404 # its gateways answer on their ports from the start
    weir=../../weir
    data=$(mktemp -d)
    trap '$weir local reset --data-dir "$data" >/dev/null 2>&1 || true' EXIT
    start() {
      $weir local start --data-dir "$data" --controller=none
      eval "$($weir local env --data-dir "$data")"; export KUBECONFIG
      charts=$($weir local status --data-dir "$data" | awk '/^charts/ {print $2}')
      gateway=$($weir local status --data-dir "$data" | awk '/^gateway/ {print $2; exit}')
    }
    gateway_url() { $weir local status --data-dir "$data" | awk -v name="$1" '/^gateway/ && $3 == name {print $2}'; }
    ;;
  real)
    stack="the real stack"
    closed=000 # Envoy opens a port when a Gateway wants it
    trap 'clean_up >/dev/null 2>&1 || true' EXIT
    clean_up() {
      for chart in httpbin iter8; do
        helm list -A --filter "^$chart\$" | awk 'NR > 1 {print $2}' | while read -r namespace; do
          helm -n "$namespace" delete "$chart" --wait --timeout 60s
        done
      done
      kubectl delete --ignore-not-found --wait ns test
      kubectl delete --ignore-not-found --wait deploy/sleep cm/sleep-files gateways.networking.istio.io/my-gateway
      kubectl delete --ignore-not-found --wait crd releases.weir.dev
      kubectl wait --for=delete pod --all --timeout=60s
    }
    pod_url() { echo "http://$(kubectl get pod "$@" -o jsonpath='{.items[0].status.podIP}'):80"; }
    start() {
      charts=$WEIR_CHARTS
      gateway=$(pod_url -n istio-system -l istio=ingressgateway)
    }
    gateway_url() { pod_url -n "${1%/*}" -l "gateway.networking.k8s.io/gateway-name=${1#*/}"; }
    ;;
  *) fail "WEIR_STACK is local or real, not $WEIR_STACK" ;;
esac

# The pod that requests are sent from, found as the tutorials do it.
sleep_pod() { kubectl get pod --sort-by='{.metadata.creationTimestamp}' -l app=sleep -o 'jsonpath={.items..metadata.name}' | rev | cut -d' ' -f 1 | rev; }
in_sleep() { kubectl exec "$(sleep_pod)" -c sleep -- "$@"; }
