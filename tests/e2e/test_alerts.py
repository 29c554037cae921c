#!/usr/bin/python3
"""Alerts: told by webhook, mail, program and to an Alertmanager, also when one of these hangs; kept over a restart with what nobody was told yet;
silenced by command; thresholds of the specification at n + 1 and not at n; of metrics, and that they are over."""
import email
import email.policy

from certificates import Authority
from framewall import *
from providers import Server
from receivers import Mail

ALERTS = ["alert_raised", "alert_resolved"]
SECRET = base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()


def config(alerts, receivers=(), thresholds=None):
    made = {"monitoring": {"auto_block": {"violation_threshold": 1000000}, "anomaly_thresholds": thresholds or {}, "alerts": alerts},
            "rate_limiting": {"auth_attempts_per_minute": 1000000, "auth_attempts_per_account": 0, "messages_per_minute": 1000000}}
    if receivers:
        made["audit_logging"] = {"receivers": list(receivers)}
    return json.dumps(made)


def refused(program, count=1, source="127.0.0.1"):
    """Logins that are refused."""
    for _ in range(count):
        client = RawClient(program.port, {"Authorization": "Bearer no.such.token"}, source=source)
        client.close()


def command(program, *words, status=0):
    done = subprocess.run([BINARY, "alert", *words, "--data", program.data], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=PATIENCE)
    if done.returncode != status:
        raise RuntimeError(f"alert {words}: {done.returncode} {done.stderr}")
    return json.loads(done.stdout) if "--json" in words and done.stdout else done.stdout


def alerts_of(program, kind="alert_raised"):
    return [record["details"] for record in program.records(kind)]


def again(program, text):
    """The same data, another run."""
    program.signal()
    program.wait()
    other = Framewall(text, "--data", program.data, check=False, says="receiver")
    shutil.rmtree(other.data, ignore_errors=True)
    other.data = program.data
    return other


RULE = {"name": "logins", "on": ["auth_failure"], "by": ["address"], "level": "critical", "summary": "somebody tries credentials"}


def handlers():
    told = []

    def hook(path, headers, body):
        text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        right = "v1," + base64.b64encode(hmac.new(base64.b64decode(SECRET), text, hashlib.sha256).digest()).decode()
        told.append((headers["webhook-signature"] == right, body))
        return 204, {}, b""

    posted = []

    def alertmanager(path, headers, body):
        posted.append((headers["Content-Type"], json.loads(body)))
        return 200, {}, b""

    def hang(path, headers, body):
        until(lambda: False, 6)
        return 200, {}, b""

    local = {"allow_private": True, "allow_http": True, "events": ALERTS, "checkpoints": False}
    with Authority() as authority, Server({"/hook": hook, "/api/v2/alerts": alertmanager, "/hang": hang}) as web, \
            Mail(authority.sign("localhost").server(), login=True) as mail:
        receivers = [{"name": "hook", "url": web.url + "/hook", "secret": "whsec_" + SECRET, **local},
                     {"name": "am", "url": web.url + "/api/v2/alerts", "format": "alertmanager", "allow_private": True, "allow_http": True},
                     {"name": "hangs", "url": web.url + "/hang", **local},
                     {"name": "file", "url": "file:alerts.json", "events": ALERTS, "level": "critical", "checkpoints": False},
                     {"name": "prog", "url": "program:/bin/sh", "arguments": ["-c", "cat >>told"], "events": ALERTS, "checkpoints": False},
                     {"name": "mail", "url": f"smtp://localhost:{mail.port}", "from": "framewall@example.com", "to": ["ops@example.com", "you@example.com"],
                      "user": "fw", "password": "a secret", "ca_file": authority.certificate, "allow_private": True, "events": ALERTS}]
        with Framewall(config({"rules": [RULE], "resolve_after": 3}, receivers), says="receiver") as program:
            refused(program)
            refused(program)
            ok(until(lambda: told), "a webhook is told")
            ok(told and told[0][0], "signed")
            record = json.loads(told[0][1].split(b"\n")[0]) if told else {"details": {}}
            equal((record.get("event_type"), record.get("level"), record.get("source_ip"), record["details"].get("alert"), record["details"].get("labels"), record["details"].get("summary")),
                  ("alert_raised", "critical", "127.0.0.1", "logins", 'address="127.0.0.1"', RULE["summary"]), "of what it is")
            program.wait_records("auth_failure")
            cause = program.records("auth_failure")[0]["event_id"]
            equal(record["details"].get("event"), cause, "and which event made it")
            ok(until(lambda: mail.mails), "so is somebody by mail", program.stderr())
            if mail.mails:
                sender, to, text, _ = mail.mails[0]
                letter = email.message_from_string(text, policy=email.policy.default)
                equal((sender, to, letter["Subject"]), ("<framewall@example.com>", ["<ops@example.com>", "<you@example.com>"], "[critical] alert_raised: logins"), "with a subject")
                body = letter.get_content()
                ok("alert: logins" in body and RULE["summary"] in body and cause in body, "and a text", body)
                ok(mail.logins and mail.logins[0][0] and base64.b64encode(b"\0fw\0a secret").decode() in mail.logins[0][1], "logged in behind STARTTLS", mail.logins)
            ok(until(lambda: posted), "an Alertmanager is told", program.stderr())
            if posted:
                alert = posted[0][1][0]
                equal((posted[0][0], alert["labels"]["alertname"], alert["labels"]["address"], alert["annotations"]["severity"]),
                      ("application/json", "logins", "127.0.0.1", "critical"), "as it takes it")
                ok(alert["endsAt"] > alert["startsAt"], "until it is told anew", alert)
            ok(until(lambda: os.path.exists(os.path.join(program.folder, "told")) and '"logins"' in open(os.path.join(program.folder, "told")).read()), "a program is told")
            ok(until(lambda: os.path.exists(os.path.join(program.folder, "alerts.json"))), "a file")
            ok(until(lambda: alerts_of(program, "alert_resolved")), "it is over")
            equal([len(alerts_of(program)), alerts_of(program, "alert_resolved")[0]["alert"]], [1, "logins"], "after one alert for two causes")
            ok(until(lambda: len(posted) > 1 and posted[-1][1][0]["endsAt"] < posted[0][1][0]["endsAt"]), "which the Alertmanager hears, too", posted)
            client = RawClient(program.port, program.bearer())
            client.send('{"type":"ping"}')
            ok(b"pong" in client.receive()[1] or b"pong" in client.receive()[1], "and one that hangs held up nobody")
            client.close()


def over_a_restart():
    """One cause before, one after: one alert. What the receiver missed it gets."""
    told = []

    def hook(path, headers, body):
        told.extend(json.loads(line) for line in body.splitlines())
        return 204, {}, b""

    port = free_port()
    receiver = {"name": "hook", "url": f"http://127.0.0.1:{port}/hook", "allow_private": True, "allow_http": True, "events": ALERTS, "checkpoints": False}
    text = config({"rules": [RULE], "resolve_after": 600}, [receiver])
    program = Framewall(text, says="receiver", check=False)
    refused(program)
    program.wait_records("alert_raised")
    equal(told, [], "nobody hears it")
    command(program, "silence", "alert=others", "--reason", "known")
    program = again(program, text)
    refused(program)
    refused(program, source="127.0.0.2")
    program.wait_records("alert_raised", 2)
    equal([details["labels"] for details in alerts_of(program)], ['address="127.0.0.1"', 'address="127.0.0.2"'], "after a restart it is still cooling")
    now = command(program, "list", "--json")
    equal(sorted((alert["labels"], alert["state"], alert["suppressed"]) for alert in now["alerts"]),
          [('address="127.0.0.1"', "firing", 1), ('address="127.0.0.2"', "firing", 0)], "and counts what is suppressed")
    equal([(silence["matchers"], silence["reason"]) for silence in now["silences"]], [({"alert": "others"}, "known")], "a silence is still there")
    with Server({"/hook": hook}, port=port):
        ok(until(lambda: len(told) >= 2), "what a receiver missed it gets when it is there", told)
        equal([record["details"]["labels"] for record in told], ['address="127.0.0.1"', 'address="127.0.0.2"'], "once, in order")
    program.stop()


def silences():
    with Framewall(config({"rules": [RULE, {"name": "any", "least": "critical", "on": ["auth_failure"]}], "resolve_after": 600})) as program:
        made = command(program, "silence", "alert=log*", "address=127.0.0.1", "--reason", "a test of ours", "--author", "eve", "--minutes", "5", "--json")
        equal((made["author"], made["reason"], made["matchers"]), ("eve", "a test of ours", {"alert": "log*", "address": "127.0.0.1"}), "a silence is made")
        refused(program)
        refused(program, source="127.0.0.2")
        program.wait_records("alert_raised")
        equal([details["labels"] for details in alerts_of(program)], ['address="127.0.0.2"'], "of what it is like nobody is told")
        ok("silenced" in command(program, "list"), "the list says so", command(program, "list"))
        command(program, "unsilence", made["id"])
        program.wait_records("alert_raised", 2)
        equal(alerts_of(program)[-1]["labels"], 'address="127.0.0.1"', "it ends, and what is still there is told")
        command(program, "unsilence", made["id"], status=3)
        equal([record["details"]["action"] for record in program.records("admin_action")], ["alert silence", "alert unsilence"], "both are recorded")


def at_most_three(program, name, kind, act):
    for _ in range(3):
        act()
    program.wait_records(kind, 3)
    before = [details["alert"] for details in alerts_of(program)]
    act()
    ok(until(lambda: name in [details["alert"] for details in alerts_of(program)]) and name not in before, f"{name}: at the fourth", before)


def thresholds():
    """Each of the five, at n + 1 and not at n. By default they are those of the specification."""
    with Framewall(config({}, thresholds={"auth_failures": 3, "invalid_messages": 3, "suspicious_patterns": 3, "rate_limit_violations": 3, "new_ips": 3})) as program:
        at_most_three(program, "auth_failures", "auth_failure", lambda: refused(program))
        client = RawClient(program.port, program.bearer())
        at_most_three(program, "invalid_messages", "invalid_message", lambda: client.send('{"type":"chat_message","data":{}}'))
        at_most_three(program, "suspicious_patterns", "dangerous_content", lambda: client.send(chat("x' UNION SELECT password FROM users--")))
        client.close()
    with Framewall(config({}, thresholds={"new_ips": 3})) as program:
        connected = iter(range(2, 9))
        at_most_three(program, "new_ips", "websocket_connected", lambda: RawClient(program.port, program.bearer(), source=f"127.0.0.{next(connected)}").close())
    limited = json.loads(config({}, thresholds={"rate_limit_violations": 3, "invalid_messages": 0}))
    limited["rate_limiting"]["messages_per_minute"] = 1
    with Framewall(json.dumps(limited)) as program:
        client = RawClient(program.port, program.bearer())
        client.send('{"type":"ping"}')
        at = [0]

        def over():
            client.send('{"type":"ping"}')
            at[0] += 1
            program.wait_records("rate_limit_violation", at[0])

        for _ in range(3):
            over()
        equal(alerts_of(program), [], "three messages over their rate are none")
        over()
        program.wait_records("alert_raised")
        equal([details["alert"] for details in alerts_of(program)], ["rate_limit_violations"], "the fourth is an alert")
        client.close()


def metrics():
    rule = {"name": "crowd", "metric": "active_connections", "above": 1, "for": 1, "level": "emergency"}
    with Framewall(config({"rules": [rule]})) as program:
        clients = [RawClient(program.port, program.bearer()) for _ in range(2)]
        program.wait_records("alert_raised")
        record = program.records("alert_raised")[0]
        equal((record["level"], record["details"]["alert"], record["details"]["value"]), ("emergency", "crowd", 2), "a metric is an alert")
        for client in clients:
            client.close()
        program.wait_records("alert_resolved")
        ok(alerts_of(program, "alert_resolved"), "and is over")


main(handlers, over_a_restart, silences, thresholds, metrics)
