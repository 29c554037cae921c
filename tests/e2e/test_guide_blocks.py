#!/usr/bin/python3
"""docs/guide/blocks.md, followed by copy and paste."""
import shutil
import sys

if shutil.which("curl") is None:
    print("1..0 # SKIP curl is not installed")
    sys.exit(0)

from guide import finish, follow, ok

parts = follow("blocks.md")
ok("401 401 401 401 401 429 429" in parts[0], "guesses are refused, then limited", parts[0])
ok("false" in parts[0] and "auth_failure" in parts[0] and "rate_limit_violation" in parts[0], "explain shows points by event", parts[0])
ok("127.0.0.1" in parts[1] and "violations" in parts[1] and "auth_failure 5, rate_limit_violation 5" in parts[1], "the list says why", parts[1])
ok("warning" in parts[1] and "critical" in parts[1] and "penalty" in parts[1] and "ip_blocked" in parts[1], "both are in the record", parts[1])
ok("not blocked any more: 127.0.0.1" in parts[2] and "blocked: 192.0.2.7" in parts[2] and "mallory" in parts[2], "taken back, and others are blocked", parts[2])
ok("sells what is not his" in parts[2] and "operator" in parts[2], "by whom, and why", parts[2])
finish()
