#!/usr/bin/python3
"""docs/guide/reports.md, followed by copy and paste."""
import os
import shutil
import sys

if shutil.which("curl") is None:
    print("1..0 # SKIP curl is not installed")
    sys.exit(0)
if not os.path.exists(os.path.join(os.path.dirname(os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build/framewall")), "framewall-pdf")):
    print("1..0 # SKIP framewall-pdf is not built: libpango1.0-dev is not installed")
    sys.exit(0)

from guide import finish, follow, ok

parts = follow("reports.md")
ok("complete: True gaps: []" in parts[1] and "block add" in parts[1] and "key create" in parts[1], "figures, completeness, actions", parts[1])
ok("events: 0 " not in parts[1] and "refusals: 3" in parts[1], "three refused logins", parts[1])
ok(all(name in parts[2] for name in ("report.html", "report.csv", "report.pdf", "report.pdf.sig")), "three formats, and their signatures", parts[2])
ok("the signature holds" in parts[3] and "not what was signed" in parts[3], "a signature holds, and does not", parts[3])
ok("exit status 1" in parts[4] and "False" in parts[4] and "[{'first': 3, 'last': 3}]" in parts[4], "a record that is missing is named", parts[4])
finish()
