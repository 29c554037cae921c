#!/usr/bin/python3
"""Prints the completions of a shell: completions.py bash|zsh|fish. They are what the synopses of src/tables/commands.def say."""
import os
import re
import sys

os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
HEAD = "Written by tools/completions.py from src/tables/commands.def."


def read_commands():
    """[(verb, help, [sub-verbs], [(option, value or None)])]; the options of all forms of a verb are one list."""
    found = []
    text = open("src/tables/commands.def", encoding="utf-8").read()
    for verb, synopsis, about in re.findall(r'^COMMAND\("([^"]+)", \w+, "((?:[^"\\]|\\.)*)", "((?:[^"\\]|\\.)*)"\)', text, re.M):
        options, words = {}, []
        for form in synopsis.split(" | "):
            second = re.match(r"\S+ ([a-z][a-z|-]*)(?: |$)", form)
            words += [word for word in (second.group(1).split("|") if second else []) if word not in words]
            for option, value in re.findall(r"(--[a-z-]+)(?: (?!--)([^\s\]]+))?", form):
                options.setdefault(option, value or None)
        options["--help"] = None
        found.append((verb, about.replace('\\"', '"'), words, list(options.items())))
    return found


def choices(value):
    """The words that a value may be; none when it is anything else."""
    words = (value or "").split("|")
    return [word for word in words if re.fullmatch(r"[a-z_-]+", word)] if len(words) > 1 else []


def bash(commands):
    lines = [f"# bash completion of framewall. {HEAD}", "_framewall()", "{", '\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}',
             "\tlocal verb=${COMP_WORDS[1]} words=", "\tCOMPREPLY=()", "\tif [ \"$COMP_CWORD\" = 1 ]; then",
             f"\t\tCOMPREPLY=($(compgen -W '{' '.join(c[0] for c in commands)} --help --version' -- \"$word\"))", "\t\treturn", "\tfi",
             '\tcase "$verb $before" in']
    for verb, _, _, options in commands:
        for option, value in options:
            if value is None:
                continue
            if choices(value):
                reply = f"COMPREPLY=($(compgen -W '{' '.join(choices(value))}' -- \"$word\"))"
            elif value.startswith("DIR"):
                reply = 'compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -d -- "$word"))'
            elif value.startswith("FILE"):
                reply = 'compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$word"))'
            else:
                reply = ":"
            lines.append(f"\t'{verb} {option}') {reply}; return ;;")
    lines += ["\tesac", '\tcase "$verb" in']
    for verb, _, subverbs, options in commands:
        names = [name for name, _ in options]
        if subverbs:
            lines.append(f"\t{verb}) if [ \"$COMP_CWORD\" = 2 ]; then words='{' '.join(subverbs)}'; else words='{' '.join(names)}'; fi ;;")
        else:
            lines.append(f"\t{verb}) words='{' '.join(names)}' ;;")
    lines += ["\tesac", '\tCOMPREPLY=($(compgen -W "$words" -- "$word"))',
              '\tif [ ${#COMPREPLY[@]} = 0 ] && [ "${word#-}" = "$word" ]; then', '\t\tcompopt -o filenames 2>/dev/null',
              '\t\tCOMPREPLY=($(compgen -f -- "$word"))', "\tfi", "}", "complete -F _framewall framewall", ""]
    return "\n".join(lines)


def quoted(text):
    return text.replace("'", "'\\''").replace("[", "\\[").replace("]", "\\]").replace(":", "\\:")


def zsh(commands):
    lines = ["#compdef framewall", f"# zsh completion. {HEAD}", "_framewall() {", "\tlocal -a verbs", "\tverbs=("]
    lines += [f"\t\t'{verb}:{about}'" .replace("'s ", "'\\''s ") for verb, about, _, _ in commands]
    lines += ["\t)", "\tif (( CURRENT == 2 )); then", "\t\t_describe verb verbs", "\t\treturn", "\tfi", "\tcase $words[2] in"]
    for verb, _, subverbs, options in commands:
        lines.append(f"\t{verb})")
        if subverbs:
            lines.append(f"\t\tif (( CURRENT == 3 )); then compadd {' '.join(subverbs)}; return; fi")
        specs = []
        for option, value in options:
            if value is None:
                specs.append(f"'{option}'")
            elif choices(value):
                specs.append(f"'{option}:{quoted(value)}:({' '.join(choices(value))})'")
            else:
                action = "_files -/" if value.startswith("DIR") else "_files" if value.startswith("FILE") else " "
                specs.append(f"'{option}:{quoted(value)}:{action}'")
        lines.append(f"\t\t_arguments {' '.join(specs)} '*:file:_files'")
        lines.append("\t\t;;")
    lines += ["\tesac", "}", '_framewall "$@"', ""]
    return "\n".join(lines)


def fish(commands):
    lines = [f"# fish completion of framewall. {HEAD}", "complete -c framewall -f"]
    for verb, about, subverbs, options in commands:
        text = about.replace("\\", "\\\\").replace("'", "\\'")
        lines.append(f"complete -c framewall -n __fish_use_subcommand -a {verb} -d '{text}'")
        seen = f"-n '__fish_seen_subcommand_from {verb}'"
        if subverbs:
            lines.append(f"complete -c framewall {seen} -a '{' '.join(subverbs)}'")
        for option, value in options:
            more = ""
            if value is not None:
                more = " -x" if choices(value) or not value.startswith(("FILE", "DIR")) else " -r -F"
                more += f" -a '{' '.join(choices(value))}'" if choices(value) else ""
                more += " -a '(__fish_complete_directories)'" if value.startswith("DIR") else ""
            lines.append(f"complete -c framewall {seen} -l {option[2:]}{more}")
    return "\n".join(lines) + "\n"


sys.stdout.write({"bash": bash, "zsh": zsh, "fish": fish}[sys.argv[1]](read_commands()))
