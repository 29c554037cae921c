#!/usr/bin/python3
"""src/tables/views.def: characters that somebody behind us may read as ASCII, or not at all, from Python's unicodedata.

    tools/views.py           writes the file
    tools/views.py --check   says whether the committed one is stale; exit 1 when it is, 77 when it was made of another version than is here
"""
import unicodedata

import generated

PATH = "src/tables/views.def"
VERSION = f"Unicode {unicodedata.unidata_version}"
HEAD = f"""/* Characters beyond ASCII that somebody may read as ASCII, or not at all. Made by tools/views.py from {VERSION}.
 * VIEW_AS(first, last, octet, step): the first as that octet, each one behind it as one that is greater by step; octet 0: as nothing.
 * They are so by normalisation (NFKC), by the case of letters, as blanks, as what nobody sees (Default_Ignorable_Code_Point), or in tables of
 * best fit of older encodings. */
"""
# What tables of best fit (Windows code pages, iconv's //TRANSLIT, two products of our corpora) make of a character.
FITS = {0x2b9: "'", 0x2ba: '"', 0x2bc: "'", 0x2044: "/", 0x2215: "/", 0x29f8: "/", 0xefc8: "/", 0xf025: "/", 0x2216: "\\", 0x29f5: "\\",
        0x2329: "<", 0x232a: ">", 0x3008: "<", 0x3009: ">", 0x2212: "-"}
# unicodedata does not have the property: what is not of category Cf.
UNSEEN = [(0x80, 0x9f), (0x34f, 0x34f), (0x115f, 0x1160), (0x17b4, 0x17b5), (0x180b, 0x180f), (0x3164, 0x3164), (0xfe00, 0xfe0f),
          (0xffa0, 0xffa0), (0x1bca0, 0x1bca3), (0xe0000, 0xe0fff)]


def read_as(point):
    """An octet, 0, or None where the character is read as itself."""
    if 0xd800 <= point <= 0xdfff:
        return None
    character = chr(point)
    if point in FITS:
        return ord(FITS[point])
    if unicodedata.category(character) in ("Zs", "Zl", "Zp"):
        return ord(" ")
    if unicodedata.category(character) == "Cf" or any(first <= point <= last for first, last in UNSEEN):
        return 0
    for text in (unicodedata.normalize("NFKC", character), character.upper(), character.lower()):
        if len(text) == 1 and ord(text) < 0x80:
            return ord(text.lower())
    return None


def rows():
    yield HEAD
    first = last = octet = step = None
    for point in range(0x80, 0x110001):
        value = read_as(point) if point < 0x110000 else None
        if first is not None and value is not None and point == last + 1:
            if first == last and value - octet in (0, 1) and (octet != 0 or value == 0):
                step = value - octet
            if value == octet + step * (point - first):
                last = point
                continue
        if first is not None:
            yield f"VIEW_AS(0x{first:x}, 0x{last:x}, {octet}, {step})\n"
        first, last, octet, step = (point, point, value, 0) if value is not None else (None, None, None, None)


generated.main(PATH, rows, VERSION)
