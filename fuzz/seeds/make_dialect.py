#!/usr/bin/python3
"""Seeds of fuzz_dialect: the texts of the rows of tests/unit/test_dialect.c, each behind the octet that chooses dialect, direction and what came before."""
import ast
import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "../..")
with open(os.path.join(ROOT, "src/tables/dialects.def"), encoding="utf-8") as file:
    order = re.findall(r"^DIALECT\((\w+),", file.read(), re.M)
with open(os.path.join(ROOT, "tests/unit/test_dialect.c"), encoding="utf-8") as file:
    text = file.read()
rows = re.findall(r'\{ DIALECT_(\w+),\s*((?:"(?:[^"\\]|\\.)*"\s*)+),.*?(true|false),\s*(true|false)\s*\}', text, re.S)
rows += [("stomp", *row) for row in re.findall(r'\{ S\(((?:"(?:[^"\\]|\\.)*"\s*)+)\),.*?(true|false),\s*(true|false)\s*\}', text, re.S)]
folder = os.path.join(HERE, "fuzz_dialect")
os.makedirs(folder, exist_ok=True)
for number, (name, text, outbound, later) in enumerate(rows):
    octets = b"".join(ast.literal_eval("b" + part) for part in re.findall(r'"(?:[^"\\]|\\.)*"', text))
    with open(os.path.join(folder, f"{number:03}"), "wb") as file:
        file.write(bytes([order.index(name) | (outbound == "true") << 4 | (later == "true") << 5]) + octets)
