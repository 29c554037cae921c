"""A guide followed by copy and paste: every sh block of a page of docs/guide, in order, in one shell, in a scratch folder."""
import fcntl
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

count = failed = 0


def ok(condition, name, text=""):
    global count, failed
    count += 1
    failed += not condition
    print(("ok" if condition else "not ok") + f" {count} - {name}")
    if not condition:
        print("".join("# " + line + "\n" for line in text.splitlines()[-30:]))


def in_use(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def follow(page):
    """What each block printed. Processes whose ids the page wrote to *.pid are ended."""
    binary = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("FRAMEWALL_BIN", "build/framewall"))
    guide = open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/guide", page), encoding="utf-8").read()
    blocks = re.findall(r"```sh\n(.*?)```", guide, re.S)
    global turn  # one guide at a time: they use the same ports
    turn = open(os.path.join(tempfile.gettempdir(), "framewall-guide.lock"), "w", encoding="utf-8")
    fcntl.flock(turn, fcntl.LOCK_EX)
    until = time.monotonic() + 30  # what the page before this one began may still be on its way out
    for port in (8765, 8766, 9000):
        while in_use(port):
            if time.monotonic() > until:
                print(f"1..0 # SKIP port {port} of the guide is in use")
                sys.exit(0)
            time.sleep(0.1)
    scratch = tempfile.mkdtemp(prefix="framewall-guide-")
    os.symlink(binary, os.path.join(scratch, "framewall"))
    slower = max(1, round(os.getloadavg()[0] / (os.cpu_count() or 1)))  # a page's seconds are those of a machine that does nothing else
    blocks = [re.sub(r"^sleep (\d+)$", lambda found: f"sleep {int(found[1]) * slower}", block, flags=re.M) for block in blocks]
    script = "\n".join(f"echo '--- {n}'\n{block}" for n, block in enumerate(blocks))
    done = subprocess.run(["sh", "-eu"], input=script, cwd=scratch, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=500,
                          env=dict(os.environ, PATH=scratch + ":" + os.environ["PATH"]))
    parts = re.split(r"^--- \d+\n", done.stdout, flags=re.M)[1:]
    ok(done.returncode == 0 and len(parts) == len(blocks), "every block runs", done.stdout)
    for name in ("echo.pid", "framewall.pid", "siem.pid"):
        path = os.path.join(scratch, name)
        if os.path.exists(path):
            subprocess.run(["kill", open(path).read().strip()], stderr=subprocess.DEVNULL)
    shutil.rmtree(scratch, ignore_errors=True)
    return parts + [""] * (len(blocks) - len(parts))


def finish():
    print(f"1..{count}")
    sys.exit(1 if failed else 0)
