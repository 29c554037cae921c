#!/usr/bin/python3
"""docs/guide/learn.md, followed by copy and paste."""
import json
import os
import re

from guide import finish, follow, ok

for name in [name for name in os.environ if name.startswith("FRAMEWALL_") and name != "FRAMEWALL_BIN"]:
    del os.environ[name]
parts = follow("learn.md")
lines = parts[0].strip().splitlines()
first = json.loads(lines[0])
ok(first["direction"] == "in" and json.loads(first["text"])["side"] in ("buy", "sell") and "Agatha" not in first["text"], "a line of the capture", parts[0])
ok(lines[-1] == "600", "a line for each message, both ways", parts[0])
changes = [(int(count), name) for count, name in re.findall(r"^ +(\d+)  from clients (.*?) at /: would be refused", parts[1], re.M)]
ok(len(changes) == 2 and changes[0] == (100, "(no type)") and changes[1][1] == "order.place" and "amount: maximum 400" in parts[1] and "exit 1" in parts[1],
   "what the policy would refuse", parts[1])
ok(f"{changes[1][0]} would pass" in parts[2] and parts[2].count('"verdict":"pass"') == 2, "and another one would not", parts[2])
ok(": ok" in parts[3] and '"order.place":' in parts[3] and 'enum: ["' in parts[3] and "600 as before" in parts[3], "a policy is proposed that passes what it was learned from", parts[3])
finish()
