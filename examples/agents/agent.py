#!/usr/bin/env python3
"""A whole agent without a package: UPTALLY_SERVER=http://127.0.0.1:8080 UPTALLY_KEY=... agent.py eth0=vm-1 [NIC=VM ...]
Samples have the guest's view: at a host's end of a guest (tap, vnet) exchange rx and tx."""
import itertools, json, os, sys, time, urllib.error, urllib.request

rounds, interval = int(os.environ.get("ROUNDS", 0)), float(os.environ.get("INTERVAL", 10))
epoch = next(int(line.split()[1]) for line in open("/proc/stat") if line.startswith("btime"))  # the boot: counters begin anew
headers = {"Authorization": f"Bearer {os.environ['UPTALLY_KEY']}", "Content-Type": "application/x-ndjson"}

def sample(nic, vm):
    rx, tx = (int(open(f"/sys/class/net/{nic}/statistics/{way}_bytes").read()) for way in ("rx", "tx"))
    return {"vm": vm, "nic": nic, "ts": time.time_ns() // 1_000_000, "epoch": epoch, "rx_bytes": rx, "tx_bytes": tx}

def post(body):
    while True:  # the same bytes until they are taken: what comes twice counts once
        try:
            request = urllib.request.Request(f"{os.environ['UPTALLY_SERVER']}/v1/samples", body, headers)
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as refused:
            if refused.code != 429 and refused.code < 500:
                sys.exit(f"{refused.code}: {refused.read().decode()}")
            time.sleep(float(refused.headers.get("Retry-After", 5)))
        except OSError:
            time.sleep(5)

for _ in range(rounds) if rounds else itertools.count():
    print(post("\n".join(json.dumps(sample(*pair.split("="))) for pair in sys.argv[1:]).encode()), flush=True)
    time.sleep(interval)
