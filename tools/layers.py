#!/usr/bin/python3
"""src/LAYERS is the law: every #include in src/ stays within what its layer may see. --map draws what the includes show."""
import os
import re
import sys

root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
os.chdir(root)
law = {}
for line in open("src/LAYERS"):
    if line.strip() and not line.startswith("#"):
        layer, _, below = line.partition(":")
        law[layer.strip()] = below.split()

seen, wrong = {}, []
for layer in law:
    for folder, _, files in os.walk(f"src/{layer}"):
        for name in sorted(files):
            if not name.endswith((".c", ".h")):
                continue
            path = os.path.join(folder, name)
            for number, text in enumerate(open(path, encoding="utf-8"), 1):
                found = re.match(r'\s*#\s*include\s+"([^"/]+)/', text)
                if not found:
                    continue
                other = found.group(1)
                if other in ("tables", layer):
                    continue
                seen.setdefault(layer, {}).setdefault(other, 0)
                seen[layer][other] += 1
                if other not in law[layer]:
                    wrong.append(f"{path}:{number}: {layer} may not include {other} (src/LAYERS: {layer}: {' '.join(law[layer])})")
for folder in sorted(os.listdir("src")):
    if os.path.isdir(f"src/{folder}") and folder not in law and folder != "tables":
        wrong.append(f"src/{folder}: a folder that src/LAYERS does not name")

if "--map" in sys.argv:
    print("layer     files  includes (how often)")
    for layer in reversed(list(law)):
        count = sum(name.endswith(".c") for _, _, files in os.walk(f"src/{layer}") for name in files)
        print(f"{layer:9} {count:5}  " + "  ".join(f"{other} {times}" for other, times in sorted(seen.get(layer, {}).items(), key=lambda x: -x[1])))
for text in wrong:
    print(text)
if "--map" in sys.argv:
    print("as src/LAYERS says" if not wrong else f"{len(wrong)} against src/LAYERS")
sys.exit(1 if wrong else 0)
