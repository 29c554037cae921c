#!/usr/bin/python3
"""docs/guide/anomalies.md, followed by copy and paste."""
import shutil
import sys

if shutil.which("curl") is None:
    print("1..0 # SKIP curl is not installed")
    sys.exit(0)

from guide import finish, follow, ok

parts = follow("anomalies.md")
ok("401 401 401 401" in parts[0], "guesses are refused", parts[0])
ok("guessing_network" in parts[0] and "abandoned_logins" in parts[0], "and told of, with what made it", parts[0])
finish()
