#!/usr/bin/python3
"""The systemd unit: it holds, it is hardened, what it forbids the program does without, and the program tells the service manager how
it stands."""
from framewall import *

BUILD = os.path.dirname(os.path.abspath(BINARY))
CONFINE = "landlock_create_ruleset landlock_add_rule landlock_restrict_self seccomp setpriority"  # what gate and keeper confine themselves with
UNIT = os.path.join(BUILD, "packaging", "framewall.service")


def unit():
    with open(UNIT) as file:
        return file.read()


def call(*command, **more):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", **more)


def test_unit():
    """What must stand in it, read by hand; systemd's own judgement where there is a systemd."""
    text = unit()
    for line in ("Type=notify", "User=framewall", "StateDirectory=framewall", "NoNewPrivileges=yes", "ProtectSystem=strict", "ProtectHome=yes",
                 "CapabilityBoundingSet=CAP_NET_BIND_SERVICE", "AmbientCapabilities=CAP_NET_BIND_SERVICE", "MemoryDenyWriteExecute=yes",
                 "SystemCallFilter=@system-service", "SystemCallFilter=~@privileged @resources", "SystemCallFilter=" + CONFINE, "KillMode=control-group", "PrivateDevices=yes", "PrivateTmp=yes",
                 "ExecReload=/bin/kill -HUP $MAINPID", "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX", "RestrictNamespaces=yes", "UMask=0077"):
        ok("\n" + line + "\n" in text, line)
    start = re.search(r"^ExecStart=(\S+) (.*)$", text, re.M)
    ok(start and start.group(1).endswith("/bin/framewall") and start.group(1).startswith("/"), "ExecStart names the program whole")
    equal(start.group(2).split()[0], "run", "and runs it")
    options = re.findall(r"--[a-z-]+", start.group(2))
    helped = call(BINARY, "run", "--help").stdout
    equal([option for option in options if option not in helped], [], "with options that it has")
    if shutil.which("systemd-analyze") is None:
        skip("systemd-analyze verify and security", "there is no systemd")
        return
    folder = tempfile.mkdtemp(prefix="framewall-unit-")
    path = os.path.join(folder, "framewall.service")
    with open(path, "w") as file:
        file.write(text.replace(start.group(1), os.path.abspath(BINARY)))
    done = call("systemd-analyze", "verify", "--man=no", path)
    equal((done.returncode, done.stdout), (0, ""), "systemd-analyze verify has nothing to say")
    done = call("systemd-analyze", "security", "--offline=true", "--threshold=20", path)
    ok(done.returncode == 0, "systemd-analyze security: exposure of at most 2.0 of 10", done.stdout[-300:])
    shutil.rmtree(folder)


def allowed_calls():
    """System calls that SystemCallFilter lets pass: of sets and single ones."""
    def members(name):
        found = set()
        for line in call("systemd-analyze", "syscall-filter", name).stdout.splitlines()[1:]:
            word = line.strip()
            if word.startswith("@"):
                found |= members(word)
            elif word and not word.startswith("#"):
                found.add(word)
        return found

    allowed = members("@system-service") | members("@default")
    for name in ("@privileged", "@resources"):
        allowed -= members(name)
    return allowed | set(CONFINE.split())


# Asked for, and done without where they are refused: limits of descriptors and of the stack; SQLite's files of root given to the owner of the
# database, which the service, not being root, never asks for; what root may, which it has not.
WITHOUT = {"prlimit64", "setrlimit", "fchown", "capset"}


def test_system_calls():
    """Whatever the program asks the kernel for while it starts, serves, and stops, the filter lets pass, or it does without."""
    if shutil.which("strace") is None or shutil.which("systemd-analyze") is None:
        skip("system calls", "there is no strace, or no systemd")
        return
    folder = tempfile.mkdtemp(prefix="framewall-strace-")
    trace = os.path.join(folder, "trace")
    refused = ["-e", "inject=" + ",".join(sorted(WITHOUT)) + ":error=EPERM"]
    process = subprocess.Popen(["strace", "-f", "-qq", "-o", trace, *refused, BINARY, "run", "--data", os.path.join(folder, "data"), "--listen", "localhost:0",
                                "--admin", "localhost:0", "--workers", "2"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder)
    port = None
    for line in process.stdout:
        found = re.match(r"listening on ws://.*:(\d+)$", line.strip())
        if found:
            port = int(found.group(1))
        if line.startswith("admin on"):
            break
    if port is None:
        skip("system calls", "strace cannot trace here")
        process.wait(PATIENCE)
        shutil.rmtree(folder)
        return
    with open(os.path.join(folder, "data", "keys", "jwt.key"), "rb") as file:
        key = file.read()
    body = {"sub": "alice", "role": "user", "iat": int(time.time()), "exp": int(time.time()) + 600}
    text = base64url(b'{"alg":"HS256","typ":"JWT"}') + "." + base64url(json.dumps(body).encode())
    token = text + "." + base64url(hmac.new(key, text.encode(), hashlib.sha256).digest())

    async def talk():
        async with websockets.connect(f"ws://localhost:{port}/", extra_headers={"Authorization": "Bearer " + token}, compression=None) as ws:
            await ws.send('{"type":"ping"}')
            await asyncio.wait_for(ws.recv(), PATIENCE)

    asyncio.new_event_loop().run_until_complete(talk())
    with open(f"/proc/{process.pid}/task/{process.pid}/children") as file:
        child = int(file.read().split()[0])
    os.kill(child, signal.SIGHUP)
    ok(any(line.startswith("configuration reloaded") for line in process.stdout), "it reloads")
    os.kill(child, signal.SIGTERM)
    equal(process.wait(PATIENCE), 0, "without what the filter refuses it serves, and ends well")
    with open(trace, errors="replace") as file:
        calls = set(re.findall(r"^\d+ +([a-z0-9_]+)\(", file.read(), re.M))
    ok(len(calls) > 20, f"{len(calls)} different system calls were traced")
    equal(sorted(calls - allowed_calls() - WITHOUT), [], "and the filter of the unit lets all of them pass")
    shutil.rmtree(folder)


def test_notify():
    """READY when clients can connect, STOPPING when it drains; by a path and by an abstract name."""
    for abstract in (False, True):
        folder = tempfile.mkdtemp(prefix="framewall-notify-")
        name = f"@framewall-test-{os.getpid()}" if abstract else os.path.join(folder, "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(name.replace("@", "\0", 1))
            manager.settimeout(PATIENCE)
            process = subprocess.Popen([BINARY, "run", "--data", os.path.join(folder, "data"), "--listen", "localhost:0", "--admin", "off"],
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=dict(os.environ, NOTIFY_SOCKET=name), cwd=folder)
            equal(manager.recv(100), b"READY=1", f"{'abstract name' if abstract else 'path'}: it says that it is ready")
            process.send_signal(signal.SIGHUP)
            ok(re.match(rb"RELOADING=1\nMONOTONIC_USEC=[0-9]+$", manager.recv(100)), "that it reads its configuration anew")
            equal(manager.recv(100), b"READY=1", "and is done with it")
            process.terminate()
            equal(manager.recv(100), b"STOPPING=1", "and that it stops")
            equal(process.wait(PATIENCE), 0, "and ends well")
        shutil.rmtree(folder)
    folder = tempfile.mkdtemp(prefix="framewall-notify-")
    for name in ("", "/", "relative", "/nowhere/" + "x" * 200, "/nowhere/socket"):
        process = subprocess.Popen([BINARY, "run", "--data", os.path.join(folder, "data"), "--listen", "localhost:0", "--admin", "off"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ, NOTIFY_SOCKET=name), cwd=folder)
        process.stdout.readline()
        process.terminate()
        equal((process.wait(PATIENCE), process.stderr.read()), (0, ""), f"NOTIFY_SOCKET={name[:30]!r}: nobody listens, nothing is said")
    shutil.rmtree(folder)


main(test_unit, test_system_calls, test_notify)
