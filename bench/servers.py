"""The servers that are measured: how each is found, started, and what version it is. Absent ones say why."""
import base64
import glob
import hashlib
import hmac
import json
import os
import re
import shutil
import subprocess
import time

from harness import HERE, PEER_CORE, Failed, Process, free_port, run_text

PEERS = os.path.join(HERE, "peers")
USERS = 2000  # that log in, in turn
UNLIMITED = 1000000000


def first_line(command):
    text = run_text(command)
    return text.strip().splitlines()[0] if text and text.strip() else None


def base64url(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def sign(key, claims):
    parts = [{"alg": "HS256", "typ": "JWT"}, claims]
    text = ".".join(base64url(json.dumps(part, separators=(",", ":")).encode()) for part in parts)
    return f"{text}.{base64url(hmac.new(key, text.encode(), hashlib.sha256).digest())}"


def claims_of(token):
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


class Servers:
    """Knows every server by name. start(name) gives a fresh Process; missing[name] is why there is none."""

    def __init__(self, build, scratch, files, upstream_port):
        self.build, self.scratch, self.files, self.upstream_port = build, scratch, files, upstream_port
        self.missing, self.versions, self.notes = {}, {}, []
        self.data = scratch.file("data")
        self.key_file = os.path.join(self.data, "keys", "jwt.key")
        os.makedirs(os.path.dirname(self.key_file), mode=0o700)
        os.chmod(self.data, 0o700)
        with open(self.key_file, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as target:
            target.write(os.urandom(32))
        self.make_certificate()
        self.find_framewall()
        self.find_packaged()
        self.find_node()
        self.tokens = self.make_tokens()

    # One certificate of a P-256 key for all that speak TLS
    def make_certificate(self):
        self.certificate, self.key = self.scratch.file("certificate.pem"), self.scratch.file("certificate.key")
        self.both = self.scratch.file("both.pem")
        made = run_text(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                         "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", self.key, "-out", self.certificate])
        if made is None:
            for name in ("framewall-tls", "nginx-tls", "haproxy-tls"):
                self.missing[name] = "openssl is not installed: no certificate"
            return
        with open(self.both, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as target:
            for path in (self.certificate, self.key):
                with open(path, "rb") as source:
                    target.write(source.read())

    # Framewall
    def find_framewall(self):
        self.framewall = os.path.join(self.build, "framewall")
        self.long_text = False
        if not os.access(self.framewall, os.X_OK):
            for name in ("framewall", "framewall-tls", "hub", "each"):
                self.missing[name] = f"no program framewall in {os.path.basename(self.build)}"
            return
        self.versions["framewall"] = first_line([self.framewall, "version"]) or "unknown"
        self.lengths = self.find_lengths()
        self.long_text = self.lengths is not None

    def find_lengths(self):
        """The setting that lets a chat text of 64 KiB pass, as far as this build knows one."""
        lengths = "validation:\n  max_lengths:\n    text: 70000\n  message_sizes:\n    chat_message: 70000\n"
        path = self.framewall_config(1, "", lengths)
        done = subprocess.run([self.framewall, "check", "--config", path], capture_output=True, text=True, timeout=60)
        if done.returncode == 0:
            return lengths
        self.notes.append("this build has no setting that lets a chat message of 64 KiB pass: that row is not measured")
        return None

    def framewall_config(self, port, upstream, more, rate=UNLIMITED):
        return self.scratch.fill("framewall.yaml.in", f"framewall-{port}.yaml", port=port, upstream=upstream, more=more, rate=rate)

    def start_framewall(self, name, upstream, more="", options=(), rate=UNLIMITED):
        port = free_port()
        config = self.framewall_config(port, upstream, more + (self.lengths or ""), rate)
        # A data folder each, with the same key, so that no two servers share one record.
        data = self.scratch.file(f"data-{port}")
        shutil.copytree(os.path.join(self.data, "keys"), os.path.join(data, "keys"))
        os.chmod(data, 0o700)
        return Process(name, [self.framewall, "run", "--config", config, "--data", data, "--workers", "1", *options], port, PEER_CORE, self.scratch, says="listening on")

    def issued(self):
        """What a token says: as Framewall issues it, or the like where there is none."""
        now = int(time.time())
        if "framewall" in self.missing:
            return {"sub": "bench", "roles": ["user"], "iat": now, "exp": now + 36000}
        done = subprocess.run([self.framewall, "token", "issue", "--user", "bench", "--role", "user", "--data", self.data],
                              capture_output=True, text=True, timeout=60)
        if done.returncode or not done.stdout.split():
            raise Failed(f"framewall token issue: {done.stderr.strip()}")
        return claims_of(done.stdout.split()[-1])

    def make_tokens(self):
        """A file of tokens of many users, signed with the key that Framewall and the Node peer check with."""
        path, claims = self.scratch.file("tokens"), self.issued()
        with open(self.key_file, "rb") as source:
            key = source.read()
        with open(path, "w", encoding="ascii") as target:
            for user in range(USERS):
                target.write(sign(key, dict(claims, sub=f"bench{user:04}")) + "\n")
        return path

    # nginx, HAProxy
    def find_packaged(self):
        for name, command in (("nginx", ["nginx", "-v"]), ("haproxy", ["haproxy", "-v"])):
            line = first_line(command)
            if line:
                self.versions[name] = re.sub(r" - https.*|nginx version: ", "", line)
            else:
                self.missing[name] = f"{name} is not installed"
        for name, of in (("nginx64", "nginx"), ("nginx-tls", "nginx"), ("haproxy-tls", "haproxy")):
            if of in self.missing:
                self.missing[name] = self.missing[of]

    def start_nginx(self, name, buffers, secure="", listen=""):
        port = free_port()
        folder = self.scratch.file(f"{name}-{port}")
        os.makedirs(folder, mode=0o755)
        config = self.scratch.fill("peers/nginx.conf.in", f"{name}-{port}.conf", files=self.files, dir=folder, buffers=buffers, secure=secure, listen=listen,
                                   port=port, upstream=self.upstream_port)
        process = Process(name, ["nginx", "-c", config, "-g", "daemon off;"], port, PEER_CORE, self.scratch)
        time.sleep(0.2)
        return process

    def start_haproxy(self, name="haproxy", secure=""):
        port = free_port()
        config = self.scratch.fill("peers/haproxy.cfg.in", f"{name}-{port}.cfg", port=port, upstream=self.upstream_port, secure=secure,
                                   connections=(self.files - 200) // 2)
        return Process(name, ["haproxy", "-db", "-f", config], port, PEER_CORE, self.scratch)

    def rsyslog(self, folder):
        """What it gets it writes to FOLDER/rsyslog.out."""
        program = shutil.which("rsyslogd") or shutil.which("rsyslogd", path="/usr/sbin")
        if not program:
            raise Failed("rsyslogd is not installed")
        self.versions["rsyslog"] = (first_line([program, "-v"]) or "unknown").split(" (")[0]
        port = free_port()
        config = self.scratch.fill("peers/rsyslog.conf.in", f"rsyslog-{port}.conf", port=port, dir=folder)
        return Process("rsyslog", [program, "-n", "-f", config, "-i", os.path.join(folder, "rsyslog.pid")], port, None, self.scratch)

    # Node, Bun
    def find_node(self):
        node, npm = first_line(["node", "--version"]), shutil.which("npm")
        modules = os.path.join(PEERS, "node_modules")
        if not os.path.isdir(modules) and npm:
            # The Bun package's install script would fetch nothing that the package does not hold.
            run_text(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=PEERS)
        if not node:
            self.missing["node"] = "node is not installed"
        elif not os.path.isdir(os.path.join(modules, "ws")):
            self.missing["node"] = "its packages are not installed: npm ci --ignore-scripts in bench/peers"
        else:
            self.versions["node"] = f"node {node}, " + ", ".join(
                f"{package} {self.package_version(package)}" for package in ("ws", "ajv", "sanitize-html", "dompurify", "jsdom", "pino"))
        if "node" in self.missing:
            self.missing["nodews"] = self.missing["node"]
        self.bun = None
        # Without install scripts .bin/bun is a stub; the program itself lies in the platform's package.
        for program in [os.path.join(modules, ".bin", "bun")] + sorted(glob.glob(os.path.join(modules, "@oven", "bun-*", "bin", "bun"))):
            version = first_line([program, "--version"])
            if version and re.fullmatch(r"[\d.]+", version):
                self.bun, self.versions["bun"] = program, f"bun {version}"
                break
        if not self.bun:
            self.missing["bun"] = "bun is not installed: npm ci --ignore-scripts in bench/peers"

    @staticmethod
    def package_version(package):
        with open(os.path.join(PEERS, "node_modules", package, "package.json"), encoding="utf-8") as source:
            return json.load(source)["version"]

    def start_proxy_ws(self):
        port = free_port()
        return Process("nodews", ["node", os.path.join(PEERS, "proxy-ws.mjs"), str(port), str(self.upstream_port)], port, PEER_CORE, self.scratch)

    def start_node(self):
        port = free_port()
        command = ["node", os.path.join(PEERS, "inspect-proxy.mjs"), str(port), str(self.upstream_port), self.key_file,
                   self.scratch.file(f"node-{port}.jsonl")]
        return Process("node", command, port, PEER_CORE, self.scratch)

    def start_bun(self):
        port = free_port()
        return Process("bun", [self.bun, os.path.join(PEERS, "echo-bun.ts"), str(port)], port, PEER_CORE, self.scratch)

    # Raw limits
    def start_tool(self, tool, core, *arguments):
        port = free_port()
        return Process(tool, [os.path.join(self.build, "bench", tool), str(port), *arguments], port, core, self.scratch)

    def start(self, name):
        if name in self.missing:
            raise Failed(self.missing[name])
        if name == "framewall":
            return self.start_framewall(name, f"ws://127.0.0.1:{self.upstream_port}")
        if name == "framewall-tls":
            return self.start_framewall(name, f"ws://127.0.0.1:{self.upstream_port}", options=["--tls-cert", self.both])
        if name == "nginx-tls":
            secure = f"ssl_certificate {self.certificate}; ssl_certificate_key {self.key}; ssl_protocols TLSv1.3;"
            return self.start_nginx(name, "", secure, "ssl")
        if name == "haproxy-tls":
            return self.start_haproxy(name, f"ssl crt {self.both} ssl-min-ver TLSv1.3")
        if name == "each":
            return self.start_framewall(name, f"ws://127.0.0.1:{self.upstream_port}", "audit_logging:\n  data_access: each\n")
        if name == "hub":
            return self.start_framewall(name, "")
        if name in ("flooded", "limited"):  # without limits of rate, and with one of twice what somebody honest there asks
            more = "websocket:\n  compression: \"on\"\n  ping_interval: 0\n"
            return self.start_framewall(name, "", more, rate=12000 if name == "limited" else UNLIMITED)
        if name == "nginx":
            return self.start_nginx(name, "")
        if name == "nginx64":
            return self.start_nginx(name, "client_header_buffer_size 64k; proxy_buffer_size 64k; proxy_buffers 8 64k; "
                                          "proxy_busy_buffers_size 128k;")
        if name == "haproxy":
            return self.start_haproxy()
        if name == "node":
            return self.start_node()
        if name == "nodews":
            return self.start_proxy_ws()
        if name == "bun":
            return self.start_bun()
        if name == "rawproxy":
            return self.start_tool("rawproxy", PEER_CORE, str(self.upstream_port))
        if name == "rawecho":
            return self.start_tool("echo", PEER_CORE)
        raise Failed(f"no server {name}")
