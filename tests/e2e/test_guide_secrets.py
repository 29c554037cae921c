#!/usr/bin/python3
"""docs/guide/secrets.md, followed by copy and paste."""
import os
import re

from guide import finish, follow, ok

for name in [name for name in os.environ if name.startswith("FRAMEWALL_") and name != "FRAMEWALL_BIN"]:
    del os.environ[name]
parts = follow("secrets.md")
ok("framewall.yaml: ok" in parts[0], "the configuration holds", parts[0])
shown = re.findall(r"^verdict: (.*)$|^message: (.*)$", parts[1], re.M)
ok([pair[0] or pair[1] for pair in shown] == [
    "rewrite", '{"type":"bill","data":{"note":"Visa **** **** **** 1111","amount":12}}',
    "rewrite", '{"type":"bill","data":{"number":"**********1111"}}',
    "pass", '{"type":"bill","data":{"number":4111111111111112}}'], "what the page says of the three messages", parts[1])
ok(parts[1].count("/data/note") == 1 and parts[1].count("/data/number") == 1, "and where it was", parts[1])
finish()
