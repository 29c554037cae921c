#!/usr/bin/python3
"""docs/guide/scan.md, followed by copy and paste; the reports hold to their schemas."""
import os
import re

os.environ["EXAMPLES"] = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../examples"))
from guide import finish, follow, ok

parts = follow("scan.md")
ok("exit 1" in parts[0] and "jwt.none" in parts[0] and "input.xss" in parts[0], "two findings", parts[0])
ok("2 with a finding, 1 passed" in parts[0], "and a pass", parts[0])
ok(not re.search(r"eyJ[\w-]+\.eyJ", parts[0]), "without a token", parts[0])
ok("0 with a finding" in parts[1], "nothing is found of what is on", parts[1])
ok("""send: '{"type":"chat","text":"${text}"}'""" in parts[2] and "Bearer ${token}" in parts[2], "a profile is made of a recorded session", parts[2])
ok("exit 1" in parts[3] and "1 with a finding, 1 passed" in parts[3], "a baseline: what is known fails no build", parts[3])
finish()
