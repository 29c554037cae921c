#!/usr/bin/python3
"""Installs the packages of a build in a clean Debian 12, runs, upgrades, removes and purges them there: package-test.py BUILD. Prints
TAP. Needs root, debootstrap and a mirror: FRAMEWALL_MIRROR, or the one that debootstrap chooses. Takes a minute or two."""
import base64
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build")
count = failed = 0


def ok(condition, name, detail=""):
    global count, failed
    count += 1
    failed += not condition
    print(f"{'ok' if condition else 'not ok'} {count} - {name}", flush=True)
    if not condition:
        print("\n".join("# " + line for line in str(detail).splitlines()[-25:]), flush=True)
    return bool(condition)


def skip(reason):
    print(f"1..0 # SKIP {reason}")
    sys.exit(0)


def call(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    return done.returncode, done.stdout


if os.geteuid() != 0:
    skip("only root can make a root folder")
if shutil.which("debootstrap") is None:
    skip("debootstrap is not installed")
work = tempfile.mkdtemp(prefix="framewall-package-")
os.chmod(work, 0o755)
root = os.path.join(work, "root")


def inside(command):
    return call("chroot", root, "/usr/bin/env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "DEBIAN_FRONTEND=noninteractive",
                "LC_ALL=C", "sh", "-c", command)


def files():
    """What is there, but for what apt and dpkg keep for themselves."""
    found = set()
    for folder, folders, names in os.walk(root):
        place = folder[len(root):]
        folders[:] = [n for n in folders if f"{place}/{n}" not in ("/var/lib/dpkg", "/var/lib/apt", "/var/cache", "/var/log", "/proc", "/sys", "/dev")]
        found |= {f"{place}/{name}" for name in names + folders}
    return found


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def upgraded(port, token):
    """The status of a handshake."""
    with socket.create_connection(("127.0.0.1", port), 10) as client:
        client.sendall((f"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\nAuthorization: Bearer {token}\r\n\r\n").encode())
        return client.recv(100).decode(errors="replace").split("\r\n")[0]


def serve():
    """As the service does: as its user, with its configuration and its folder."""
    port, admin = free_port(), free_port()
    process = subprocess.Popen(["chroot", root, "setpriv", "--reuid=framewall", "--regid=framewall", "--init-groups", "--no-new-privs",
                                "/usr/bin/framewall", "run", "--config", "/etc/framewall/framewall.yaml", "--data", "/var/lib/framewall",
                                "--listen", f"localhost:{port}", "--admin", f"localhost:{admin}"],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    healthy = until(lambda: process.poll() is not None or answers(f"http://localhost:{admin}/healthz"))
    ok(healthy and process.poll() is None, "it runs as its user", process.stdout.read() if process.poll() is not None else "")
    status, token = inside("setpriv --reuid=framewall --regid=framewall --init-groups framewall token issue --user alice --data /var/lib/framewall")
    ok(status == 0 and upgraded(port, token.split()[-1]) == "HTTP/1.1 101 Switching Protocols", "and a client logs in", token)
    process.send_signal(signal.SIGTERM)
    ok(process.wait(30) == 0, "it ends when it is told to", process.stdout.read())


def answers(url):
    try:
        return urllib.request.urlopen(url, timeout=5).status == 200
    except OSError:
        return False


def test():
    status, text = call("debootstrap", "--variant=minbase", "bookworm", root, *filter(None, [os.environ.get("FRAMEWALL_MIRROR")]))
    if status:
        skip("debootstrap cannot make a clean Debian here: " + (text.strip().splitlines() or ["?"])[-1])
    for name in ("/etc/resolv.conf", "/etc/hosts"):
        shutil.copy(name, root + name)
    os.makedirs(f"{root}/packages")
    status, text = call(os.path.join(HERE, "deb.sh"), BUILD, f"{root}/packages")
    if not ok(status == 0, "the packages are built", text):
        return
    if shutil.which("lintian") is not None:
        status, text = call("sh", "-c", f"lintian --allow-root --fail-on error,warning '{root}'/packages/*.deb")
        ok(status == 0, "lintian finds no error and has no warning", text)
    # What a package needs is installed before, so that what is left over in the end is ours.
    status, text = inside("apt-get update -qq && apt-get install -y -qq --no-install-recommends ./packages/*.deb gcc libc6-dev pkg-config && "
                          "apt-get purge -y -qq framewall libframewall0 libframewall-dev")
    if not ok(status == 0, "they install on a clean Debian 12, with what they need", text):
        return
    before = files()
    status, text = inside("dpkg -i packages/*.deb")
    ok(status == 0, "they install", text)
    status, text = inside("dpkg --verify framewall libframewall0 libframewall-dev; dpkg --audit")
    ok(text == "", "every file is as it was packed, and nothing is half done", text)
    ok(inside("stat -c '%U:%G %a' /var/lib/framewall /etc/framewall/framewall.yaml")[1] == "framewall:framewall 700\nroot:framewall 640\n",
       "the state is its user's, the configuration root's and readable to it alone")
    ok("nologin" in inside("getent passwd framewall")[1], "nobody can log in as that user")
    ok(inside("framewall check --config /etc/framewall/framewall.yaml")[0] == 0, "the configuration holds")
    ok(inside("framewall version")[0] == 0, "the program finds its libraries")
    serve()
    ok(inside("test -s /var/lib/framewall/record/security_audit.log")[0] == 0, "the record is in its folder")
    status, text = inside("cd /tmp && cp /usr/share/doc/libframewall-dev/examples/*.c . && for name in embed plugin engine; do "
                          "gcc $name.c -o $name $(pkg-config --cflags --libs framewall) || exit 1; done; "
                          "./plugin '{\"type\":\"chat_message\",\"text\":\"hi\"}'; status=$?; rm -f /tmp/*; exit $status")
    ok(status == 0 and text.strip().endswith("passes"), "the examples compile and work", text)
    ok(inside("systemctl --version")[0] != 0 and os.path.lexists(f"{root}/etc/systemd/system/multi-user.target.wants/framewall.service"),
       "the service is enabled for when there is a systemd")

    # A changed configuration stays over an upgrade and a removal; the state stays until the purge.
    inside("echo '# mine' >>/etc/framewall/framewall.yaml")
    status, text = inside("dpkg -i --force-confdef packages/*.deb && tail -n 1 /etc/framewall/framewall.yaml")
    ok(status == 0 and text.endswith("# mine\n"), "an upgrade keeps a changed configuration", text)
    status, text = inside("dpkg -r framewall && tail -n 1 /etc/framewall/framewall.yaml && ls /var/lib/framewall")
    ok(status == 0 and "# mine" in text and "admin.token" in text, "a removal keeps configuration and state", text)
    ok(inside("test ! -e /usr/bin/framewall")[0] == 0, "and takes the program")
    status, text = inside("dpkg -i packages/framewall_*.deb && tail -n 1 /etc/framewall/framewall.yaml")
    ok(status == 0 and text.endswith("# mine\n"), "which can come back", text)
    status, text = inside("dpkg -P framewall libframewall-dev libframewall0")
    ok(status == 0, "they are purged", text)
    left = sorted(files() - before)
    ok(left == [], "and nothing of them is left", "\n".join(left))
    ok(inside("getent passwd framewall")[0] != 0, "nor is the user")


try:
    test()
finally:
    shutil.rmtree(work, ignore_errors=True)
print(f"1..{count}")
sys.exit(1 if failed else 0)
