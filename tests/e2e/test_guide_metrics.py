#!/usr/bin/python3
"""docs/guide/metrics.md, followed by copy and paste."""
import os
import re
import shutil
import sys

from guide import finish, follow, ok

if shutil.which("promtool") is None:
    print("1..0 # SKIP the package prometheus is not installed")
    sys.exit(0)
for name in [name for name in os.environ if name.startswith("FRAMEWALL_") and name != "FRAMEWALL_BIN"]:
    del os.environ[name]
parts = follow("metrics.md")
ok(re.search(r"^framewall_connections_total 0$", parts[0], re.M), "the figures are had with the token", parts[0])
ok(re.search(r'^framewall_build_info\{version="[^"]+"\} 1$', parts[0], re.M), "and the version", parts[0])
ok(re.search(r"^active connections +0$", parts[0], re.M), "stats has them in words", parts[0])
ok("SUCCESS" in parts[1], "the configuration of Prometheus holds", parts[1])
ok("metrics: ok" in parts[1], "promtool has nothing to say of the metrics", parts[1])
ok("connections 0" in parts[2] and '{"seconds":0' in parts[2], "top shows it once", parts[2])
finish()
