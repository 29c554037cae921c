#!/usr/bin/python3
"""docs/guide/threat-intelligence.md, followed by copy and paste."""
import os
import re

from guide import finish, follow, ok

for name in [name for name in os.environ if name.startswith("FRAMEWALL_") and name != "FRAMEWALL_BIN"]:
    del os.environ[name]
parts = follow("threat-intelligence.md")
ok("framewall.yaml: ok" in parts[0], "the configuration holds", parts[0])
ok(re.search(r"^seen +good +block +2 ", parts[0], re.M), "the list is in use", parts[0])
ok(re.search(r"^seen +block +203.0.113.0/24$", parts[0], re.M), "and an address is looked up", parts[0])
ok(re.search(r"^seen +good +block +1 ", parts[1], re.M), "what is private is left out", parts[1])
ok(re.search(r"^seen +old +block +1 .*line 2", parts[1], re.M), "a bad one is refused, and the last good one stays", parts[1])
ok(re.search(r"^seen +block +198.51.100.7/32$", parts[1], re.M), "in use", parts[1])
finish()
