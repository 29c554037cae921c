#!/usr/bin/python3
"""src/tables/idna.def: which characters stand for themselves in a host name, from the data of UTS 46 as the package idna brings it along, and
what NFC makes of characters side by side, from Python's unicodedata.

    tools/idna.py           writes the file
    tools/idna.py --check   says whether the committed one is stale; exit 1 when it is, 77 when it was made of other versions than are here
"""
import sys
import unicodedata

import generated

try:
    from idna import uts46data
except ImportError:
    try:
        from pip._vendor.idna import uts46data
    except ImportError:
        print("the package idna is not installed")
        sys.exit(77)

PATH = "src/tables/idna.def"
VERSIONS = f"UTS 46 {uts46data.__version__}, Unicode {unicodedata.unidata_version}"
HEAD = f"""/* Characters of host names beyond ASCII. Made by tools/idna.py from {VERSIONS}.
 * IDNA_VALID(first, last): they stand for themselves (UTS 46); all others are read as something else, or not at all, or make the name none.
 * IDNA_CLASS(first, last, class): marks whose order NFC changes, with their canonical combining class.
 * IDNA_PAIR(first, second): NFC makes one character of the two (but for Hangul, which is reckoned). */
"""


def ranges(values):
    """(first, last, value) of the code points that have one; values: code point to value or None."""
    start = last = held = None
    for point, value in values:
        if held is not None and value == held and point == last + 1:
            last = point
            continue
        if held is not None:
            yield start, last, held
        start = last = point
        held = value
    if held is not None:
        yield start, last, held


def statuses():
    table = uts46data.uts46data
    for n, row in enumerate(table):
        end = table[n + 1][0] if n + 1 < len(table) else 0x110000
        for point in range(row[0], end):
            status = row[1]
            if status == "D":  # ß and ς stand for themselves today; joiners depend on what is around them
                status = "V" if point in (0xdf, 0x3c2) else "X"
            yield point, True if status == "V" and point >= 0x80 else None


def rows():
    yield HEAD
    for first, last, _ in ranges(statuses()):
        yield f"IDNA_VALID(0x{first:x}, 0x{last:x})\n"
    for first, last, value in ranges((point, unicodedata.combining(chr(point)) or None) for point in range(0x110000)):
        yield f"IDNA_CLASS(0x{first:x}, 0x{last:x}, {value})\n"
    pairs = set()
    for point in range(0x110000):
        text = unicodedata.normalize("NFD", chr(point))
        if len(text) >= 2 and not 0xac00 <= point <= 0xd7a3 and unicodedata.normalize("NFC", text) == chr(point):
            pairs.add((ord(unicodedata.normalize("NFC", text[:-1])), ord(text[-1])))
    for first, second in sorted(pairs):
        yield f"IDNA_PAIR(0x{first:x}, 0x{second:x})\n"


generated.main(PATH, rows, VERSIONS)
