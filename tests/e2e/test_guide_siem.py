#!/usr/bin/python3
"""docs/guide/siem.md, followed by copy and paste."""
import re
import shutil
import sys

for tool in ("rsyslogd", "openssl", "curl"):
    if shutil.which(tool) is None:
        print(f"1..0 # SKIP {tool} is not installed")
        sys.exit(0)

from guide import finish, follow, ok

parts = follow("siem.md")
ok("framewall handshake_refused [audit@32473 sequence=" in parts[1], "a record arrives at rsyslog by TLS", parts[1])
ok(len(set(re.findall(r'handshake_refused \[audit@32473 sequence="(\d+)"', parts[2]))) == 4, "three more, after it was away", parts[2])
ok(re.search(r"siem\n(?: +.*\n)*? +behind records +0\n", parts[2]), "and the figures say that it has all", parts[2])
ok(parts[3].splitlines()[-1:] == ["signed True"], "a webhook comes signed", parts[3])
ok("the record holds" in parts[4] and "does not hold" in parts[4].split("the record holds")[1], "a checkpoint that was sent shows that the tail was cut", parts[4])
finish()
