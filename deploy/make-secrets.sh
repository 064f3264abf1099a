#!/bin/sh
# Makes the secrets that compose.yaml reads, each in a file of its own; those that are there stay. Containers of several users read the
# files, so they are readable by all; the folder is not.
set -eu
folder=$(dirname "$0")/secrets
mkdir -p "$folder"
chmod 700 "$folder"

secret() {
  [ -e "$folder/$1" ] || { printf '%s' "$2" >"$folder/$1" && chmod 444 "$folder/$1"; }
}
random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

secret admin_key "$(random)"
secret grafana_password "$(random)"
secret clickhouse_password "$(random)"
secret clickhouse_url "http://uptally:$(cat "$folder/clickhouse_password")@clickhouse:8123"
echo "secrets are in $folder; the admin key is in $folder/admin_key"
