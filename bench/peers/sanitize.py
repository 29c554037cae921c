"""What bleach (Debian's package python3-bleach) needs for the texts of sanitize.json with the same allow-list: sanitize.py FILE [--quick] prints {"name": {"bleach": µs}}.
With --rows FILE may have many texts of a name: prints {"bleach": {name: {"count", "hits" (texts that come out otherwise), "us" (a text)}}}."""
import json
import sys
import time

import bleach

TAGS = "b i u strong em code pre blockquote p br span div a ul ol li".split()
ATTRIBUTES = {"a": ["href", "title"], **{tag: ["class"] for tag in ("span", "div", "code", "pre")}}
ROUNDS = 3 if "--quick" in sys.argv else 7
COUNT = 20

cleaner = bleach.Cleaner(tags=TAGS, attributes=ATTRIBUTES, protocols=["http", "https", "mailto"])
with open(sys.argv[1], encoding="utf-8") as file:
    texts = json.load(file)
said = {}


def rows():
    names = {}
    for name, text in texts:
        names.setdefault(name, []).append(text)
    for name, row in names.items():
        least = None
        for _ in range(3):
            begin = time.process_time()
            hits = sum(cleaner.clean(text) != text for text in row)
            took = time.process_time() - begin
            least = took if least is None else min(least, took)
        said.setdefault("bleach", {})[name] = {"count": len(row), "hits": hits, "us": least * 1e6 / len(row)}


def alone():
    for name, text in texts:
        times = []
        for _ in range(ROUNDS + 1):  # the first warms up
            begin = time.process_time()
            for _ in range(COUNT):
                cleaner.clean(text)
            times.append((time.process_time() - begin) * 1e6 / COUNT)
        said[name] = {"bleach": sorted(times[1:])[ROUNDS // 2]}


if "--rows" in sys.argv:
    rows()
else:
    alone()
print(json.dumps(said))
