#!/usr/bin/env python3
"""embed.py OUT FILE…: writes a C file that holds the files' bytes as the table of src/shell/web.h."""
import os
import sys

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
}


def main(out, paths):
    lines = ["/* Made by tools/embed.py. */", '#include "shell/web.h"', ""]
    rows = []
    for number, path in enumerate(sorted(paths, key=os.path.basename)):
        name = os.path.basename(path)
        with open(path, "rb") as file:
            data = file.read()
        lines.append(f"static const uint8_t file_{number}[] = {{ /* {name} */")
        for at in range(0, len(data), 20):
            lines.append("\t" + " ".join(f"{byte}," for byte in data[at:at + 20]))
        lines.append("};")
        rows.append(f'\t{{ "{name}", "{TYPES[os.path.splitext(name)[1]]}", {{ file_{number}, sizeof(file_{number}) }} }},')
    lines += ["", "const struct web_file web_files[] = {", *rows, "};",
              "const unsigned web_file_count = sizeof(web_files) / sizeof(web_files[0]);", ""]
    with open(out, "w", encoding="ascii") as file:
        file.write("\n".join(lines))


main(sys.argv[1], sys.argv[2:])
