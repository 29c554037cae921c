"""What the makers of src/tables/*.def share: writes the table, or says whether the committed one is stale."""
import os
import sys


def main(path, lines, made_of=""):
    """lines: a function that gives them. made_of: versions that the committed table names, if it is made of the same as here."""
    name, tool = path, "tools/" + os.path.basename(sys.argv[0])
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", path)
    if sys.argv[1:] == ["--check"]:
        with open(path, encoding="utf-8") as file:
            committed = file.read()
        if made_of not in committed:
            print(f"{name} was not made from {made_of}")
            sys.exit(77)
        stale = committed != "".join(lines())
        if stale:
            print(f"{name} is stale: run {tool}")
        sys.exit(stale)
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(lines())
