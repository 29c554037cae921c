#!/usr/bin/python3
"""docs/reference/*.md and framewall.schema.json from src/tables/*.def, so that no list is typed twice.

    tools/reference.py           writes the files
    tools/reference.py --check   says which committed files are stale; exit 1 when there is one
"""
import json
import os
import sys

from reference_configuration import configuration
from reference_openapi import openapi
from reference_schema import schema
from reference_tables import MAX_SAFE, ROOT, code, markdown_table, page, rows_of, table


def events():
    rows = [[code(name), level.lower(), code(alias), "yes" if alone == "SUMMED" else "", text]
            for name, level, alias, _, alone, text in rows_of("events", "EVENT")]
    kinds = [[name.lower().replace("_", " "), f"{int(uid):d} / {int(activity):d}", outcome, category, types.replace(",", ", "),
              ", ".join(code(row[0]) for row in rows_of("events", "EVENT") if row[3] == name)]
             for name, uid, activity, outcome, category, types in rows_of("event_classes", "EVENT_CLASS")]
    exported = f"""
## In other systems

`framewall audit export --format FORMAT` writes records as other systems read them; `--after SEQUENCE` goes on where the last export ended:

{markdown_table(["format", "what it is"], [[code(name), text] for name, text in rows_of("export_formats", "EXPORT_FORMAT")])}

{markdown_table(["kind", "OCSF class / activity", "outcome", "ECS category", "ECS type", "events"], kinds)}

| level | `severity` | syslog | OCSF | ECS | CEF, LEEF |
|---|---|---|---|---|---|
| info | 0 | 6 | 1 | 1 | 3 |
| warning | 1 | 4 | 3 | 2 | 6 |
| critical | 2 | 2 | 5 | 3 | 8 |
| emergency | 3 | 0 | 6 | 4 | 10 |

Texts keep the escapes that JSON gives control characters and backslashes in the record (a quotation mark stands bare), and get those of the format on top:
whatever a user calls himself, it ends no field and begins no line, and what he called himself can be had back. Details are JSON in a field of their own.
syslog: facility 13 (log audit); the parameters of `audit@32473` (the enterprise number of examples) name the record, and the message is the record itself, behind a byte order mark."""
    intro = "What is recorded, one JSON object a line. Filters and thresholds accept an alias as the name itself."
    record = """
A record has `timestamp` (RFC 3339, UTC, microseconds), `event_type`, `level`, `source_ip`, `user_id`, `session_id`, `event_id` (16 hexadecimal digits; the
error sent to the client carries the same) and `details`. Message bodies, tokens, keys and passwords are never in a record.
[record.schema.json](record.schema.json) (JSON Schema, draft 7) is what each line holds to."""
    sums = """
## More than a source may leave

So that nobody drowns the record: events that a client can provoke at will (*summed* above) have a record each up to 1,000 a second of one source, the user who is logged
in, or else the address (IPv6: /64). Who leaves more has them summed up for a minute (`audit_logging.source_budget`): one record for each event, level and cause, whose `details` have

| member | |
|---|---|
| `count` | how many events it stands for; reports and metrics count them all |
| `first_at`, `last_at` | when the first and the last was; `timestamp` is the last |
| `last_event_id` | the id of the last; `event_id` is that of the first. Those between are in no record |
| `several_addresses` | `true`: of a user, or of a /64; `source_ip` is their /64 or null |
| `others` | `true`: of sources for which there was no room (4,096 sources, 1,024 sums); `source_ip` and `user_id` are null |

All else in `details` is that of the first one; `session_id` and `connection_id` are null where there were several. Of one source with more than 32 causes the others have no cause. What gives or takes
a right (logins, sessions, blocks, revocations, what operators do) and what belongs to a connection that was let in is never summed up. Sums are written when the time is
over, when the program stops, and by a reload that changes the budget; until then they are in the file `sums` of the record's folder, so that they outlive a program that is killed. A cut of the power can lose those of the
last minute; a file that cannot be read is itself recorded (`records_lost`)."""
    return page("Events", intro, markdown_table(["event", "level", "alias", "summed", "meaning"], rows), record, sums, exported)


FRAMEWORKS = {"SOC2": ("soc2", "SOC 2 (Trust Services Criteria)"), "ISO27001": ("iso27001", "ISO/IEC 27001:2022, Annex A"),
              "NIST_CSF": ("nist-csf", "NIST Cybersecurity Framework 2.0"), "OWASP": ("owasp", "OWASP ASVS 5.0 and WebSocket cheat sheet")}


def controls():
    intro = """
`framewall report` counts, for each control, the records of a period that are evidence for it ([guide](../guide/reports.md)). Titles are in our own words. The records
support evidence for a control; whether it is met is for the auditor to say. Where no record can show it, that is said, and so is what is not covered."""
    parts, known = [], {row[0] for row in rows_of("events", "EVENT")}
    for row in rows_of("controls", "CONTROL"):
        if not set(row[4].split()) <= known or (row[5] and not os.path.exists(os.path.join(ROOT, "tests", row[5]))):
            raise ValueError(f"controls.def: {row[1]} names an event or a test that there is not")
    forgotten = known - {event for row in rows_of("controls", "CONTROL") for event in row[4].split()}
    if forgotten:
        raise ValueError(f"controls.def: no control has {', '.join(sorted(forgotten))}")
    for framework, (name, title) in FRAMEWORKS.items():
        rows = [[row[1], row[2], row[3], ", ".join(code(event) for event in row[4].split()) or "no record shows it", code(row[5])]
                for row in rows_of("controls", "CONTROL") if row[0] == framework]
        parts.append(f"## {title}: `--framework {name}`\n\n" + markdown_table(["control", "about", "mechanism", "events that are evidence", "test"], rows))
    return page("Controls and their evidence", intro, *parts)


def record_schema():
    text, null = {"type": "string"}, {"type": "null"}
    properties = {
        "timestamp": {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$"},
        "sequence": {"type": "integer", "minimum": 1},
        "event_type": {"enum": [row[0] for row in rows_of("events", "EVENT")]},
        "level": {"enum": ["info", "warning", "critical", "emergency"]},
        "severity": {"type": "integer", "minimum": 0, "maximum": 3},
        "source_ip": {"anyOf": [text, null]},
        "user_id": {"anyOf": [{"type": "string", "minLength": 1}, null]},
        "session_id": {"anyOf": [{"type": "string", "minLength": 1}, null]},
        "connection_id": {"anyOf": [{"type": "integer"}, null]},
        "event_id": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
        "details": {"type": "object", "additionalProperties": {"type": ["string", "integer", "boolean"]}},
        "chain": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
    }
    return json.dumps({"$schema": "http://json-schema.org/draft-07/schema#", "title": "A record of Framewall",
                       "description": "Made by tools/reference.py from src/tables.", "type": "object", "additionalProperties": False,
                       "required": list(properties), "properties": properties}, indent=2) + "\n"


def errors():
    rows = [[code(name), text, meaning] for name, text, meaning in rows_of("errors", "ERROR")]
    intro = """
What a client is told inside the connection: `{"type":"error","data":{"code","message","timestamp","event_id",…}}`.
`INVALID_MESSAGE` has `errors`, a list of `{field, rule, limit}` with every problem of the message; `RATE_LIMITED` has `retry_after` in seconds.
`AUTH_ERROR` and `VALIDATION_ERROR` are faults of Framewall, never of the client. Which of them end the connection: [close codes](closes.md)."""
    rules = [
        ["required", "the field is missing", ""], ["unknown", "the type has no such field", ""],
        ["type", "another JSON type is needed; `expected` names it", ""],
        ["min_length, max_length", "characters of a text", "the bound"], ["min_items, max_items", "elements of an array", "the bound"],
        ["minimum, maximum", "value of an integer", "the bound"], ["format", "`expected`: id, command, email, url, printable ASCII", ""],
        ["enum", "not one of the allowed words", ""], ["nul", "U+0000 in a text", ""],
    ]
    return page("Errors", intro, markdown_table(["code", "text", "meaning"], rows),
                "## Rules of INVALID_MESSAGE\n\n`field` is a JSON Pointer without its first slash, such as `attachments/0/url`; at most 16 problems are listed.\n\n"
                + markdown_table(["rule", "meaning", "limit"], rules))


def rules():
    classes = {name: (word, text) for name, word, text in rows_of("detect_classes", "DETECT_CLASS")}
    intro = """
Texts of messages, their keys too, are looked through for attacks: as they came, and as those behind may come to read them (percent, entities, escapes, overlong UTF-8
undone, full-width letters and the like made ASCII, unseen characters left out, at most three times). What a text has of the rules below adds up, class by class. At `validation.inspect.refuse.CLASS` points the message is
refused: `INVALID_MESSAGE`, "Dangerous content detected", with the id of the rule of most points as `rule`. At `validation.inspect.flag.CLASS` it goes on and is recorded as
`message_flagged`. In the record stand rule, class, points and field, never the text. `framewall explain` shows every rule that was found.

Between backticks people speak of code: all but script and lookups counts there as a flag at most. Of HTML fields what is markup is decided by the allow-list of
`validation.allowed_html_tags`, not by these rules. All texts of a message are looked at joined, too, in case one was split: the field is then `*`.
In a dialect what stands around the fields is looked through as well (ids, headers, topics, the texts of a GraphQL document), and so are attachments of Socket.IO, after
whose refusal the connection ends. Of a handshake that goes on to a server behind, the target (`path`, `query`), cookies and header fields by their names are:
400, with the rule's id, unless `validation.inspect.handshake` is false; in exceptions its type is `handshake`. Of the reason of a client's close frame only the code goes on
(type `close`, field `reason`). What an attacker may try, and how it ends, is played in `tests/evasion`.
Other points count on a route by `routes[].inspect.points`, in a field by `validation.inspect.points`; a route has a mode of its own by `routes[].inspect.mode`.
A rule that is wrong in your messages is switched off by `validation.inspect.exceptions`, for a field, a type, or everywhere.

What "reads like known" attacks was not written as a rule but learned from them: sums over the n-grams of places of 8 to 40 octets of a text, high enough that it is hardly ever said of what people write (`make
bench-detect` has the figures, on texts of sources that it did not know). It finds what the rules miss, and is named as the cause only where no rule was found. Where a rule that was found is excepted, it says
nothing of that class either."""
    parts = []
    for name, (word, text) in classes.items():
        rows = [[code(id), points, reason] for _, klass, id, points, reason in rows_of("detect_rules", "DETECT_RULE") if klass == name]
        parts.append(f"## {word}: {text}\n\n" + markdown_table(["rule", "points", "found"], rows))
    return page("Rules of inspection", intro, *parts)


def closes():
    rows = []
    for name, number, error, event, text, reconnect in rows_of("closes", "CLOSE"):
        rows.append([number, text, code("" if error == "NONE" else error), code(event), reconnect, name])
    rows.sort(key=lambda row: int(row[0]))
    return page("Close codes", "How a connection ends: the error that is sent before, the event that is recorded, and what a client should do.",
                markdown_table(["code", "reason", "error before", "event", "reconnect", "row"], rows))


KINDS = {"STRING": "text", "BOOLEAN": "true, false", "INTEGER": "integer", "NUMBER": "number", "ANY": "number or text", "ARRAY": "array",
         "OBJECT": "object"}
CLASSES = {"HTML": "HTML fragment", "ID": "`[a-zA-Z0-9_.-]`", "COMMAND": "`[a-zA-Z0-9_-]`", "URL": "safe http(s) URL", "EMAIL": "e-mail address",
           "TOKEN": "printable ASCII", "CODE": "code"}


def field_type(kind, klass, low, high, choices=()):
    text = KINDS[kind]
    if klass in CLASSES:
        text += ", " + CLASSES[klass]
    if choices:
        return text + ": " + ", ".join(choices)
    if kind in ("STRING", "ANY"):
        text += f", {low} to {high} characters"
    if kind == "INTEGER":
        text += f", {low} to {high.replace('MAX_SAFE', '2^53 - 1')}"
    if kind == "ARRAY":
        text += f", at most {high}"
    return text


def message_fields(name, rows):
    result = []
    choices = {}
    for kind, row in rows:
        if kind == "CHOICE" and row[0] == name:
            choices.setdefault(row[1], []).append(row[2])
    for kind, row in rows:
        if row[0] != name:
            continue
        if kind == "FIELD":
            result.append([code(row[1]), field_type(row[2], row[3], row[5], row[6], choices.get(row[1], ())),
                           "yes" if row[4] == "REQUIRED" else "", row[7]])
        elif kind == "ITEM":
            result.append([code(row[1] + "/N"), field_type(row[2], row[3], row[4], row[5]), "", ""])
        elif kind == "MEMBER":
            result.append([code(f"{row[1]}/N/{row[2]}"), field_type(row[3], row[4], row[6], row[7]), "yes" if row[5] == "REQUIRED" else "", ""])
    return result


def messages():
    contract = table("contract")
    overview, details = [], []
    for kind, row in contract:
        if kind != "MESSAGE":
            continue
        name, size, permission, role, flags, text = row
        need = code(permission) + (f" and role {role}" if role else "")
        overview.append([code(name), size, need, "yes" if flags == "CSRF" else "", text or ("answered here" if flags == "HERE" else "")])
        fields = message_fields(name, contract)
        details.append(f"### {name}\n\n" + (markdown_table(["field", "value", "required", "meaning"], fields) if fields else "No fields but `type`.\n"))
    outbound = [[code(name), code(permission) or (f"role {role}" if role else "everybody logged in"), text]
                for name, permission, role, text in rows_of("outbound", "OUTBOUND")]
    stages = [[str(i + 1), code(name), {"IN": "in", "OUT": "out", "BOTH": "in, out"}[way], text, " ".join(code(key) for key in keys.split())]
              for i, (name, way, keys, text) in enumerate(rows_of("stages", "STAGE"))]
    return page("Messages", """
Each message is one JSON object in one text message, with its `type`. A type that is not listed is refused. How JSON is read: [JSON](json.md).
Lengths count characters (code points); a text that is no HTML fragment is passed on as it is, and none may have U+0000. `csrf_token` is accepted
where it is listed, and by every type in `csrf.protected_operations`.""",
                "## From client to server\n\n" + markdown_table(["type", "bytes at most", "permission", "CSRF token", "meaning"], overview),
                *details, "## From server to client\n\n" + markdown_table(["type", "who sees it", "meaning"], outbound),
                "## How a message is judged\n\nThe stages in their order; the first that refuses ends it.\n\n"
                + markdown_table(["", "stage", "direction", "what", "keys"], stages))


def permissions():
    names = [row[0] for row in rows_of("permissions", "PERMISSION")]
    roles = {name: (inherits, own.split()) for name, inherits, own in rows_of("roles", "ROLE")}

    def grants(pattern, name):
        want, have = pattern.split("."), name.split(".")
        if len(have) < len(want) or (len(have) > len(want) and want[-1] != "*"):
            return False
        return all(w in ("*", h) for w, h in zip(want, have))

    def has(role, name):
        inherits, own = roles[role]
        return any(grants(p, name) for p in own) or (inherits != "" and has(inherits, name))

    uses = {}
    for row in rows_of("contract", "MESSAGE"):
        uses.setdefault(row[2], []).append(code(row[0]))
    for row in rows_of("outbound", "OUTBOUND"):
        uses.setdefault(row[1], []).append(code(row[0]) + " (seen)")
    matrix = [[code(name)] + ["yes" if has(role, name) else "" for role in roles] + [", ".join(uses.get(name, []))] for name in names]
    own = [[code(name), code(inherits), " ".join(code(p) for p in patterns)] for name, (inherits, patterns) in roles.items()]
    return page("Permissions", "The roles there are without a configuration. How to change them: [configuration](configuration.md#rbac).",
                markdown_table(["role", "inherits", "permissions of its own"], own),
                "## Who may do what\n\n" + markdown_table(["permission"] + list(roles) + ["messages"], matrix))


def metrics():
    rows = [[code(f"framewall_{name}_total"), "counter", "", text] for name, text in rows_of("metrics", "COUNTER")]
    rows += [[code(f"framewall_{name}"), "gauge", "", text] for name, text in rows_of("metrics", "GAUGE")]
    rows += [[code(f"framewall_{name}_total"), "counter", labels, text] for name, labels, text in rows_of("metrics", "FAMILY")]
    rows += [[code(f"framewall_{name}"), "histogram", labels, text] for name, labels, text in rows_of("metrics", "TIMED")]
    rows += [[code(f"framewall_{name}"), kind, {"build_info": "version", "config_info": "digest"}.get(name, ""), text] for name, kind, text in rows_of("metrics", "KEPT")]
    rows += [[code(f"framewall_{name}"), kind, labels, text] for name, kind, labels, text in rows_of("metrics", "SERIES")]
    return page("Metrics", "What `/metrics` of the admin port exports, and `framewall stats` prints, as sums over all workers. How to have them scraped, drawn and watched: [guide](../guide/metrics.md). "
                "Prometheus gets OpenMetrics 1.0 where it asks for it (`Accept`), there counters are named without `_total` and have `_created`; others the text format 0.0.4. "
                "Labels are names of the configuration or of a table, 1,024 pairs of route and type at most; no label ever names a user or an address.",
                markdown_table(["metric", "kind", "labels", "meaning"], rows),
                "## `decision`\n\n" + markdown_table(["decision", "the message was"], [[code(name), text] for name, text in rows_of("decisions", "DECISION")]),
                "Those of receivers of the record, lists of bad addresses and scenarios are there where the configuration has some; their labels are names of the configuration.")


def limits():
    overload = """
## When memory comes to an end

`overload.memory_limit` is what the process that meets clients may have (its resident memory; [guide](../guide/overload.md)). By how much of it is in use, and each stage does what those before it do as well:
"""
    return page("Limits", "Bounds that no configuration key moves. Every other bound is a [configuration](configuration.md) key.",
                markdown_table(["name", "value", "meaning"], [[code(n), v, t] for n, v, t in rows_of("limits", "LIMIT")]), overload,
                markdown_table(["stage", "", "from", "what it does"], [[i + 1, code(n), v + " %", t] for i, (n, v, t) in enumerate(rows_of("overload", "OVERLOAD"))]))


def log():
    return page("The log", """What the program says to its operators on standard error, one line each. It is not the record, in `DATA/record`, which keeps every decision
for auditors: the log keeps nothing and may leave lines out.

    2026-11-24T18:20:11.402113Z warn upstream: cannot look up chat.internal: temporary failure

`framewall run --log-level LEVEL`, or `MODULE=LEVEL,…`, or both: `warn,connection=trace`; the same as `log.level` in the configuration. While the server
runs `framewall log` shows the levels and `framewall log connection=trace` changes one; an `admin_action` record keeps who did.

| level | is for |
|---|---|
| `error` | something failed that an operator has to mend |
| `warn` | something failed, and the server helped itself |
| `info` | the default; changes of the server's own state |
| `debug` | what was refused or went wrong for one client or upstream, with its cause |
| `trace` | the whole way of each connection: accepted, admitted, head, login, dialled, open, over, with its id and cause |
""", markdown_table(["module", "says"], [[code(n), t] for n, t in rows_of("log_modules", "LOG_MODULE")]),
                """At no level a secret is said: no token, key, cookie, password, payload, query or head; the tests search for such at `trace`. What comes from a
client is escaped: `\\xNN` for control characters, for those that end lines or turn the direction of text, and for what is no UTF-8. Above 1,000 lines a second
and module, or when nobody reads standard error, lines are left out and counted; the server never waits for its log.""")


def dialects():
    rows = [[code(name), code(subprotocol), text, kind, fields] for _, name, subprotocol, kind, fields, text in rows_of("dialects", "DIALECT")]
    return page("Dialects", """
How an application says its messages. `routes[].dialect` names one; each message is read to a type and fields, every stage judges these, and a refusal is said
in the dialect. [The guide](../guide/dialects.md) has a configuration for each. A name that begins with `:` is none of an application's: such are refused.""",
                markdown_table(["dialect", "subprotocol", "what it is", "type", "fields"], rows))


def scan():
    rows = rows_of("scan_checks", "SCAN_CHECK")
    lines = [[code(row[1]), row[2].lower(), row[3].lower(), "yes" if row[4] == "true" else "", f"CWE-{int(row[5])}", row[6], row[7], f"{row[8]}. {row[9]}", row[10], row[11]] for row in rows]
    asked = [[name, text, ", ".join(code(row[1]) for row in rows if name in row[6].split(", ") + row[7].split(", ")), hand]
             for name, text, hand in rows_of("scan_requirements", "SCAN_REQUIREMENT")]
    return page("Checks of `framewall scan`", "How to use them: [guide](../guide/scan.md). [scan.schema.json](scan.schema.json) (JSON Schema, draft 7) is what `--format json` holds to. "
                "`--unsafe`: the check is left out unless that is said. An answer that does not decide a check is an error, never a pass.",
                markdown_table(["id (`--tests`)", "category", "severity", "`--unsafe`", "CWE", "ASVS 5.0.0", "OWASP", "what, and why", "how it decides", "how to fix"], lines),
                "\n## What is asked\n\nThe OWASP WebSocket Security Cheat Sheet in our numbers, and ASVS 5.0.0 4.4. \"By hand\" is what no check sees.\n",
                markdown_table(["", "requirement", "checks", "by hand"], asked))


PAGES = {"scan.md": scan, "dialects.md": dialects, "configuration.md": configuration, "controls.md": controls, "events.md": events, "errors.md": errors, "rules.md": rules, "closes.md": closes, "messages.md": messages,
         "permissions.md": permissions, "metrics.md": metrics, "limits.md": limits, "log.md": log, "framewall.schema.json": schema, "record.schema.json": record_schema, "openapi.json": openapi}


def main():
    check = "--check" in sys.argv[1:]
    folder = os.path.join(ROOT, "docs/reference")
    stale = []
    os.makedirs(folder, exist_ok=True)
    for name, make in PAGES.items():
        path = os.path.join(folder, name)
        text = make()
        old = open(path, encoding="utf-8").read() if os.path.exists(path) else None
        if old == text:
            continue
        stale.append(f"docs/reference/{name}")
        if not check:
            open(path, "w", encoding="utf-8").write(text)
    for path in stale:
        print(f"{path}: {'not what the tables say: run make docs' if check else 'written'}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
