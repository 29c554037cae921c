"""docs/reference/framewall.schema.json: what editors know of a configuration."""
import json
import re

from reference_tables import MAX_SAFE, rows_of, table

REFERENCE = {"type": "string", "pattern": r"\$\{(file|env):[^}]+\}", "description": "a text with ${file:PATH} or ${env:NAME}"}
NAME = {"type": "string", "pattern": "^[A-Za-z0-9_.-]{1,64}$"}


def mapping(members, required=(), more=None):
    """A section: a mapping with these keys; nothing at all is an empty one."""
    made = {"type": ["object", "null"], "properties": members, "additionalProperties": False if more is None else more}
    return {**made, "required": list(required)} if required else made


def named(value):
    return {"type": ["object", "null"], "additionalProperties": value}


def listed(item, **more):
    return {"type": "array", "items": item, **more}


def whole(low, high):
    return {"anyOf": [{"type": "integer", "minimum": low, "maximum": high}, REFERENCE]}


def one_of(words):
    numbers = [float(word) for word in words if re.fullmatch(r"[0-9]+\.[0-9]+", word)]  # which YAML does not take for text
    return {"anyOf": [{"enum": list(words) + numbers}, REFERENCE]}


TEXT = {"type": ["string", "null"]}
ANY_TEXT = {"type": ["string", "number", "boolean"]}
TEXTS = listed(ANY_TEXT)
TRUTH = {"anyOf": [{"type": "boolean"}, REFERENCE]}
ACTION = "^(off|flag|mask|stop)$"
UNEXPECTED = one_of(("pass", "flag", "stop"))
SECRETS = mapping({"secrets": {"type": ["object", "string", "null"], "pattern": ACTION, "additionalProperties": False,
                               "properties": {row[0]: {"type": "string", "pattern": ACTION, "description": row[1]} for row in rows_of("secret_kinds", "SECRET_KIND")}}})
ROUTE = {"path": {"type": "string"}, "upstream": {"type": "string"}, "upstream_path": {"type": "string"}, "opaque": TRUTH, "binary": TRUTH,
         "forward": one_of(("client", "canonical")), "anonymous": {"type": "string"}, "origins": TEXTS, "hosts": TEXTS, "subprotocols": TEXTS,
         "dialect": one_of([row[1] for row in rows_of("dialects", "DIALECT")] + ["subprotocol"]), "types": named(TEXT),
         "discriminator": {"type": "string", "pattern": "^(/|none$)"}, "login_message": TEXT, "outbound": {**SECRETS, "properties": {**SECRETS["properties"], "unknown_types": UNEXPECTED, "invalid": UNEXPECTED, "type": {"type": "string"}}}, "inbound": SECRETS, "inspect": mapping({"mode": one_of(("off", "monitor", "refuse")), "points": TEXTS}), "require": listed({"enum": ["certificate", "jwt", "dpop"]}),
         "messages_per_minute": whole(0, 1000000000), "bytes_per_minute": whole(0, 1000000000)}
ISSUER = {"issuer": {"type": "string"}, "audience": {"type": "string"}, "jwks": {"type": "string"}, "public_key": {"type": "string"},
          "algorithm": one_of([row[1].strip('"') for row in rows_of("jose", "JOSE") if not row[1].strip('"').startswith("HS")]),
          "kid": {"type": "string"}, "type": {"type": "string"}, "user": {"type": "string"}, "user_prefix": {"type": "string"},
          "roles_from": {"type": "string"}, "roles": named(TEXTS), "default_role": NAME,
          "require_bound": one_of(("none", "certificate", "dpop", "either")),
          "introspection": mapping({"url": {"type": "string"}, "client_id": {"type": "string"}, "client_secret": {"type": "string"},
                                    "cache": {**whole(1, 3600), "default": 30}}, ["url", "client_id", "client_secret"]),
          **{row[0]: {**TRUTH, "default": row[1] == "1", "description": row[2]} for row in rows_of("providers", "PROVIDER_BOOLEAN")},
          **{row[0]: {"type": "string", "description": row[1]} for row in rows_of("providers", "PROVIDER_TEXT")},
          **{row[0]: {**whole(int(row[2]), int(row[3])), "default": int(row[1]), "description": row[5]} for row in rows_of("providers", "PROVIDER_INTEGER")}}
FACILITIES = "kern user mail daemon auth syslog lpr news uucp cron authpriv ftp ntp audit alert clock".split() + [f"local{n}" for n in range(8)]
RECEIVER = {**{row[0]: {"type": "string", "description": row[1]} for row in rows_of("receivers", "RECEIVER_TEXT")},
            **{row[0]: {**TEXTS, "description": row[1]} for row in rows_of("receivers", "RECEIVER_TEXTS")},
            **{row[0]: {**TRUTH, "default": row[1] == "1", "description": row[2]} for row in rows_of("receivers", "RECEIVER_BOOLEAN")},
            **{row[0]: {**whole(int(row[2]), int(row[3])), "default": int(row[1]), "description": row[5]} for row in rows_of("receivers", "RECEIVER_INTEGER")},
            "format": one_of([row[0] for row in rows_of("export_formats", "EXPORT_FORMAT")] + ["alertmanager"]), "facility": one_of(FACILITIES),
            "level": one_of(("info", "warning", "critical", "emergency"))}
THREAT = {**{row[0]: {"type": "string", "description": row[1]} for row in rows_of("threat_lists", "THREAT_TEXT")},
          **{row[0]: {**TRUTH, "default": row[1] == "1", "description": row[2]} for row in rows_of("threat_lists", "THREAT_BOOLEAN")},
          **{row[0]: {**whole(int(row[2]), int(row[3])), "default": int(row[1]), "description": row[5]} for row in rows_of("threat_lists", "THREAT_INTEGER")},
          "format": one_of([row[0] for row in rows_of("threat_formats", "THREAT_FORMAT")]), "action": one_of(("block", "flag", "count"))}
LEVEL = one_of(("info", "warning", "critical", "emergency"))
WHERE = mapping({"level": LEVEL, "user": TEXT, "session": TEXT, "text": TEXT, "ip": {"type": "string"}, "details": named(TEXTS)})
SCENARIO = {**{row[0]: {"type": "string", "description": row[1]} for row in rows_of("scenarios", "SCENARIO_TEXT")},
            **{row[0]: {**TEXTS, "description": row[1]} for row in rows_of("scenarios", "SCENARIO_TEXTS")},
            **{row[0]: {**whole(int(row[2]), int(row[3])), "default": int(row[1]), "description": row[5]} for row in rows_of("scenarios", "SCENARIO_INTEGER")},
            "where": WHERE,
            "labels": named(NAME), "action": one_of(("record", "points", "close", "block", "revoke")), "level": LEVEL}
ALERT = {**{row[0]: {"type": "string", "description": row[1]} for row in rows_of("alert_rules", "ALERT_TEXT")},
         **{row[0]: {**TEXTS, "description": row[1]} for row in rows_of("alert_rules", "ALERT_TEXTS")},
         **{row[0]: WHERE for row in rows_of("alert_rules", "ALERT_MAP")},
         **{row[0]: {**TRUTH, "default": row[1] == "1", "description": row[2]} for row in rows_of("alert_rules", "ALERT_BOOLEAN")},
         **{row[0]: {**whole(int(row[2]), int(row[3])), "description": row[5]} for row in rows_of("alert_rules", "ALERT_INTEGER")},
         "level": LEVEL, "least": LEVEL}
RESPONSE = {**{row[0]: {"type": "string", "description": row[1]} for row in rows_of("response_rules", "RESPONSE_TEXT")},
            **{row[0]: {**TEXTS, "description": row[1]} for row in rows_of("response_rules", "RESPONSE_TEXTS")},
            **{row[0]: WHERE for row in rows_of("response_rules", "RESPONSE_MAP")},
            **{row[0]: {**TRUTH, "default": row[1] == "1", "description": row[2]} for row in rows_of("response_rules", "RESPONSE_BOOLEAN")},
            **{row[0]: {**whole(int(row[2]), int(row[3])), "default": int(row[1]), "description": row[5]} for row in rows_of("response_rules", "RESPONSE_INTEGER")},
            "action": one_of([row[0] for row in rows_of("response_actions", "RESPONSE_ACTION")]), "of": one_of(("user", "address"))}
SAFE = int(MAX_SAFE)
FIELD = {"type": one_of(("text", "integer", "number", "boolean", "object", "array", "any")), "required": TRUTH,
         "class": one_of([word for _, word, _, _ in rows_of("field_classes", "FIELD_CLASS") if word]),
         "min": whole(-SAFE, SAFE), "max": whole(-SAFE, SAFE), "values": TEXTS, "items": {"type": "object"}, "fields": {"type": "object"}}
SHAPES = {
    "routes": listed(mapping(ROUTE, ["path"]), minItems=1),
    "authentication.jwt.keys": listed(mapping({"kid": NAME, "secret": {"type": "string"}, "public_key": {"type": "string"},
                                             "algorithm": one_of([row[1].strip('"') for row in rows_of("jose", "JOSE")])})),
    "validation.rules": listed({"anyOf": [TEXT, mapping({"pattern": {"type": "string"}, "id": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,40}$"},
                                                         "class": one_of([row[1] for row in rows_of("detect_classes", "DETECT_CLASS")]),
                                                         "type": TEXTS, "field": TEXTS, "score": whole(1, 1000), "action": one_of(("score", "flag", "refuse")),
                                                         "flags": {"type": "string", "pattern": "^[ism]*$"}, "reason": {"type": "string"}}, ["pattern"])]}),
    "authentication.issuers": listed(mapping(ISSUER, ["issuer", "audience"])),
    "authentication.api_keys": listed(mapping({"id": {"type": "string", "pattern": "^[a-z0-9]{8}$"},
                                               "hash": {"anyOf": [{"type": "string", "pattern": "^[0-9A-Fa-f]{64}$"}, REFERENCE, {"type": "integer"}]},
                                               "name": NAME, "role": NAME}, ["id", "hash"])),
    "authentication.certificates": listed(mapping({"match": mapping({name: {"type": "string"} for name in ("subject", "issuer", "san_dns", "san_uri", "san_email")}),
                                                   "user": {"type": "string"}, "role": NAME}, ["match", "user"])),
    "tls.certificates": listed(mapping({"certificate": {"type": "string"}, "key": {"type": "string"}}, ["certificate"])),
    "validation.allowed_html_attributes": {**named(listed({"enum": [row[0] for row in rows_of("html_attributes", "HTML_ATTRIBUTE")]})),
                                           "propertyNames": {"pattern": "^[a-z][a-z0-9]*$"}},
    "audit_logging.receivers": listed(mapping(RECEIVER, ["name", "url"])),
    "monitoring.alerts.rules": listed(mapping(ALERT, ["name"])),
    "monitoring.response.rules": listed(mapping(RESPONSE, ["name", "action"])),
    "monitoring.alerts.inhibit": listed(mapping({"source": named(TEXT), "target": named(TEXT), "equal": TEXTS}, ["source", "target"])),
    "threat_intelligence.lists": listed(mapping(THREAT, ["name", "url", "format"])),
    "scenarios": listed(mapping(SCENARIO, ["name", "on"])),
    "audit_logging.log_levels": named({"enum": ["info", "warning", "critical", "emergency", "error", "INFO", "WARNING", "CRITICAL", "EMERGENCY", "ERROR"]}),
    "validation.schema_documents": {**named({"type": "string"}), "propertyNames": {"pattern": "^[A-Za-z][A-Za-z0-9+.-]*:[^#]"}},
    "validation.max_lengths": named(whole(1, 1048576)),
    "validation.message_sizes": named(whole(16, 1073741824)),
    "messages": named(mapping({"when": mapping({"network": TEXTS, "certificate": one_of(("any", "required"))}),
                               "permission": NAME, "role": NAME, "max_bytes": whole(16, 1073741824), "csrf": TRUTH, "messages_per_minute": whole(1, 1000000000),
                               "schema": {"type": ["object", "boolean"]}, "schema_file": {"type": "string"}, "direction": one_of(("client", "server", "both")),
                               "receive": mapping({"permission": NAME, "role": NAME, "max_bytes": whole(16, 1073741824), "schema": {"type": ["object", "boolean"]},
                                                   "schema_file": {"type": "string"}, "fields": {"type": "object"}}),
                               "fields": named(mapping({"set": TEXTS, "see": TEXTS, "mask": {"type": "string"}, **FIELD}))})),
    "rbac.roles": named(mapping({"permissions": TEXTS, "inherits": TEXTS})),
    "rbac.default_permissions": named(TEXTS),
    "rbac.role_hierarchy": named(TEXTS),
    "rbac.permission_categories": named(TEXTS),
    "environment_overrides": {**named({"$ref": "#/definitions/overlay"}), "propertyNames": NAME},
}
# Rows of config.def that may also have another shape.
OTHER_SHAPES = {"security_policies.csp": named({"type": ["string", "null"]})}


def schema_of_row(kind, row):
    path, value, text = row[0], row[2], row[-1]
    if kind == "CONFIG_INTEGER":
        made = {**whole(int(row[3]), int(row[4])), "default": int(value)}
        text += (" (" if text else "(") + row[5] + ")" if row[5] else ""
    elif kind == "CONFIG_BOOLEAN":
        made = {**TRUTH, "default": value == "1"}
    elif kind == "CONFIG_CHOICE":
        words = row[3].split("|")
        made = {**one_of(words), "default": words[int(value)]}
    elif kind == "CONFIG_TEXTS":
        made = {**TEXTS, "default": value.split()}
    else:
        made = {"type": ["string", "number", "null"], "default": value}
    if path in OTHER_SHAPES:
        made = {"anyOf": [made, OTHER_SHAPES[path]]}
    return {**made, "description": text} if text else made


def schema():
    tree = {}

    def put(path, leaf):
        names = path.split(".")
        at = tree
        for name in names[:-1]:
            at = at.setdefault(name, {})
        at[names[-1]] = ("leaf", leaf)

    for kind, row in table("config"):
        put(row[0], schema_of_row(kind, row))
    for row in rows_of("sections", "SECTION"):
        put(row[0], {**SHAPES[row[0]], "description": row[3]})
    for row in rows_of("sections", "SECTION_IDLE"):
        put(row[0], {"description": row[2] + " (without effect in this version)"})

    def build(at):
        return mapping({name: value[1] if isinstance(value, tuple) else build(value) for name, value in at.items()})

    sections = build(tree)["properties"]
    own = ("environment", "environment_overrides")
    refer = {name: {"$ref": f"#/definitions/{name}"} for name in sections if name not in own}
    made = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Configuration of Framewall",
        "$comment": "Made by tools/reference.py from src/tables. framewall check says more, and where.",
        **mapping({**refer, **{name: sections[name] for name in own}}),
        "definitions": {**{name: value for name, value in sections.items() if name not in own}, "overlay": mapping(refer)},
    }
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"
