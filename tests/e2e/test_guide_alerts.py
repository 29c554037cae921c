#!/usr/bin/python3
"""docs/guide/alerts.md, followed by copy and paste."""
import os
import re

from guide import finish, follow, ok

for name in [name for name in os.environ if name.startswith("FRAMEWALL_") and name != "FRAMEWALL_BIN"]:
    del os.environ[name]
parts = follow("alerts.md")
ok("framewall.yaml: ok" in parts[0], "the configuration holds", parts[0])
ok(parts[0].count('"event_type":"alert_raised"') == 1 and '"level":"critical"' in parts[0] and "somebody tries credentials" in parts[0], "one alert is told", parts[0])
ok(re.search(r'^brute_force +firing +critical +address="[0-9a-f.:]+" .* 1 *$', parts[0], re.M), "and one suppressed", parts[0])
ok("silenced: alert=brute_force" in parts[1] and re.search(r"eve +our own scan", parts[1]), "a silence is made and listed", parts[1])
ok("not silenced any more" in parts[1], "and ended", parts[1])
finish()
