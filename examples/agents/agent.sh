#!/usr/bin/env bash
# A whole agent in bash and curl: posts the counters of interfaces every ten seconds.
#
#   UPTALLY_SERVER=http://127.0.0.1:8080 UPTALLY_KEY=... agent.sh eth0=vm-1 [NIC=VM ...]
#
# Samples have the guest's view: at a host's end of a guest (tap, vnet) exchange rx and tx.
set -euo pipefail
rounds=${ROUNDS:-0} interval=${INTERVAL:-10}
epoch=$(awk '$1 == "btime" { print $2 }' /proc/stat) # the boot: counters begin anew

samples() {
  local pair nic
  for pair in "$@"; do
    nic=${pair%%=*}
    printf '{"vm":"%s","nic":"%s","ts":%s,"epoch":%s,"rx_bytes":%s,"tx_bytes":%s}\n' "${pair#*=}" "$nic" "$(date +%s%3N)" \
      "$epoch" "$(<"/sys/class/net/$nic/statistics/rx_bytes")" "$(<"/sys/class/net/$nic/statistics/tx_bytes")"
  done
}

# The same bytes until they are taken (curl heeds Retry-After): what comes twice counts once.
post() {
  curl -sS --fail-with-body --retry 100 --retry-connrefused --max-time 30 "$UPTALLY_SERVER/v1/samples" \
    -H "Authorization: Bearer $UPTALLY_KEY" -H 'Content-Type: application/x-ndjson' --data-binary @-
  echo
}

for ((done = 0; rounds == 0 || done < rounds; done++)); do
  samples "$@" | post
  sleep "$interval"
done
