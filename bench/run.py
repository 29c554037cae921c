#!/usr/bin/env python3
"""Measures Framewall and its peers side by side: python3 bench/run.py --build DIR [--quick] [--only NAME,...]

DIR is a build folder set up with -Dbench=true. Prints tables, writes bench/results/DATE.json and bench/results/latest.md.
Peers that are not installed are left out, and that is said. docs/guide/benchmarks.md tells the method."""
import argparse
import datetime
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

import floods
import report
import schemas
from cells import CELLS, CONSTANT, ENGINE, IDLE, INGEST, LIMITS, PREFIXES, SANITIZE, SCHEMA, SLOW, VERIFY
from harness import HERE, LOAD_CORE, PEER_CORE, Failed, Load, Process, Scratch, free_port, raise_files, to_load_core
from servers import Servers


class Bench:
    def __init__(self, arguments, scratch):
        self.build = os.path.abspath(arguments.build)
        self.quick, self.rounds = arguments.quick, 3 if arguments.quick else arguments.rounds
        self.only = [name for name in (arguments.only or "").split(",") if name]
        self.scratch, self.running, self.notes = scratch, {}, []
        self.files = raise_files()
        for tool in ("load", "echo", "rawproxy"):
            if not os.access(os.path.join(self.build, "bench", tool), os.X_OK):
                raise Failed(f"{self.build}/bench/{tool} is not there: meson setup -Dbench=true {self.build}, then ninja -C {self.build}")
        if not {PEER_CORE, LOAD_CORE} <= os.sched_getaffinity(0):
            raise Failed("two cores are needed: one for the server, one for the load")
        port = free_port()
        self.upstream = Process("upstream", [os.path.join(self.build, "bench", "echo"), str(port)], port, LOAD_CORE, scratch)
        self.servers = Servers(self.build, scratch, self.files, port)
        self.load = Load(os.path.join(self.build, "bench", "load"), self.servers.tokens)
        self.results = {"date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%SZ"), "quick": self.quick,
                        "machine": report.machine(), "open_files": self.files, "versions": self.servers.versions,
                        "missing": self.servers.missing, "cells": {}, "notes": self.notes}
        self.notes += self.servers.notes

    def wanted(self, name):
        return not self.only or any(part in name for part in self.only)

    def process(self, server):
        """A running server, started at its first use and kept: it costs nothing while another is measured."""
        if server not in self.running:
            try:
                self.running[server] = self.servers.start(server)
            except Failed as reason:
                self.servers.missing[server] = str(reason)
                raise
        return self.running[server]

    def stop_all(self):
        for process in list(self.running.values()):
            process.stop()
        self.running.clear()

    def sample(self, cell, server, part):
        count = max(1, int(cell["messages"] * part / SLOW.get(server, 1)))
        options = dict(cell["load"], messages=count, warmup=cell.get("warmup", count // 10))
        if server in cell.get("paths", {}):
            options["path"] = cell["paths"][server]
        return self.load.measure(self.process(server), **options)

    def measure(self, cell):
        """Rounds in which every server has its turn; the first one warms up and is thrown away."""
        samples, failed = {server: [] for server in cell["servers"]}, {}
        if cell.get("needs") and not getattr(self.servers, cell["needs"]):
            failed[cell["servers"][0]] = "needs a setting that this build does not have"
        begun = time.monotonic()
        for turn in range(self.rounds + 1):
            if turn > 5 and time.monotonic() - begun > 45:
                break  # five pairs are enough on a machine that does other work
            part = 0.2 if self.quick or turn == 0 else 1
            for server in cell["servers"]:
                if server in self.servers.missing or server in failed:
                    continue
                try:
                    sample = self.sample(cell, server, part)
                except Failed as reason:
                    failed[server] = str(reason)
                    self.notes.append(f"{cell['title']}, {report.TITLES[server]}: {reason}")
                    print(f"  {server}: {reason}", file=sys.stderr)
                    continue
                if turn:
                    samples[server].append(sample)
        self.results["cells"][cell["name"]] = samples
        line = ", ".join(f"{report.TITLES[server]} {report.figure(values)}" for server, values in samples.items() if values)
        print(f"{cell['title']}: {line}")
        for reference, ratio, limit, cheaper, _ in report.ratios(cell, samples):
            word = "times cheaper than" if cheaper else "times"
            print(f"    {ratio:.2f} {word} {report.TITLES[reference]} ({'at least' if cheaper else 'at most'} {limit}: "
                  f"{report.verdict(ratio, limit, cheaper).strip('*')})")

    def idle_of(self, server, wanted, load):
        """Growth of PSS over idle connections, in a fresh process that has served a few before."""
        process = self.servers.start(server)
        child = None
        try:
            self.load.measure(process, mode="echo", connections=10, messages=20, warmup=0, **load)
            time.sleep(0.5)
            before = process.pss()
            child, said = self.load.hold(process, wanted, **load)
            time.sleep(1)
            if said["opened"] < wanted:
                self.notes.append(f"idle, {report.TITLES[server]}: {said['opened']:,} of {wanted:,} connections: {said['stopped_by']}")
            return {"bytes": round((process.pss() - before) / said["opened"]), "opened": said["opened"]}
        finally:
            if child:
                child.stdin.close()
                child.wait()
            process.stop()

    def idle(self, row):
        wanted = min(row["connections"], (self.files - 200) // 2)
        if wanted < row["connections"]:
            self.notes.append(f"idle: {wanted:,} connections, as {self.files:,} open files allow")
        results = self.results.setdefault("idle", {})
        for server in row["servers"]:
            if server in self.servers.missing:
                continue
            try:
                results[server] = self.idle_of(server, wanted, row.get("load", {}))
            except Failed as reason:
                self.notes.append(f"{row['title']}, {report.TITLES[server]}: {reason}")
        print(f"{row['title']}: " + ", ".join(f"{report.TITLES[server]} {results[server]['bytes']:,} octets"
                                             for server in row["servers"] if server in results))

    def in_memory(self, program, result, title, *arguments, both_cores=False):
        """Runs one of the programs that measure without servers. False: it did not go, and the notes say why."""
        program = os.path.join(self.build, "bench", program)
        if not os.access(program, os.X_OK):
            self.notes.append(f"{title}: this build has no program for it")
            return False
        done = subprocess.run([program] + (["--quick"] if self.quick else []) + list(arguments), capture_output=True, text=True, timeout=300,
                              preexec_fn=None if both_cores else to_load_core)
        if done.returncode:
            self.notes.append(f"{title}: {done.stderr.strip()}")
            return False
        self.results[result] = json.loads(done.stdout)
        return True

    def engine(self):
        shared = os.environ.get("FRAMEWALL_SHARED", os.path.join(HERE, "..", "..", "shared"))
        lines = sorted(glob.glob(os.path.join(shared, "corpora", "benign", "dev.*")) +
                       glob.glob(os.path.join(shared, "corpora", "benign", "code.*")))
        if not lines:
            self.notes.append("engine alone, developers' chat: the corpora are not there (FRAMEWALL_SHARED)")
        if self.in_memory("engine", "engine", "engine alone", *lines):
            print("engine alone, µs in + out: " + ", ".join(f"{key} {got['in']:.2f} + {got.get('out', 0):.2f}"
                                                           for key, got in self.results["engine"].items()))

    def sanitize(self):
        """Ours, then sanitize-html and DOMPurify on jsdom, and bleach, in processes of their own, on the same texts."""
        texts = os.path.join(HERE, "sanitize.json")
        if not self.in_memory("sanitize", "sanitize", SANITIZE["title"], texts):
            return
        result = {name: {"framewall": value} for name, value in self.results["sanitize"].items()}
        peers = [["/usr/bin/python3", os.path.join(HERE, "peers", "sanitize.py")]]
        if "node" not in self.servers.missing:
            peers.insert(0, ["node", os.path.join(HERE, "peers", "sanitize.mjs")])
        for peer in peers:
            done = subprocess.run(peer + [texts] + (["--quick"] if self.quick else []), capture_output=True, text=True, timeout=300, preexec_fn=to_load_core)
            if done.returncode:
                self.notes.append(f"{SANITIZE['title']}, others: {(done.stderr.strip().splitlines() or ['no answer'])[-1]}")
            else:
                for name, others in json.loads(done.stdout).items():
                    result[name].update(others)
        self.results["sanitize"] = result
        print("HTML written anew, µs: " + "; ".join(f"{name} " + ", ".join(f"{who} {value:.2f}" for who, value in row.items()) for name, row in result.items()))

    def schema(self):
        """Ours and ajv in turns, in a process each."""
        if not os.access(os.path.join(self.build, "bench", "schema"), os.X_OK) or "node" in self.servers.missing:
            self.notes.append(f"{SCHEMA['title']}: node, or the program of this build, is not there")
            return
        lines, figures, notes = schemas.run(self.build, self.rounds, 500 if self.quick else 3000)
        self.results["schema"] = {"lines": lines, "figures": figures}
        self.notes += notes
        print(f"{SCHEMA['title']}, µs, and times ajv takes: " + "; ".join(f"{name} {got['ours']:.2f} ({got['ajv'] / got['ours']:.2f})" for name, got in figures.items()))

    def verify(self):
        """Ours and OpenSSL's in turns within one process."""
        if self.in_memory("verify", "verify", "login tokens"):
            print("login token, µs, and times OpenSSL alone: " + ", ".join(f"{key} {got['ours']:.2f} ({got['ratio']:.2f})" for key, got in self.results["verify"].items()))

    def limits(self):
        if self.in_memory("limits", "limits", LIMITS["title"]):
            got = self.results["limits"]
            print("limit by the minute, ns: " + ", ".join(f"{LIMITS['names'][key]} {value:.0f}" for key, value in got["check"].items()) + "; " +
                  ", ".join(f"{who}: new {got[who]['new']:.0f}, known {got[who]['known']:.0f}, no place {got[who]['no place']:.0f}, resident "
                            f"{got[who]['resident before']:,} and {got[who]['resident after']:,} octets after a tenth and all of {got[who]['subjects']:,}"
                            for who in ("address", "user")))

    def constant(self):
        if self.in_memory("constant_time", "constant", "constant time"):
            print("Welch's t, wrong from the first octet on, and in the last four alone: " +
                  ", ".join(f"{name} {got['t']:.2f}" for name, got in self.results["constant"].items()))

    def prefixes(self):
        if self.in_memory("prefixes", "prefixes", PREFIXES["title"]):
            got = self.results["prefixes"]
            print(f"{PREFIXES['title']}: {got['octets']:,} octets, {got['cpu_seconds']:.2f} s of processor time to make them; a lookup hot, of any address, of one on the list, ns: " +
                  "; ".join(f"IPv{family} {got[family]['hot_ns']:.1f}, {got[family]['all_ns']:.1f}, {got[family]['listed_ns']:.1f}" for family in "46"))

    def ingest(self):
        """Ours, a plain writer, one that forces each line, and rsyslog where it is, in turns within one program. On a disk: /tmp may be memory."""
        folder = tempfile.mkdtemp(prefix="framewall-bench-", dir="/var/tmp")
        server = None
        try:
            arguments = ["--folder", folder]
            try:
                server = self.servers.rsyslog(folder)
                arguments += ["--rsyslog", str(server.port), os.path.join(folder, "rsyslog.out")]
            except Failed as reason:
                self.notes.append(f"{INGEST['title']}, rsyslog: {reason}")
            if self.in_memory("ingest", "ingest", INGEST["title"], *arguments, both_cores=True):
                got = self.results["ingest"]
                print(f"{INGEST['title']}, a second: " + ", ".join(f"{text} {got[key]:,}" for key, text in INGEST["names"].items() if key in got) +
                      f"; {got['ratio']:.2f} of the plain writer; a record costs its sender {got['queue_us']:.3f} µs, the recorder {got['recorder_us']:.2f} µs")
        finally:
            if server:
                server.stop()
            shutil.rmtree(folder, ignore_errors=True)

    def run(self):
        for cell in CELLS:
            if self.wanted(cell["name"]):
                self.measure(cell)
        self.stop_all()
        for row in IDLE:
            if self.wanted(row["name"]):
                self.idle(row)
        if self.wanted(ENGINE["name"]):
            self.engine()
        if self.wanted(SANITIZE["name"]):
            self.sanitize()
        if self.wanted(SCHEMA["name"]):
            self.schema()
        if self.wanted(VERIFY["name"]):
            self.verify()
        if self.wanted(LIMITS["name"]):
            self.limits()
        if self.wanted(CONSTANT["name"]):
            self.constant()
        if self.wanted(PREFIXES["name"]):
            self.prefixes()
        if self.wanted(INGEST["name"]):
            self.ingest()
        if any(self.wanted(f"{floods.TITLE}/{kind}") for kind in floods.ATTACKS):
            floods.measure(self)
        if self.wanted("watch"):
            self.watch()

    def watch(self):
        """What has its own text: how soon somebody sees what happens, what watching costs."""
        self.stop_all()
        for command in (["delay.py", os.path.join(self.build, "framewall")], ["watching.py", self.build]):
            subprocess.run([sys.executable, os.path.join(HERE, command[0]), *command[1:]], check=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", required=True, help="build folder, set up with -Dbench=true")
    parser.add_argument("--quick", action="store_true", help="fewer messages and rounds: two minutes")
    parser.add_argument("--rounds", type=int, default=7, help="pairs of each measurement (default 7, 5 at least)")
    parser.add_argument("--only", metavar="NAME", help="cells whose name contains this; several with commas")
    parser.add_argument("--results", default=os.path.join(HERE, "results"), help="folder for the results")
    arguments = parser.parse_args()
    if arguments.rounds < 5:
        parser.error("--rounds: 5 at least")
    scratch, bench, begun = Scratch(), None, time.monotonic()
    try:
        bench = Bench(arguments, scratch)
        for line in report.left_out(bench.results):
            print(f"left out: {line}")
        bench.run()
        path = report.write(bench.results, arguments.results)
        with open(os.path.join(arguments.results, "latest.md"), encoding="utf-8") as text:
            print("\n" + text.read())
        print(f"{time.monotonic() - begun:.0f} s; written: {os.path.relpath(path)}")
        return 0
    except Failed as reason:
        print(f"error: {reason}", file=sys.stderr)
        return 3
    finally:
        if bench:
            bench.stop_all()
            bench.upstream.stop()
        scratch.remove()


if __name__ == "__main__":
    sys.exit(main())
