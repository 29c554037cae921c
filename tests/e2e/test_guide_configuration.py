#!/usr/bin/python3
"""docs/guide/configuration.md, followed by copy and paste; and what its table shows is what was printed."""
import os
import re
import shutil
import sys

from guide import finish, follow, ok

if not shutil.which("openssl"):
    print("1..0 # SKIP openssl is not installed")
    sys.exit(0)
for name in [name for name in os.environ if name.startswith("FRAMEWALL_") and name != "FRAMEWALL_BIN"]:
    del os.environ[name]
parts, shown = follow("configuration.md"), []
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/guide/configuration.md"), encoding="utf-8") as file:
    guide = file.read()
ok("# The configuration of Framewall" in parts[0] and "jwt.key" in parts[0] and "framewall.yaml: ok: " in parts[0], "init writes a file that holds", parts[0])
ok('did you mean "messages_per_minute"' in parts[1] and "framewall.yaml:4:22: error" in parts[1] and "exit 1" in parts[1], "both mistakes are named", parts[1])
common, _, environments = parts[2].partition("in staging:\n")
staging, _, production = environments.partition("in production:\n")
for where, text, lines in (
        ("without an environment", common, ("mode: enforce  # default", "upstream.url: ws://localhost:9000  # framewall.yaml:3", "refuse: in_band  # default",
                                            "hosts: [chat.example.com]  # framewall.yaml:1", "authentication.jwt.keys[0].secret: (secret)  # framewall.yaml:6")),
        ("staging", staging, ("mode: monitor  # framewall.yaml:11, overlay staging", "hosts: [staging.example.com]  # framewall.yaml:12, overlay staging",
                              "routes[0].hosts: [staging.example.com]  # framewall.yaml:12, overlay staging")),
        ("production", production, ("authentication.session_timeout: 15  # default in production", "refuse: http  # FRAMEWALL_REFUSE",
                                    "rate_limiting.messages_per_minute: 300  # framewall.yaml:14, overlay production", "environment: production  # --environment"))):
    for line in lines:
        ok(re.search(rf"^(> )?{re.escape(line)}$", text, re.M), f"{where}: {line}", text)
        if f"| `{line}` |" in guide:
            shown.append(line)
ok(set(re.findall(r"^\| .* \| `(.*)` \|$", guide, re.M)) == set(shown), "the table of the page shows what was printed", shown)
checked, _, ran = parts[3].partition("exit 1")
ok("good enough" in checked and checked.count("error: in production: ") == 4, "check says what production refuses", parts[3])
ok(ran.count("error: in production: ") == 4 and "listening" not in ran, "and run does not start", ran)
ok("environment production" in parts[4] and "monitor mode" in parts[4] and "listening on ws://localhost:8765" in parts[4], "an option stands above the file", parts[4])
finish()
