"""The tables of src/tables as Python reads them, and what all pages that are made of them are written with."""
import os
import re

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
NOTE = "<!-- Made by tools/reference.py from src/tables. Edit the tables, then run `make docs`. -->\n"
MAX_SAFE = "9007199254740991"


def table(name):
    """Rows of a .def file: (macro, [arguments]), strings without their quotes."""
    text = open(os.path.join(ROOT, "src/tables", name + ".def"), encoding="utf-8").read()
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    rows = []
    for macro, body in re.findall(r'^([A-Z_]+)\(((?:[^"()]|"(?:[^"\\]|\\.)*")*)\)', text, flags=re.M):
        arguments = re.findall(r'\s*("(?:[^"\\]|\\.)*"|[^,"]+?)\s*(?:,|$)', body)
        rows.append((macro, [a[1:-1].replace('\\"', '"') if a.startswith('"') else a for a in arguments]))
    return rows


def rows_of(name, macro):
    return [arguments for kind, arguments in table(name) if kind == macro]


def cell(text):
    return str(text).replace("|", "\\|").replace("\n", " ") or " "


def code(text):
    return f"`{text}`" if text else ""


def markdown_table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cell(c) for c in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def page(title, *parts):
    return f"# {title}\n\n{NOTE}\n" + "\n".join(part.strip("\n") + "\n" for part in parts)


def without_effect():
    """Keys of the specification that are read and warned of."""
    return [row[0] for row in rows_of("sections", "SECTION_IDLE")]


# The configuration as a JSON Schema (draft 7), for editors and for programs that write one -----------------------------
