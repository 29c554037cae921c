#!/usr/bin/python3
"""docs/guide/dialects.md: each configuration of it holds, there is one for each dialect, and what a type of it is called is what its route takes."""
import os
import re
import subprocess

from framewall import BINARY, equal, main, ok

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("FRAMEWALL_")}
# Permissions that the page invents, as a configuration would name them.
ROLES = "rbac: { permission_categories: { files: [read], users: [write], admin: [access] } }\n"


def blocks():
    with open(os.path.join(ROOT, "docs/guide/dialects.md"), encoding="utf-8") as file:
        page = file.read()
    with open(os.path.join(ROOT, "src/tables/dialects.def"), encoding="utf-8") as file:
        names = dict(re.findall(r'^DIALECT\(\w+, "([^"]+)", "([^"]*)"', file.read(), re.M))
    found = re.findall(r"```yaml\n(.*?)```", page, re.S)
    said = {re.search(r"dialect: (\S+)", text).group(1) for text in found}
    for name, subprotocol in names.items():
        ok(name == "json" or name in said or subprotocol != "" and f"{subprotocol} means {name}" in page, f"{name} has a configuration")
    for text in found:
        done = subprocess.run([BINARY, "check", "--print", "-"], input=ROLES + text, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=CLEAN)
        name = re.search(r"dialect: (\S+)", text).group(1)
        equal((done.returncode, done.stderr), (0, ""), f"{name}: the configuration holds")
        shown = set(re.findall(r"^.*routes\[0\]\.types: (.*?)  # ", done.stdout, re.M))
        types = re.findall(r'^      "?([^"#\n]+?)"?: +(?!ws:)(\S*)', text, re.M)
        ok(len(types) != 0 and len(shown) == len(types), f"{name}: check --print shows its types", f"{types}\n{done.stdout}")
        without = subprocess.run([BINARY, "check", "-"], input=text.replace("dialect: ", "dialect: x"), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=CLEAN)
        ok(without.returncode == 1 and "there is no dialect" in without.stderr, f"{name}: one that is misspelt is refused", without.stderr)


main(blocks)
