#!/usr/bin/python3
"""docs/guide/overload.md, followed by copy and paste."""
import re

from guide import finish, follow, ok

parts = follow("overload.md")
ok(re.search(r"overload stage +0\n", parts[-1]), "there is enough memory", parts[-1])
ok(re.search(r"memory limit bytes +536870912\n", parts[-1]), "and the limit is the one of the page", parts[-1])
finish()
