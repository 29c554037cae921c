#!/usr/bin/python3
"""make test: builds, then runs unit and conformance tests and plays under sanitizers, then lint beside the tests with real processes
on the build without them. Ends with "N passed, N failed, N skipped"; exit 1 when one failed. test.py [lint|asan|real|real_and_lint …] runs parts."""
import glob
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time

os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
AT_ONCE = (os.cpu_count() or 1) + 2  # tests with real processes, and plays with real sockets, mostly wait
passed = failed = skipped = 0
failures = []
TAP = re.compile(r"^(not )?ok\b\s*(\d+)?\s*-?\s*([^#]*)(#\s*(SKIP|skip|TODO)(.*))?")


def count_tap(text, where):
    """Counts the lines of a TAP stream; returns how many there were and how many failed."""
    global passed, failed, skipped
    lines = bad = 0
    for line in text.splitlines():
        found = TAP.match(line)
        if not found:
            continue
        lines += 1
        if found.group(5) and found.group(5).upper() == "SKIP":
            skipped += 1
            print(f"skipped: {where}: {found.group(3).strip()} ({(found.group(6) or '').strip()})")
        elif found.group(1):
            bad += 1
            failed += 1
            failures.append(f"{where}: {found.group(3).strip()}")
        else:
            passed += 1
    return lines, bad


def worked():
    """Seconds of processor of all that ended so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def step(title, *command, environment=None):
    began, before = time.time(), worked()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                          env=dict(os.environ, **(environment or {})))
    print(f"{title}: {time.time() - began:.0f} s, {worked() - before:.0f} s of processor", flush=True)
    return done


def build(folder):
    global failed
    for command in (["tools/configure.sh", folder], ["ninja", "-C", folder, "--quiet"]):
        done = step(" ".join(command[:3]), *command)
        if done.returncode:
            print(done.stdout[-6000:])
            failed += 1
            failures.append(f"build of {folder}")
            return False
    return True


def meson(folder, *suites, at_once=None):
    """Runs the suites of a build folder, at_once tests side by side (None: as many as there are processors), and counts each case of each program."""
    global passed, failed, skipped
    log = f"{folder}/meson-logs/testlog.json"
    if os.path.exists(log):
        os.remove(log)
    step(f"tests of {folder}: {' '.join(suites)}", "meson", "test", "-C", folder, "--no-rebuild", *(["--num-processes", str(at_once)] if at_once else []),
         *[word for suite in suites for word in ("--suite", suite)],
         environment={"ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1", "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"})
    if not os.path.exists(log):
        failed += 1
        failures.append(f"{folder}: no test ran")
        return
    for line in open(log, errors="replace"):
        result = json.loads(line)
        name, word = result["name"], result["result"]
        if word == "SKIP":
            skipped += 1
            print(f"skipped: {name}: {(result.get('stdout') or result.get('stderr') or '').strip().splitlines()[-1:]}")
            continue
        lines, bad = count_tap(result.get("stdout") or "", name)
        for text in (result.get("stdout") or "").splitlines():
            if re.match(r"# \d+ plays, ", text):
                print(f"{name}: {text[2:]}")
        if word in ("OK", "EXPECTEDFAIL"):
            if lines == 0:
                passed += 1
        elif bad == 0:
            failed += 1
            failures.append(f"{name}: {word}")
        if word not in ("OK", "EXPECTEDFAIL"):
            print(f"--- {name}: {word}")
            text = (result.get("stdout") or "") + "\n" + (result.get("stderr") or "")
            print("\n".join(l for l in text.splitlines() if not l.startswith("ok "))[-4000:])


def lint_begin():
    """Beside the tests with real processes, which mostly wait: it takes what they leave. Where the kernel shares the processors among sessions
    (sched(7), autogroup) nice counts within one only, and meson gives each test one of its own: lint is a session, too, and that is what is nice."""
    global lint_began
    lint_began = time.time()
    running = subprocess.Popen(["nice", "-n", "19", "tools/lint.py"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                               start_new_session=True)
    try:
        with open(f"/proc/{running.pid}/autogroup", "w") as group:
            group.write("19")
    except OSError:
        pass  # a kernel without: nice says it all
    return running


def lint_end(running):
    before = worked()
    text, _ = running.communicate()
    print(f"lint: {time.time() - lint_began:.0f} s, {worked() - before:.0f} s of processor", flush=True)
    _, bad = count_tap(text, "lint")
    if bad or running.returncode:
        print(text[-6000:])


def lint():
    lint_end(lint_begin())


def asan():
    if build("build-clang"):
        meson("build-clang", "unit", "conformance", "oracle", "play", at_once=AT_ONCE)


def real():
    if build("build-gcc"):
        meson("build-gcc", "e2e", "plain", at_once=AT_ONCE)


def real_and_lint():
    if build("build-gcc"):
        running = lint_begin()
        try:
            meson("build-gcc", "e2e", "plain", at_once=AT_ONCE)
            lint_end(running)
        finally:
            if running.poll() is None:
                os.killpg(running.pid, signal.SIGTERM)


parts = {"asan": asan, "real": real, "lint": lint, "real_and_lint": real_and_lint}
for name in sys.argv[1:] or ["asan", "real_and_lint"]:
    parts[name]()
for text in failures:
    print("failed: " + text)
print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
sys.exit(1 if failed or passed == 0 else 0)
