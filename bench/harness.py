"""Processes of the bench: started on a core, found by port, ended by id; and what is read of them."""
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PEER_CORE, LOAD_CORE = 0, 1


class Failed(Exception):
    """A peer or a measurement that did not work; the text says why."""


def raise_files():
    """Open files to the hard limit, for all that is started from here. Returns the limit."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run_text(command, **more):
    """Standard output of a short command, or None when it cannot be run or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, **more)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout + done.stderr if done.returncode == 0 else None


class Scratch:
    """A folder for configurations, logs and data, removed at the end."""

    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="framewall-bench-")

    def file(self, name):
        return os.path.join(self.path, name)

    def fill(self, template, name, **values):
        """Writes a template of this folder with @NAME@ replaced; returns the path."""
        with open(os.path.join(HERE, template), encoding="utf-8") as source:
            text = source.read()
        for key, value in values.items():
            text = text.replace(f"@{key.upper()}@", str(value))
        with open(self.file(name), "w", encoding="utf-8") as target:
            target.write(text)
        return self.file(name)

    def remove(self):
        shutil.rmtree(self.path, ignore_errors=True)


class Process:
    """A server on one core (None: on all). port is what it listens on. says: what it says when all its processes run."""

    def __init__(self, name, command, port, core, scratch, ready=True, says=None):
        self.name, self.port, self.says = name, port, says
        self.log_path = scratch.file(f"{name}-{port}.log")
        with open(self.log_path, "w", encoding="utf-8") as log:
            self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=scratch.path,
                                          preexec_fn=None if core is None else lambda: os.sched_setaffinity(0, {core}))
        if ready:
            self.wait_ready()

    def wait_ready(self):
        end = time.monotonic() + 20
        while time.monotonic() < end:
            if self.child.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                with open(self.log_path, encoding="utf-8", errors="replace") as log:
                    if self.says is None or self.says in log.read():
                        return
            except OSError:
                pass
            time.sleep(0.05)
        self.stop()
        raise Failed(f"{self.name} did not start: {self.last_words()}")

    def last_words(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            lines = log.read().strip().splitlines()
        return " / ".join(lines[-4:]) or "it said nothing"

    def workers(self):
        """The processes whose time and memory count: itself and all that it started; of nginx, whose first one does no work, the other."""
        with open(f"/proc/{self.child.pid}/task/{self.child.pid}/children", encoding="ascii") as children:
            found = [int(child) for child in children.read().split()]
        return found[:1] if found and self.name.startswith("nginx") else [self.child.pid, *found]

    def pss(self):
        """Octets of memory in user space, shared pages counted in part."""
        size = 0
        for worker in self.workers():
            with open(f"/proc/{worker}/smaps_rollup", encoding="ascii") as rollup:
                size += int(re.search(r"^Pss:\s+(\d+)", rollup.read(), re.M).group(1)) * 1024
        return size

    def rss(self):
        """As good as nothing to ask, but what they share counts for each of them."""
        size = 0
        for worker in self.workers():
            with open(f"/proc/{worker}/statm", encoding="ascii") as statm:
                size += int(statm.read().split()[1]) * resource.getpagesize()
        return size

    def stop(self):
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(10)
            except subprocess.TimeoutExpired:
                self.child.kill()
        self.child.wait()


def to_load_core():
    os.sched_setaffinity(0, {LOAD_CORE})


class Load:
    """Runs the load generator against a process."""

    def __init__(self, program, tokens):
        self.program, self.tokens = program, tokens

    def command(self, process, **options):
        command = [self.program, "--port", str(process.port), "--pid", ",".join(map(str, process.workers())), "--bearers", self.tokens]
        for key, value in options.items():
            command += [f"--{key.replace('_', '-')}", str(value)]
        return command

    def measure(self, process, **options):
        """One measured part: {"us": processor time a message, "busy": of one core, 0 to 1}."""
        try:
            done = subprocess.run(self.command(process, **options), capture_output=True, text=True, timeout=120,
                                  preexec_fn=to_load_core)
        except subprocess.TimeoutExpired:
            raise Failed("no result in 120 s") from None
        if done.returncode:
            raise Failed(done.stderr.strip() or f"load ended with {done.returncode}")
        result = json.loads(done.stdout)
        return {"us": result["cpu_ns"] / result["messages"] / 1000, "busy": result["cpu_ns"] / result["wall_ns"]}

    def hold(self, process, connections, **options):
        """Opens connections and keeps them. Returns the child and what it says; close its stdin to end it."""
        child = subprocess.Popen(self.command(process, mode="idle", connections=connections, settle=500, **options), stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=to_load_core)
        line = child.stdout.readline()
        if not line:
            raise Failed(child.stderr.read().strip() or "load ended")
        return child, json.loads(line)
