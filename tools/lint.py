#!/usr/bin/python3
"""Checks that need no run of the program. Prints TAP; exit 1 when one does not hold. lint.py [NAME…] runs only those named."""
import concurrent.futures
import glob
import os
import re
import shutil
import statistics
import subprocess
import sys

os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
checks = []


def check(function):
    checks.append(function)
    return function


def run(*command, **more):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", **more)
    return done.returncode, done.stdout


def sources(*patterns):
    found = []
    for pattern in patterns:
        found += [f for f in glob.glob(pattern, recursive=True) if "node_modules" not in f]
    return sorted(found)


C_FILES = sources("src/**/*.[ch]", "include/**/*.h", "tests/**/*.[ch]", "fuzz/*.[ch]", "bench/**/*.[ch]", "examples/*.c")


@check
def layers():
    return run("tools/layers.py")


@check
def file_sizes():
    """Median C file of src under 250 lines, none over 700."""
    sizes = {f: sum(1 for _ in open(f, encoding="utf-8")) for f in sources("src/**/*.c")}
    long = [f"{f}: {n} lines, at most 700" for f, n in sizes.items() if n > 700]
    median = statistics.median(sizes.values())
    if median >= 250:
        long.append(f"the median file has {median} lines, under 250 is wanted")
    return (1 if long else 0), "\n".join(long)


@check
def folders_have_readmes():
    missing = [d for d in sorted(glob.glob("src/*/")) + ["tests/play/", "fuzz/", "bench/"] if not os.path.exists(d + "README.md")]
    return (1 if missing else 0), "\n".join(f"{d} has no README.md" for d in missing)


@check
def format():
    if shutil.which("clang-format") is None:
        return 77, "clang-format is not installed"
    return run("clang-format", "--dry-run", "-Werror", *C_FILES)


def build(folder):
    status, text = run("tools/configure.sh", folder)
    return (status, text) if status else run("ninja", "-C", folder, "--quiet")


@check
def warnings_gcc():
    return build("build-gcc")


@check
def warnings_clang():
    if shutil.which("clang") is None:
        return 77, "clang is not installed"
    return build("build-clang")


@check
def clang_tidy():
    """A process a file: in one that reads several, what it found in one file depends on those before."""
    if shutil.which("clang-tidy") is None or not os.path.exists("build-clang/compile_commands.json"):
        return 77, "clang-tidy or its build is not there"
    command = ["clang-tidy", "--quiet", "-p", "build-clang", "--warnings-as-errors=*"]
    if os.environ.get("LINT_NODES"):
        command.append("--config=" + re.sub("max-nodes=[0-9]+", "max-nodes=" + os.environ["LINT_NODES"], open(".clang-tidy").read()))

    def tidy(file):
        return subprocess.run(command + [file], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        done = list(pool.map(tidy, sorted(sources("src/**/*.c"), key=os.path.getsize, reverse=True)))
    return max(job.returncode for job in done), "\n".join(job.stdout for job in done if job.returncode)


@check
def purity():
    """The engine asks the C library for memory and string functions only: no socket, clock, randomness, thread, file, printf."""
    allowed = set(open("tools/engine-symbols.txt").read().split())

    def symbols(layer, flag):
        status, text = run("nm", flag, "-A", f"build-gcc/libfw_{layer}.a")
        if status:
            raise RuntimeError(text)
        return {line.split()[-1] for line in text.splitlines() if line.strip() and not line.endswith(":")}
    ours = set()
    for layer in ("engine", "policy", "schema", "crypto", "codec", "base"):
        ours |= symbols(layer, "--defined-only")
    alien = sorted(symbols("engine", "-u") - ours - allowed)
    return (1 if alien else 0), "\n".join(f"src/engine uses {name}, which tools/engine-symbols.txt does not allow" for name in alien)


@check
def public_headers():
    """Each compiles alone as C11 and as C++."""
    text = ""
    for header in sources("include/framewall/*.h"):
        for command in (["gcc", "-std=c11", "-xc"], ["g++", "-std=c++17", "-xc++"]):
            status, output = run(*command, "-Wall", "-Wextra", "-Werror", "-pedantic", "-Iinclude", "-fsyntax-only", "-Wno-pragma-once-outside-header", header)
            text += output if status else ""
    return (1 if text else 0), text


@check
def reference_is_fresh():
    return run("tools/reference.py", "--check")


@check
def html_references_are_fresh():
    return run("tools/html-references.py", "--check")


@check
def idna_is_fresh():
    return run("/usr/bin/python3", "tools/idna.py", "--check")


@check
def views_are_fresh():
    return run("/usr/bin/python3", "tools/views.py", "--check")


@check
def guides_print_the_examples():
    return run("tools/examples.py", "--check")


@check
def man_pages():
    if shutil.which("scdoc") is None or shutil.which("mandoc") is None:
        return 77, "scdoc or mandoc is not installed"
    text, status = "", 0
    for page in sources("docs/man/*.scd"):
        with open(page) as source:
            made = subprocess.run(["scdoc"], stdin=source, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        lint = subprocess.run(["mandoc", "-T", "lint", "-W", "error"], input=made.stdout, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if made.returncode or lint.returncode >= 4:
            status, text = 1, text + page + "\n" + made.stderr.decode() + lint.stdout.decode()
    return status, text


@check
def tree_is_clean_of_places():
    """No absolute path of a checkout, no registry's host in what is tracked."""
    status, text = run("git", "grep", "-nIE", r"https?://([r]egistry|deb|ftp|security|snapshot)\.[a-z.]*(npmjs|debian)|/[h]ome/[a-z]|/[w]ork/(main|shared)")
    return (1 if status == 0 and text else 0), text


wanted = [c for c in checks if len(sys.argv) == 1 or c.__name__ in sys.argv[1:]]
failed = 0
print(f"1..{len(wanted)}")
for number, function in enumerate(wanted, 1):
    try:
        status, text = function()
    except (OSError, RuntimeError) as error:
        status, text = 1, str(error)
    word = "ok" if status in (0, 77) else "not ok"
    failed += word != "ok"
    print(f"{word} {number} - lint {function.__name__.replace('_', ' ')}" + (f" # SKIP {text}" if status == 77 else ""), flush=True)
    if word != "ok":
        print("\n".join("# " + line for line in text.strip().splitlines()[:60]), flush=True)
sys.exit(1 if failed else 0)
