#!/usr/bin/env bash
# Bills a month of all accounts and keeps the documents: numbers what is not numbered yet, then fetches every PDF that is not
# there yet. Once more makes nothing twice, so a timer may run it as often as it likes.
#
#   UPTALLY_SERVER=... UPTALLY_KEY=... bill-month.sh FOLDER [MONTH]        MONTH is 2026-03; left out, the month before this one
set -euo pipefail
folder=$1
month=${2:-$(date -d "$(date +%Y-%m-15) -1 month" +%Y-%m)}

failed=0
uptally invoices run --period "$month" --finalize || failed=1 # one account's failure is its own: the summary names it

mkdir -p "$folder"
uptally invoices list --type invoice --json | while read -r invoice; do
  number=$(jq -r '.number // empty' <<<"$invoice")
  file="$folder/invoice-$number.pdf"
  if [ -z "$number" ] || [ -e "$file" ]; then continue; fi
  uptally invoices get "$number" --format pdf --output "$file.part"
  mv "$file.part" "$file"
done
exit "$failed"
