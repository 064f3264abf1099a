#!/usr/bin/env python3
"""A month of an account as CSV for a spreadsheet: a row a VM and day, with exact bytes, minutes and money.

    UPTALLY_SERVER=... UPTALLY_KEY=... month.py ACCOUNT 2026-03 Asia/Shanghai >march.csv

Bytes are integers of up to 20 digits, which spreadsheets round: they are written as GB with nine decimals, which is exact.
"""
import csv, json, os, sys, urllib.parse, urllib.request
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

account, month, zone = sys.argv[1:4]
year, number = map(int, month.split("-"))
start = datetime(year, number, 1, tzinfo=ZoneInfo(zone))
end = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=ZoneInfo(zone))


def rows(what):
    """All pages of an answer. Python's integers are exact, so json keeps every digit."""
    query = {"from": start.isoformat(), "to": end.isoformat(), "step": "day", "tz": zone, "by": "vm"}
    while query:
        url = f"{os.environ['UPTALLY_SERVER']}/v1/accounts/{account}/{what}?{urllib.parse.urlencode(query)}"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {os.environ['UPTALLY_KEY']}"})
        with urllib.request.urlopen(request) as answer:
            page = json.load(answer)
        yield from page["rows"]
        query = {"cursor": page["next"]} if page["next"] else None


days = {}
for row in rows("traffic"):
    days.setdefault((row["vm"], row["start"]), {}).update(row)
for row in rows("uptime"):
    days.setdefault((row["vm"], row["start"]), {}).update(row)

out = csv.writer(sys.stdout)
out.writerow(["vm", "day", "received GB", "sent GB", "unavailable minutes", "worth of them"])
for (vm, instant), row in sorted(days.items()):
    day = datetime.fromisoformat(instant.replace("Z", "+00:00")).astimezone(ZoneInfo(zone)).date()
    gb = [Decimal(row.get(name, 0)).scaleb(-9) for name in ("rx_bytes", "tx_bytes")]
    out.writerow([vm, day, *(f"{each:.9f}" for each in gb), row.get("unavailable_minutes", 0), f"{Decimal(row.get('credit_nanos', 0)).scaleb(-9):.9f}"])
