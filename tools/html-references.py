#!/usr/bin/python3
"""src/tables/html_references.def from the named character references of the HTML standard (13.5), as Python brings them
along (html.entities.html5, made from https://html.spec.whatwg.org/entities.json). The standard says that they never change.

    tools/html-references.py           writes the file
    tools/html-references.py --check   says whether the committed one is stale; exit 1 when it is
"""
from html.entities import html5

import generated

PATH = "src/tables/html_references.def"
HEAD = """/* Named character references of HTML (13.5), by octets in order, which is how they are searched. Made by tools/html-references.py.
 * HTML_REFERENCE(name, first, second): what stands behind "&", and the characters that it means; second: 0 for most. */
"""


def rows():
    yield HEAD
    for name, text in sorted(html5.items(), key=lambda item: item[0].encode()):
        points = [ord(c) for c in text] + [0]
        yield f'HTML_REFERENCE("{name}", 0x{points[0]:x}, 0x{points[1]:x})\n'


generated.main(PATH, rows)
