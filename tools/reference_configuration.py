"""docs/reference/configuration.md: every key, and the shapes that are more than one."""
from reference_tables import code, markdown_table, page, rows_of, table, without_effect


def key_row(kind, row):
    """One row of config.def as: path, type, default, meaning."""
    path, value, text = row[0], row[2], row[-1]
    if row[1] in [member for member, why in rows_of("restart", "RESTART")]:
        text += ". Another value counts after a restart"
    if kind == "CONFIG_INTEGER":
        unit = f" {row[5]}" if row[5] else ""
        return [code(path), f"{row[3]} to {row[4]}{unit}", code(value), text]
    if kind == "CONFIG_BOOLEAN":
        return [code(path), "true, false", code("true" if value == "1" else "false"), text]
    if kind == "CONFIG_CHOICE":
        words = row[3].split("|")
        return [code(path), ", ".join(words), code(words[int(value)]), text]
    if kind == "CONFIG_TEXTS":
        return [code(path), "list", code("[" + ", ".join(value.split()) + "]"), text]
    return [code(path), "text", code(value), text]


CONFIGURATION_HEAD = """
The configuration is one YAML file, `framewall.yaml` by custom, given by `--config`. Every key has a default: an empty file is valid and safe.
`framewall check --config FILE` reports every problem at once, each with its line, its column and what was probably meant:

```
framewall.yaml:5:3: error: unknown key "messages_per_minut" in "rate_limiting"; did you mean "messages_per_minute"?
  messages_per_minut: 1
  ^
```

An unknown key, a value of the wrong type or beyond its bounds, a key given twice, a second document, an alias, a tag or invalid UTF-8 is an error,
and a file with an error is not used. Numbers are written without quotes; `true` and `false` are the only booleans; `[]` is an empty list.
Another file counts without a restart: SIGHUP, or `POST /api/v1/reload` ([how](../guide/reload.md)). The file has at most 1 MiB. `framewall init` writes one with every key in it. Editors check it as it is written with
[framewall.schema.json](framewall.schema.json) (JSON Schema, draft 7), for example by a first line
`# yaml-language-server: $schema=framewall.schema.json`.

## What stands above what

From the lowest to the highest: the default of a key, the default of the [environment](#environments), the file, the environment's overlay in the file, the
[variable](#variables) of the key, an option of `framewall run`. `framewall check --print` shows every effective value and which of these it comes from
(with `--json` as `values: [{path, value, origin: {from, file, line, name}}]`); secrets are shown as `(secret)`.

```
$ FRAMEWALL_MODE=monitor framewall check --print --environment production
mode: monitor  # FRAMEWALL_MODE
hosts: [chat.example.com]  # framewall.yaml:4
rate_limiting.messages_per_minute: 30  # default in production
```
"""


def environments():
    values = {}
    for name, path, value in rows_of("environments", "ENVIRONMENT_VALUE"):
        lists = any(kind == "CONFIG_TEXTS" and row[0] == path for kind, row in table("config"))
        values.setdefault(name, []).append(code(path) + " " + code(f"[{value}]" if lists else value))
    rows = [[code(name), text, ", ".join(values.get(name, [])) or "none"] for name, text in rows_of("environments", "ENVIRONMENT")]
    return """## Environments

`framewall run --environment NAME`, the variable `FRAMEWALL_ENVIRONMENT` or the key `environment` chooses one; without a choice there is none. A name that
is neither below nor in `environment_overrides` is an error that lists those there are. An environment changes defaults:

""" + markdown_table(["environment", "what it is", "defaults in it"], rows) + """
and brings its overlay, a part of a configuration with any keys but `environment` and `environment_overrides`:

```yaml
rate_limiting: {messages_per_minute: 50}
environment_overrides:
  staging:
    rate_limiting: {messages_per_minute: 500}
    hosts: [staging.example.com]
```

Mappings are merged key by key; a single value and a list (`routes`, keys, a role's `permissions` and `inherits`) replace what the file says. Every overlay
is judged whenever the file is read, not only the chosen one. At most 16 overlays.
"""


def production():
    rows = [[level.lower(), problem, why] for _, level, _, problem, why in rows_of("production", "PRODUCTION")]
    return """## Production

Environment `production` does not start with settings that are only good for trying things out; `framewall check --environment production` says which.
A listener that is reached from this machine alone (localhost) is taken to have a proxy in front that does its part. Everywhere, in every environment, a
wildcard origin and a secret of fewer than 32 octets are refused.

""" + markdown_table(["", "what", "why"], rows)


def variables():
    others = "; ".join(f"`{name}` ({text})" for name, text in rows_of("variables", "VARIABLE"))
    return f"""## Variables

Each key with a table row above has a variable: `FRAMEWALL_` and the path in capitals, dots as underscores. `rate_limiting.messages_per_minute` is
`FRAMEWALL_RATE_LIMITING_MESSAGES_PER_MINUTE`. Lists are written with commas (`FRAMEWALL_HOSTS=a.example,b.example`; empty: an empty list). A value is judged
as in the file. A name that no key has is a warning, with what was probably meant. These mean something else: {others}.

## Secrets

In every single value, of the file or outside it, `${{file:PATH}}` stands for the text of a file and `${{env:NAME}}` for that of an environment variable, alone
or with other text around. Of a file one line end at its end is left out; it has at most 16384 bytes; a relative path starts at the folder of the
configuration. A file or variable that is not there is an error that names it; a file that every user of the machine can read is a warning. What comes
out of a file is never in a message and never printed. Keys that are not text are written as `base64:` and base64url. Around a reference in braces
or brackets YAML needs quotes, for a number too: `{{messages_per_minute: "${{env:RATE}}"}}`. Keys that name a PEM file themselves (`tls`, `upstream.tls`,
`assertion.keys`) take the name as it is.

```yaml
upstream:
  url: ws://${{env:BACKEND}}
authentication:
  jwt:
    keys: [{{secret: "${{file:/run/secrets/jwt}}"}}]
```
"""



CONFIGURATION_SHAPES = """
## routes

A list. Without it there is one route, `*`, to `upstream.url` (to the built-in hub where that is empty). A path without a route is answered 404.

| key | value | default | meaning |
|---|---|---|---|
| `path` | `/name`, `/name/*`, `/name/{any}`, `*` | must be given | an exact path before any other, then the first with a segment in braces, which is any one segment, then the longest `*`; escapes of unreserved characters and repeated slashes are read as what they mean; a path with a `.` or `..` segment, however it is written, has no route |
| `upstream` | `ws://host:port/path`, `wss://host:port/path`, `hub` | `upstream.url` | the server behind; through TLS its certificate must hold, see `upstream.tls` |
| `upstream_path` | path | that of the address, else the client's | what the upstream is asked for |
| `opaque` | true, false | `false` | messages are not JSON: only frames, UTF-8, size and rate are judged; needs an upstream |
| `binary` | true, false | `false` | binary messages pass, judged by size and rate only |
| `forward` | client, canonical | `client` | the client's own octets, or written anew |
| `anonymous` | role | login needed | the role of a client that does not log in |
| `origins`, `hosts` | list | `origin.allowed`, `hosts` | replaces the common list |
| `subprotocols` | list | none | WebSocket subprotocols accepted |
| `dialect` | DIALECTS, subprotocol | `json` | how messages are said there: [dialects](dialects.md); `subprotocol`: what the subprotocol that is agreed on means, else `json` |
| `types` | `{TYPE: PERMISSION}` | every type that is defined | the types of message that clients may send on this route, and the permission that each asks for; `any`: none; nothing: that of the definition of this name. `{}`: they only listen. In a dialect `*` in a TYPE stands for anything without a blank |
| `discriminator` | JSON Pointer | `/type` | where a message says its type: `/op`, `/header/kind`; in plain JSON. A number is a name there when it is written as an integer. Logins by first message keep `type`. `none`: nothing says it, and every message is of the one type that `types` lists, those of the server, too, where it is one of theirs |
| `login_message` | text | `upstream.login_message` | template sent to the upstream first |
| `outbound.secrets` | `{KIND: ACTION}`, or an ACTION | none | what becomes of [secrets and personal data](#secrets-in-messages) in text messages to clients |
| `outbound.unknown_types` | pass, flag, stop | `pass` | what becomes of a text message of the server whose type is none of [`direction: server` or `both`](#other-shapes), or that has none or cannot be read: it is delivered, delivered with a record `message_flagged`, or not delivered, with a record `outbound_withheld`. Where it is not `pass`, the [contract's own types](messages.md#from-server-to-client) are known, too, each for those whom the contract delivers it to, unless `validation.builtin_messages` is false |
| `outbound.type` | TYPE | none | what every message of the server is, in plain JSON, where nothing in it says its type: a type of direction `server` or `both` |
| `outbound.invalid` | pass, flag, stop | `stop` | the same of a message of such a type whose fields, schema or size are not as it was defined |
| `inbound.secrets` | the same | none | the same in messages of clients |
| `inspect.mode` | `off`, `monitor`, `refuse` | `validation.inspect.mode` | how messages of clients, and handshakes, are [looked through](rules.md) on this route |
| `inspect.points` | list of `CLASS REFUSE FLAG`, as in `sql 20 4` | none | the points at which a class refuses and flags on this route, in place of `validation.inspect.refuse.CLASS` and `.flag.CLASS`; 0: never |
| `messages_per_minute` | 0 to 1000000000 messages | `0` | of all clients of this route together; who is refused by it broke no rule. Burst of the same size. 0: no limit |
| `bytes_per_minute` | 0 to 1000000000 bytes | `0` | of all clients of this route together, as they came, the same; burst of the same size, at least `rate_limiting.max_message_size`. 0: no limit |
| `require` | list | | what every login there needs, all of it at once: `certificate` (of the client, one that holds), `jwt` (a token, or a session opened with one), `dpop` (bound to a key that is proved) |

```yaml
routes:
  - path: /chat
    upstream: ws://10.0.0.5:9000
    origins: [https://chat.example.com]
  - {path: /status, upstream: hub, anonymous: guest}
```

## rbac

| key | value | meaning |
|---|---|---|
| `rbac.roles` | `{NAME: {permissions: [...], inherits: [ROLE...]}}` | roles besides the four, or new permissions of those |
| `rbac.default_permissions` | `{ROLE: [PERMISSION...]}` | replaces a role's own permissions |
| `rbac.role_hierarchy` | `{ROLE: [ROLE...]}` | whom a role includes; itself may be listed. admin includes moderator, user and guest in any case, moderator user and guest, user guest |
| `rbac.permission_categories` | `{CATEGORY: [ACTION...]}` | permissions `CATEGORY.ACTION` that exist besides those of the messages |
| `rbac.strict` | true, false | a permission that looks like a misspelt one is an error, not a warning |

A permission is a name of parts with dots between. `*` stands for a whole part: `chat.*` grants `chat.send` and `chat.x.y`, not `chat` and not `chatter.x`;
`*` alone grants everything. Roles that inherit in a circle, and roles that nobody defined, are errors. See [permissions](permissions.md).

```yaml
rbac:
  roles:
    analyst:
      permissions: [monitoring.read, reports.generate]
      inherits: [user]
```

## Keys

| key | value | meaning |
|---|---|---|
| `authentication.jwt.keys` | `[{kid, secret}]` or `[{kid, algorithm, public_key}]` | secrets of at least 32 octets (`base64:` before base64url) for HS256, or another `algorithm`; or the public half of a pair in PEM under one `algorithm`. With several keys each has a `kid`. Without any the key of the data directory is used |
| `authentication.issuers` | see below | who else issues tokens |
| `authentication.api_keys` | `[{id, hash, name, role}]` | `id`: the key's third part; `hash`: SHA-256 of the whole key, 64 hexadecimal digits; the user is `api_key_NAME`; `role` is user unless given; `framewall key create --line` makes one. Keys with an end, scopes or networks, and keys that come and go without a reload, are made by `framewall key create` and kept by the server |

| `authentication.certificates` | `[{match, user, role}]` | see below; for the method `certificate` |

Messages about these sections never show what stands behind a key.

A token that names an issuer of `authentication.issuers` as its `iss` is judged by that issuer's keys and rules alone, every other token by `authentication.jwt`.

| of an issuer | value | meaning |
|---|---|---|
| `issuer` | text, needed | `iss` of its tokens, compared octet by octet |
| `audience` | text, needed | what `aud` must be or have |
| `jwks` | text: `${file:login.jwks}` | its set of keys (RFC 7517), read anew with the configuration; at most 100. An RSA key that names no `alg` is for `algorithm`, RS256 unless given. Keys that are weak, for encryption, private or secret are not used, with a warning |
| `public_key`, `algorithm`, `kid` | PEM, name, text | one key in place of a set |
PROVIDERS
| `introspection` | `{url, client_id, client_secret, cache}` | who says what a token is that says nothing itself (RFC 7662): it is shown to the server at `url`, by this client. Needs `oauth` in `authentication.methods`. An answer counts `cache` seconds (1 to 3600, 30), and a live connection is asked about again as often: it is closed when the token is not active any more. While nobody answers, logins are refused and who is in stays in for `max_stale`. Of all issuers one can have it; it needs no keys |
| `type` | text | `typ` that its tokens must have, such as `at+jwt`; else JWT, at+jwt or none |
| `user` | claim, `sub` | whose value is the user |
| `user_prefix` | text, empty | put before it. Two issuers with the same prefix are an error: one name could be two persons. A name that begins with the prefix of another issuer is refused, in own tokens too |
| `roles_from` | claim, `role` and `roles` | where the roles stand; of `scope` the parts between spaces |
| `roles` | `{ROLE: [NAME...]}` | what our roles are called there; a name that is not listed is nothing, whatever roles are called here |
| `default_role` | role or `none`, `guest` | of who has none of them; `none`: is refused |
| `require_bound` | `none`, `certificate`, `dpop` or `either`; that of `authentication.jwt` | what its tokens must be bound to |

A claim is a name, or a JSON Pointer (RFC 6901) such as `/realm_access/roles`.

Where `authentication.methods` has `certificate`, a client whose certificate (one that `tls.client_ca` signed) meets an entry of `authentication.certificates` is logged
in by it, unless its request carries another credential. The first entry that is met counts:

| of an entry | value | meaning |
|---|---|---|
| `match` | `{subject, issuer, san_dns, san_uri, san_email}` | patterns, all of which must be met, at least one besides `issuer`. Subject and issuer as RFC 4514 writes them, `CN=ann,OU=ops,O=Example`. `*` stands for one character or more within a part: up to the next `,` of a subject, `.` of a host, `/` of a URI, `@` of an address |
| `user` | text | who that is: `${subject}`, `${cn}`, `${issuer}`, `${san_dns}`, `${san_uri}` and `${san_email}` stand for the names that met the patterns |
| `role` | role, `user` | |

The login ends with the certificate, and its session is of use on connections with that certificate alone. A certificate logs nobody in that has a control character (NUL among them)
in a name, a name that is not UTF-8 or of an old kind of string (T61, BMP), an alternative name outside ASCII, more than one common name, two lists of alternative names, two names that
meet one pattern, more than 32 names, or a user of more than 128 octets: it is refused, with its cause in the record.

```yaml
authentication:
  issuers:
    - issuer: "https://login.example.com/realms/staff"
      audience: chat
      jwks: "${file:/etc/framewall/staff.jwks}"
      type: at+jwt
      roles_from: /realm_access/roles
      roles: {admin: [chat-admins], user: [staff, contractors]}
      default_role: none
    - issuer: "https://partner.example.net"
      audience: "https://chat.example.com"
      jwks: "${file:/etc/framewall/partner.jwks}"
      user_prefix: "partner:"
```

## Certificates

| key | value | meaning |
|---|---|---|
| `tls.certificates` | `[{certificate, key}]` | PEM files of certificates for clients, beside `tls.certificate`. Each is shown to clients that ask for one of its DNS names, `*.` standing for one label; the first of all to the others. `key` is the same file unless given |

`framewall check` reads the files, too: one that is missing, a key that belongs to another certificate or has a passphrase is an error; a certificate that has expired
and a key that every user of the machine can read are warnings. See [TLS](../guide/tls.md).

## Receivers of the record

| key | value | meaning |
|---|---|---|
| `audit_logging.receivers` | see below | who is sent the record while it is written; [a guide](../guide/siem.md) |

| of a receiver | value | meaning |
|---|---|---|
RECEIVERS

`name` and `url` are needed. A member that means nothing for the kind of the URL is an error. Files are seen from the
folder of the configuration.

## Lists of addresses

| key | value | meaning |
|---|---|---|
| `threat_intelligence.lists` | see below | lists of addresses that others publish; [a guide](../guide/threat-intelligence.md) |

| of a list | value | meaning |
|---|---|---|
THREATS

| format | what it is |
|---|---|
THREAT_FORMATS

`name`, `url` and `format` are needed. A member that means nothing for the kind of the URL is an error. Files are seen from the
folder of the configuration.

## Scenarios

| key | value | meaning |
|---|---|---|
| `scenarios` | see below | events that mean something together; [a guide](../guide/scenarios.md) |

| of a scenario | value | meaning |
|---|---|---|
SCENARIO_MEMBERS

`name` and `on` are needed. A reload keeps what was counted of a scenario that it does not change.

## Alerts

| key | value | meaning |
|---|---|---|
| `monitoring.alerts.rules` | see below | what is an alert; [a guide](../guide/alerts.md) |
| `monitoring.alerts.inhibit` | `[{source: {LABEL: TEXT}, target: {LABEL: TEXT}, equal: [LABEL...]}]` | while an alert like `source` is there, nobody is told of one like `target` that has the same labels `equal`; a label that neither has is equal. LABEL: `alert`, `level`, or a field of `by`; in TEXT `*` is any octets. What is like both does not inhibit its like |

| of a rule | value | meaning |
|---|---|---|
ALERTS_MEMBERS

`name` is needed, and one of `on`, `least` and `metric`. A rule named as one of the thresholds or immediate events is in its place. A reload keeps what
was counted of a rule that it does not change; alerts of one that it takes away are over.

## Responses

| key | value | meaning |
|---|---|---|
| `monitoring.response.rules` | see below | what is done when something is recorded; [a guide](../guide/response.md) |

| of a rule | value | meaning |
|---|---|---|
RESPONSE_MEMBERS

`name`, `action` and one of `on`, `alert` and `scenario` are needed. Whom `monitoring.auto_block.exempt` names nothing is done about. In `mode: monitor` each is a dry run.

| action | what it does |
|---|---|
RESPONSE_ACTIONS

## Other shapes

| key | value | meaning |
|---|---|---|
| `validation.schema_documents` | `{URI: FILE}` | JSON Schemas that those of messages refer to: `$ref: "https://example.com/address#/$defs/street"` leads to the file of that URI, or to one that has it as `$id`; no other is read, and none is fetched. As JSON; a relative reference is resolved against the URI of the document it stands in |
| `validation.max_lengths` | `{FIELD: CHARACTERS}` | the greatest length of every text field of that name |
| `validation.message_sizes` | `{MESSAGE: BYTES}` | the greatest size of a message type |
| `messages` | `{MESSAGE: {when: {network: [NETWORK...], certificate: any or required}}}` | what each message of that type must come with besides a permission: from an address in one of the networks (the client's own, where a trusted proxy names it), by a connection with a client certificate that holds; else `PERMISSION_DENIED`. Asked anew for each message; `framewall explain --from ADDRESS --certificate` shows it |
| `messages.MESSAGE.messages_per_minute` | 1 to 1000000000 | how many messages of that type a connection may send a minute, with a burst of the same size, beside `rate_limiting.messages_per_minute` of all; the others get `RATE_LIMITED`. A reload goes on counting |
| `messages.MESSAGE` | `{permission: PERMISSION or any, role: ROLE, max_bytes: BYTES, csrf: true or false, fields: {FIELD: …}}` | a message type of your own, which clients may send: the permission that it asks for, which says that it is defined here; the role that the sender must be; its greatest size (else `rate_limiting.max_message_size`); whether it needs `csrf_token`. What `fields` does not list is `validation.unknown_fields`. A type of the contract is not defined anew, unless `validation.builtin_messages` is false. An overlay that names the permission defines the type anew, whole |
| `messages.MESSAGE.direction`, of such a type | `client`, `server`, `both` | who sends it; `client` unless given. Of `server`: the permission and the role are those of who receives it; to others it is not delivered (a record `outbound_withheld`; neither side is told, the connection stays). Its fields, schema and size are judged as `outbound.invalid` of the route says, and `validation.unknown_fields: strip` leaves out what is not listed. Where nothing is said of a text's length, or of the size, it may have what `websocket.max_upstream_message` says. Where a role may not receive all types, what cannot be read is kept back from it. In a dialect `*` in the name stands for anything without a blank. Not judged: binary messages, `opaque` routes |
| `messages.MESSAGE.receive`, of direction `both` | `{permission: PERMISSION or any, role: ROLE, max_bytes: BYTES, schema: …, schema_file: FILE, fields: {FIELD: …}}` | what is different where the server sends it: without it all that the type says is so both ways. Where it has neither a schema nor fields, those of the type count |
| `messages.MESSAGE.schema`, `.schema_file`, of such a type | a JSON Schema (2020-12; draft 7 where `$schema` says so), or the name of a file with one, as JSON | what the whole message must be, in place of what `fields` are; `fields` then say who may `set` and `see` them. `$ref` leads within the schema or to `validation.schema_documents`; formats are judged (`validation.schema_formats`); a pattern that takes too long refuses the message. An object whose schema lists members (`properties`, `patternProperties`, in a part of it, too) takes no others unless it says so by `additionalProperties` or `unevaluatedProperties` (`validation.schema_objects`); what no part lists is unknown, and `validation.unknown_fields` counts. Under `not`, `if`, `contains` and `propertyNames` nothing is closed. `csrf_token` and the type need not be listed. `x-framewall: CLASS` gives texts a [class](#classes-of-texts); without it the class that `format` names does, `format: uri` means `url`, `contentMediaType: text/html` `html`, and those of source code `code`. `framewall explain` shows each problem with both places |
| `messages.MESSAGE.fields`, of such a type | `{FIELD: {type: TYPE, class: CLASS, required: true or false, min: N, max: N, values: [TEXT...], items: {…}, fields: {…}}}` | TYPE: `text` (default), `integer`, `number`, `boolean`, `object` with its `fields`, `array` with what each of its `items` is, `any`. `min`, `max`: characters of a text, elements of an array, the value of a number; a text that is required has one character at least. CLASS of a text: one of [these](#classes-of-texts), `plain` unless given; `values` lists all that it may be |
| `messages.MESSAGE.fields` | `{FIELD: {set: [ROLE...], see: [ROLE...], mask: TEXT}}` | who may set a field of a message, and who may see it: whoever is one of the roles, or inherits from one, but no API key that has scopes; without the word everybody. A message that sets one it may not is refused as `PERMISSION_DENIED`, with the names of the fields in `errors`. What a client may not see of a message is left out, or replaced by `mask`; of the hub's messages, of an embedding program's and of a server's behind, where MESSAGE may be any type that it sends. FIELD may be a path, such as `items.salary`: names with dots between them, lists on the way are entered; in a message to a client it begins in `data` or beside it. Where anything is hidden, a message of a server behind that is not JSON is kept back on routes that are not `opaque`. `framewall explain` shows both directions |
| `validation.rules` | `[PATTERN or {pattern, id, class, type: [MESSAGE...], field: [FIELD...], score, action, flags, reason}]` | expressions looked for in texts of messages, in linear time: `id` is told to clients and in the record (`rule-1`, … unless given); `class` (`other`) and `score` (10): points that are added to those of the [rules](rules.md); `action`: `score`, `flag` or `refuse`; `flags` of `i`, `s`, `m` (`is`). [Guide](../guide/rules.md) |
| `validation.allowed_html_attributes` | `{TAG: [ATTRIBUTE...]}` | the [attributes](#attributes-of-html-fields) that stay at a tag; no others do, of no tag that is not listed |
| `audit_logging.log_levels` | `{EVENT: LEVEL}` | the level of an [event](events.md) in the record: `info`, `warning`, `critical`, `emergency`; `error` is read as `critical`. An alias is the event itself; `security_violation` is `dangerous_content`, `csrf_violation` and `origin_refused`, where nothing is said of them |
| `security_policies.csp` | text, or `{default_src: "'self'", ...}` | the header whole, or its directives |
| `environment_overrides` | `{ENVIRONMENT: {...}}` | [overlays](#environments) |
"""


def configuration():
    sections = {}
    for kind, row in table("config"):
        section = row[0].split(".")[0] if "." in row[0] else ""
        sections.setdefault(section, []).append(key_row(kind, row))
    head = ["key", "value", "default", "meaning"]
    sections.pop("rbac")  # with the shapes
    parts = ["## Top\n\n" + markdown_table(head, sections.pop(""))]
    parts += [f"## {name}\n\n" + markdown_table(head, rows) for name, rows in sections.items()]
    ignored = ", ".join(code(path) for path in without_effect())
    tail = "## Without effect\n\nThese keys and sections are accepted with a warning and do nothing in this version: " + ignored + """. `framewall check`
and the start of `framewall run` name those that a configuration has in one line, `without effect in this version: …`."""
    events = "`monitoring.auto_block.blocking_events` takes the names and aliases of [events](events.md), and `auth_failures`, " \
             "`rate_limit_violations`, `csrf_violations`, `permission_violations`."
    return page("Configuration", CONFIGURATION_HEAD, *parts, events, environments(), production(), variables(), CONFIGURATION_SHAPES.replace("PROVIDERS", providers()).replace("RECEIVERS", receivers()).replace("ALERTS_MEMBERS", alerts()).replace("RESPONSE_MEMBERS", responses()).replace("RESPONSE_ACTIONS", "\n".join(f"| `{row[0]}` | {row[3]} |" for row in rows_of("response_actions", "RESPONSE_ACTION"))).replace("THREATS", threats()).replace("THREAT_FORMATS", "\n".join(f"| `{row[0]}` | {row[2]} |" for row in rows_of("threat_formats", "THREAT_FORMAT"))).replace("SCENARIO_MEMBERS", scenarios()).replace("DIALECTS", ", ".join(row[1] for row in rows_of("dialects", "DIALECT"))),
                classes_of_texts(), html_attributes(), secrets(), tail)


def classes_of_texts():
    rows = [[code(word), help] for _, word, _, help in rows_of("field_classes", "FIELD_CLASS") if word]
    return "## Classes of texts\n\nAll but `plain`, `html`, `code` are allow-lists: nothing else passes, and in what holds the form of `id`, `command`, `email`, `path` or " \
           "`number` no attack is looked for. An empty text has no form to hold; `min` says that it may not be.\n\n" + markdown_table(["class", "what a text may be"], rows)


def providers():
    def value(kind, row):
        if kind == "PROVIDER_INTEGER":
            return f"{row[2]} to {row[3]} {row[4]}, {row[1]}"
        return "text" if kind == "PROVIDER_TEXT" else "true or " + "`false`"

    return "\n".join(f"| `{row[0]}` | {value(kind, row)} | {row[-1]} |" for kind, row in table("providers"))


def receivers():
    def value(kind, row):
        if kind == "RECEIVER_INTEGER":
            return f"{row[2]} to {row[3]} {row[4]}".strip() + f", {row[1]}"
        if kind == "RECEIVER_BOOLEAN":
            return "`true` or false" if row[1] == "1" else "true or `false`"
        return "text" if kind == "RECEIVER_TEXT" else "list of texts"

    return "\n".join(f"| `{row[0]}` | {value(kind, row)} | {row[-1]} |" for kind, row in table("receivers"))


def threats():
    def value(kind, row):
        if kind == "THREAT_INTEGER":
            return f"{row[2]} to {row[3]} {row[4]}".strip() + f", {row[1]}"
        return "text" if kind == "THREAT_TEXT" else "true or `false`"

    return "\n".join(f"| `{row[0]}` | {value(kind, row)} | {row[-1]} |" for kind, row in table("threat_lists"))


def scenarios():
    def value(kind, row):
        if kind == "SCENARIO_INTEGER":
            return f"{row[2]} to {row[3]} {row[4]}, {row[1]}"
        return {"SCENARIO_TEXT": "text", "SCENARIO_TEXTS": "list of texts", "SCENARIO_MAP": "mapping"}[kind]

    return "\n".join(f"| `{row[0]}` | {value(kind, row)} | {row[-1]} |" for kind, row in table("scenarios"))


def alerts():
    def value(kind, row):
        if kind == "ALERT_INTEGER":
            return f"{max(int(row[2]), 0)} to {row[3]} {row[4]}".strip() + (f", {row[1]}" if row[1] != "-1" else "")
        return {"ALERT_TEXT": "text", "ALERT_TEXTS": "list of texts", "ALERT_MAP": "`{…}`"}.get(kind, "true or `false`")

    return "\n".join(f"| `{row[0]}` | {value(kind, row)} | {row[-1]} |" for kind, row in table("alert_rules"))


def responses():
    def value(kind, row):
        if kind == "RESPONSE_INTEGER":
            return f"{row[2]} to {row[3]} {row[4]}, {row[1]}"
        return {"RESPONSE_TEXT": "text", "RESPONSE_TEXTS": "list of texts", "RESPONSE_MAP": "`{…}`"}.get(kind, "true or `false`")

    return "\n".join(f"| `{row[0]}` | {value(kind, row)} | {row[-1]} |" for kind, row in table("response_rules"))


def html_attributes():
    values = {"TEXT": "anything", "URL": "a link, as URL fields have it", "WORDS": "letters, digits, `_`, `-`, blanks"}
    defaults = {}
    for tag, name in rows_of("html_attributes", "HTML_ATTRIBUTE_DEFAULT"):
        defaults.setdefault(tag, []).append(name)
    rows = [[code(name), ", ".join(code(tag) for tag in tags.split()) or "any", values[kind], text] for name, kind, tags, text in rows_of("html_attributes", "HTML_ATTRIBUTE")]
    kinds = "HTML_ELEMENT", "HTML_ELEMENT_EMPTY"
    known = [code(row[0]) for kind, row in table("html_elements") if kind in kinds]
    refused = [[text, ", ".join(code(name) for name, why in rows_of("html_elements", "HTML_ELEMENT_REFUSED") if why == kind)]
               for kind, text in rows_of("html_elements", "HTML_REFUSAL")]
    return f"""## Tags of HTML fields

A pair of tags that `validation.allowed_html_tags` lists, nested as a browser keeps it, stays, and so does a listed tag that has no end tag ([the guide](../guide/html-fields.md)). How
these nest is known: {", ".join(known)}. Another name can be listed and is taken for a piece of text like `span`; but not these:

""" + markdown_table(["because", "tags"], refused) + f"""
## Attributes of HTML fields

`validation.allowed_html_attributes` takes these; others (`style`, `id`, `name`, `target`, every `on…`) can act or be mistaken for something else and are refused.
An attribute whose value is not what its column says is left out. Without the key: `{{{", ".join(f"{tag}: [{', '.join(names)}]" for tag, names in defaults.items())}}}`.

""" + markdown_table(["attribute", "at", "value", "meaning"], rows)


def secrets():
    kinds = [[code(name), text] for name, text in rows_of("secret_kinds", "SECRET_KIND")]
    rules = [[code(name), code(kind), text] for name, kind, text in
             sorted([(row[0], row[1], row[-1]) for macro in ("SECRET_RULE", "SECRET_PASS") for row in rows_of("secret_rules", macro)], key=lambda row: [k[0] for k in rows_of("secret_kinds", "SECRET_KIND")].index(row[1]))]
    return """## Secrets in messages

`outbound.secrets` and `inbound.secrets` of a route say what becomes of each kind; what they do not name is off. [Guide](../guide/secrets.md).

| action | what it does |
|---|---|
| `off` | it is not looked for |
| `flag` | the message goes on as it is; a record `secret_found` says that it was there |
| `mask` | stars stand in its place, as many octets as it has; of a card or an account the last four characters stay. A number of JSON becomes a text. Where it is the name of a member the message is stopped |
| `stop` | the message is not delivered: to a client silently, with a record `outbound_withheld`; a client's is answered `INVALID_MESSAGE` |

An action in place of the mapping (`secrets: mask`) is that of every kind but `email` and `phone`, which are ordinary and so must be named.

""" + markdown_table(["kind", "meaning"], kinds) + """

A record has the rule, the path of the first place (a JSON Pointer) and how many there were, never what it was.

""" + markdown_table(["rule", "kind", "what it looks like"], rules)
