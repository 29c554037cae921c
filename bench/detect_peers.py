#!/usr/bin/python3
"""Framewall's inspection and sanitizer and those of others on the same texts, in one run: detect_peers.py BUILD CORPORA.

Prints one table: processor time a text, of attacks what is refused (of sanitizers: what comes out otherwise than it came), of harmless texts
the same. What is not installed is left out and named."""
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PEERS = os.path.join(HERE, "peers")
COSTS = ("prose 128", "prose 1024", "dev 128", "dev 1024")
NAMES = {"dompurify": "DOMPurify on jsdom"}


def run(command, missing, name, **more):
    """What the command prints, as JSON; {} and a note where it does not."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False, **more)
    except OSError as error:
        missing.append(f"{name}: {error.strerror}")
        return {}
    if done.returncode:
        missing.append(f"{name}: {(done.stderr.strip().splitlines() or ['no answer'])[-1]}")
        return {}
    try:
        return json.loads(done.stdout)
    except ValueError:
        missing.append(f"{name}: {(done.stdout.strip().splitlines() or ['no answer'])[-1]}")
        return {}


def install(missing):
    """The packages of bench/peers, locked, where npm is there and they are not."""
    if os.path.isdir(os.path.join(PEERS, "node_modules", "jsdom")):
        return
    try:
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=PEERS, capture_output=True, timeout=300, check=False)
    except OSError:
        missing.append("npm is not installed")


def rate(cell):
    return f"{100 * cell['hits'] / cell['count']:.0f}" if cell else "–"


def main():
    build, corpora = sys.argv[1], sys.argv[2]
    texts, missing = os.path.join(build, "peers.json"), []
    said = run([os.path.join(build, "bench", "detect"), corpora, "peers", texts], missing, "bench/detect")
    if not said:
        print("\n".join(missing))
        return 0
    for name, package in (("libinjection", "libmodsecurity3"), ("ModSecurity with CRS, level 1", "libmodsecurity3 and modsecurity-crs")):
        if name not in said:
            missing.append(f"{name}: not installed (Debian's {package})")
    install(missing)
    said.update(run(["node", os.path.join(PEERS, "sanitize.mjs"), texts, "--rows"], missing, "sanitize-html and DOMPurify (npm ci --ignore-scripts in bench/peers)"))
    said.update(run(["/usr/bin/python3", os.path.join(PEERS, "sanitize.py"), texts, "--rows"], missing, "bleach (Debian's python3-bleach)"))
    rows = list(said["libinjection" if "libinjection" in said else next(iter(said))])
    classes = [row for row in ("xss", "sql", "shell", "path", "other") if row in rows]
    flavours = [row for row in ("prose", "dev", "code", "sec") if row in rows]
    counts = next(iter(said.values()))
    print("\nSide by side, the same texts: processor time in µs a text, the least of three rounds; % of texts that are refused, of sanitizers %")
    print("that come out otherwise than they came: all markup but an allow-list of formatting is escaped or taken out, and what a browser")
    print("reads the same may be written otherwise. Texts: " + ", ".join(f"{row} {counts[row]['count']}" for row in classes + flavours + [c for c in COSTS if c in rows]) + "\n")
    head = ["who"] + [f"{c.replace('1024', '1 KiB').replace('128', '128 B')}, µs" for c in COSTS if c in rows] + classes + flavours
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for who, cells in said.items():
        print("| " + " | ".join([NAMES.get(who, who)] + [f"{cells[c]['us']:.2f}" if c in cells else "–" for c in COSTS if c in rows] + [rate(cells.get(row)) for row in classes + flavours]) + " |")
    for note in missing:
        print(f"left out: {note}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
