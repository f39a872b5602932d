# What the journeys share; read by them, not run.
weir=../../weir
data=$(mktemp -d)
trap '$weir local reset --data-dir "$data" >/dev/null 2>&1 || true' EXIT

say() { printf '\n== %s\n' "$*"; }
fail() { echo "FAILED: $*" >&2; exit 1; }
# until_ok SECONDS COMMAND...: waits for the command to succeed
until_ok() {
  limit=$1; shift; end=$(($(date +%s) + limit))
  until "$@"; do [ "$(date +%s)" -lt "$end" ] || fail "not within ${limit}s: $*"; sleep 0.2; done
}

# Local mode, with the operator left to the chart; sets KUBECONFIG, charts and gateway.
start() {
  $weir local start --data-dir "$data" --controller=none
  eval "$($weir local env --data-dir "$data")"; export KUBECONFIG
  charts=$($weir local status --data-dir "$data" | awk '/^charts/ {print $2}')
  gateway=$($weir local status --data-dir "$data" | awk '/^gateway/ {print $2; exit}')
}

# The pod that requests are sent from, found as the tutorials do it.
sleep_pod() { kubectl get pod --sort-by='{.metadata.creationTimestamp}' -l app=sleep -o 'jsonpath={.items..metadata.name}' | rev | cut -d' ' -f 1 | rev; }
in_sleep() { kubectl exec "$(sleep_pod)" -c sleep -- "$@"; }
