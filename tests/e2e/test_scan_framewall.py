"""framewall scan against Framewall: at its default configuration nothing is found; with a protection off, what belongs to it."""
import concurrent.futures
import json
import os
import subprocess
import tempfile

from framewall import BINARY, Framewall, equal, main, ok

PROFILE = """
jwt: {secret_file: DATA/keys/jwt.key}
identities:
  - {name: user, role: user}
  - {name: other, role: user}
  - {name: admin, role: admin}
forbidden:
  - {kind: vertical, as: user, control: admin, send: '{"type":"admin_command","command":"list_users","csrf_token":"${answer:data/csrf_token}"}', done: {type: admin_command_result}}
expect: {inspection: true}
revoke: 'BINARY session revoke --user ${user} --data DATA'
"""


def scan(fw, *arguments):
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(PROFILE.replace("DATA", fw.data).replace("BINARY", BINARY))
        file.flush()
        done = subprocess.run([BINARY, "scan", f"ws://127.0.0.1:{fw.port}/", "--profile", file.name, "--run-commands", "--quiet", "--format", "json", *arguments],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=240)
    if not done.stdout:
        raise RuntimeError(f"exit {done.returncode}: {done.stderr}")
    return done.returncode, json.loads(done.stdout)


def of(report, outcome):
    return [check["id"] for check in report["checks"] if check["outcome"] == outcome]


def reasons(report):
    return "\n".join(f"{c['outcome']} {c['id']}: {c['reason']}" for c in report["checks"] if c["outcome"] in ("finding", "error"))


def default():
    with Framewall(None) as fw:
        code, report = scan(fw)
    ok(code == 0 and not of(report, "finding") and not of(report, "error"), "the default configuration: nothing is found, every check has an answer", reasons(report))
    measured = next(c["reason"] for c in report["checks"] if c["id"] == "rate.messages")
    ok("measured: 60 messages" in measured, "the limit of messages is measured exactly", measured)
    ok(len(of(report, "pass")) >= 60, "and there are at least 60 passes", len(of(report, "pass")))


OFF = {
    "origin.foreign": 'origin: {allowed: ["https://attacker.example"]}',
    "rate.messages": "rate_limiting: {messages_per_minute: 100000}",
    "input.sql": "validation: {inspect: {mode: 'off'}}",
}


def one(item):
    name, config = item
    with Framewall(config, check=False) as fw:
        return name, scan(fw, "--tests", name)


def protections_off():
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        for name, (code, report) in pool.map(one, OFF.items()):
            equal((code, of(report, "finding")), (1, [name]), f"without its protection: {name}")


if __name__ == "__main__":
    assert os.path.exists(BINARY)
    main(default, protections_off)
