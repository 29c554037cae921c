"""An application drawn from a seed: its message types, who sends them, how often, and what is in them. This is the truth that all is judged by."""
import formats
import texts
from draw import Draw, skewed
from nodes import Array, Boolean, Counter, Enum, Epoch, Formed, Map, Member, Nullable, Number, Object, Opaque, Text, Union, step, walk

EPOCH = 1_764_000_000
IDS = [formats.form_uuid, formats.form_uuid7, formats.form_ulid, formats.form_prefixed, formats.form_prefixed, formats.form_numeric]
DISCRIMINATORS = ["/type", "/type", "/op", "/event", "/action", "/kind", "/cmd", "/t", "/header/kind", "/header/type", "/meta/event", "/msg_type"]
DOMAINS = {  # nouns of its types, and the fields that it likes
    "trading": (["order", "quote", "trade", "position", "balance", "candle", "book"], ["symbol", "side", "amount", "price", "quantity", "currency", "levels", "order", "balances", "leverage", "fills"]),
    "chat": (["message", "room", "member", "reaction", "presence", "thread", "upload"], ["body", "room", "mentions", "attachments", "reactions", "reply", "language", "avatar", "edited"]),
    "game": (["move", "match", "player", "item", "score", "emote", "lobby"], ["position", "health", "level", "scores", "inventory", "region", "team", "alive", "tick"]),
    "iot": (["reading", "device", "alarm", "command", "config", "firmware", "location"], ["device", "mac", "battery", "signal", "readings", "place", "version", "setting", "address", "limits"]),
    "agent": (["run", "step", "tool", "completion", "prompt", "memory", "usage"], ["model", "body", "arguments", "temperature", "usage", "stop", "turns", "token", "hash", "latency"]),
    "delivery": (["ride", "courier", "parcel", "route", "offer", "rating", "payment"], ["street", "phone", "country", "place", "lines", "currency", "rating", "price", "email", "paid"]),
    "documents": (["document", "edit", "cursor", "comment", "share", "revision", "folder"], ["operations", "range", "color", "revision", "title", "email", "body", "hash", "due", "locale"]),
}
COMMON = ["title", "note", "labels", "enabled", "count", "ratio", "link", "email", "address", "status", "reason", "when_due", "extra", "priority", "owner", "percent", "locale", "version"]
VERBS = {"client": ["create", "update", "cancel", "list", "get", "set", "subscribe", "unsubscribe", "delete", "ack", "start", "stop", "send"],
         "server": ["created", "updated", "closed", "snapshot", "changed", "notice", "added", "removed", "progress", "failed"]}
ROLES = {"user": 0.78, "bot": 0.08, "moderator": 0.08, "admin": 0.06}
STATES = ["new", "open", "pending", "active", "paused", "done", "failed", "expired", "archived", "blocked", "review", "queued"]


class Type:
    def __init__(self, name, direction, node, weight, roles, reply=None, after=None):
        self.name, self.direction, self.node, self.weight, self.roles, self.reply, self.after = name, direction, node, weight, roles, reply, after


def camel(name):
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


class Application:
    def __init__(self, seed):
        self.seed, self.draw = seed, Draw("application", seed)
        draw = self.draw
        self.began = EPOCH + draw.below(20_000_000)
        self.discriminator = draw.pick(DISCRIMINATORS)
        self.domain = draw.pick(sorted(DOMAINS))
        self.camel, self.spaced, self.ascii = draw.chance(0.45), draw.chance(0.25), draw.chance(0.25)
        self.payload = draw.pick([None, None, "data", "payload", "d", "body"])
        self.languages = draw.some(texts.LANGUAGES, draw.between(1, 5)) + ["en"]
        self.known = {}
        self.roles = ["user"] + [role for role in ("bot", "moderator", "admin") if draw.chance(0.65)]
        self.user = Formed(draw.pick(IDS)(draw))
        self.envelope = self.drawn_envelope()
        self.types = self.drawn_types()
        self.names = {name.lower() for kind in self.types for node in walk(kind.node) if isinstance(node, Object) for name in node.members}
        self.by_name = {(kind.direction, kind.name): kind for kind in self.types}

    def name(self, name):
        return camel(name) if self.camel else name

    def once(self, name, make):
        """The same field is the same thing wherever it stands."""
        if name not in self.known:
            self.known[name] = make()
        return self.known[name]

    def object(self, *members):
        return Object([Member(self.name(name), node, *rest) for name, node, *rest in members])

    def time(self):
        draw = self.draw
        return draw.pick([lambda: Formed(formats.form_time(draw)), lambda: Epoch(1000), lambda: Epoch(1)])()

    def enum(self, words, low=2, high=8):
        mine = self.draw.some(words, self.draw.between(low, high))
        return Enum([word.upper() for word in mine] if self.once("loud", lambda: self.draw.chance(0.3)) else mine)

    def integer(self):
        draw = self.draw
        low, high = draw.pick([(0, 10), (1, 5), (0, 100), (1, 1000), (0, 65535), (1, 100000), (-50, 50), (0, 3600), (1, 200)])
        return Number(low, high, draw.pick([None, (high - low) / 12 if high > 500 else None]))

    def decimal(self, low, high, typical=None):
        return Number(low, high, typical, self.draw.pick([1, 2, 3, 4]))

    def formed(self, form, pool=0):
        return Formed(form(self.draw), pool)

    def identifier(self, name):
        return self.once(name, lambda: Counter(name, self.draw.between(100, 900000)) if self.draw.chance(0.2) else Formed(self.draw.pick(IDS)(self.draw), self.draw.pick([0, 12, 200])))

    def text(self, typical, most):
        return Text(self.languages, typical, most)

    def drawn_envelope(self):
        draw, members = self.draw, []
        for name, make, rate in (("id", lambda: self.identifier("envelope"), 0.5), ("ts", self.time, 0.55), ("seq", lambda: Counter("seq", 1), 0.3),
                                 ("v", lambda: Enum([draw.pick([1, 2, "1.0", "v3"])]), 0.3), ("trace", lambda: self.formed(formats.form_hash), 0.15)):
            if draw.chance(rate):
                members.append(Member(name, make(), 1 if name != "trace" else 0.4))
        return members

    def field(self, kind):
        """A member by what it is about: (name, node, presence...) once or more."""
        draw, once, o = self.draw, self.once, self.object
        price = once("unit", lambda: self.decimal(0, draw.pick([100, 5000, 90000]), draw.pick([4, 60, 900])))
        make = {
            "symbol": lambda: [("symbol", once("symbol", lambda: self.formed(draw.pick([formats.form_pair, formats.form_ticker]))))],
            "side": lambda: [("side", self.enum(["buy", "sell"], 2, 2))],
            "amount": lambda: [("amount", self.formed(formats.form_amount))],
            "price": lambda: [("price", price)],
            "quantity": lambda: [("quantity", Number(1, draw.pick([100, 10000, 1000000]), draw.pick([2, 12])))],
            "currency": lambda: [("currency", once("currency", lambda: self.formed(formats.form_currency)))],
            "levels": lambda: [("bids", Array(Array(price, 2, 2, 2), 0, 40, 8)), ("asks", Array(Array(price, 2, 2, 2), 0, 40, 8))],
            "order": lambda: self.order(price),
            "balances": lambda: [("balances", Map(self.formed(formats.form_currency), price, 14, 4))],
            "leverage": lambda: [("leverage", Number(1, 125, 5))],
            "fills": lambda: [("fills", Array(o(("price", price), ("quantity", Number(1, 5000, 9)), ("liquidity", self.enum(["maker", "taker"], 2, 2)), ("fee", price, 0.6)), 0, 20, 2))],
            "body": lambda: [(draw.pick(["text", "content", "body"]), self.text(draw.pick([25, 60, 150]), draw.pick([280, 500, 2000, 4000])))],
            "room": lambda: [("room_id", self.identifier("room"))],
            "mentions": lambda: [("mentions", Array(self.user, 0, 10, 1))],
            "attachments": lambda: [("attachments", Array(o(("id", self.identifier("file")), ("mime", self.formed(formats.form_mime)), ("size", Number(1, 25_000_000, 40_000)),
                                                            ("url", self.formed(formats.form_url)), ("caption", self.text(20, 200), 0.3)), 0, 10, 1))],
            "reactions": lambda: [("reactions", Map(Text([], 0, 40, texts.EMOJI), Number(1, 500, 3), 10, 2))],
            "reply": lambda: [("reply_to", Nullable(self.identifier("message"), 0.7))],
            "language": lambda: [("lang", self.enum(texts.LANGUAGES, 3, 6))],
            "avatar": lambda: [("avatar_url", Nullable(self.formed(formats.form_url), 0.2))],
            "edited": lambda: [("edited", Boolean(0.1))],
            "position": lambda: [(draw.pick(["pos", "position"]), o(*[(axis, self.decimal(-1000, 1000)) for axis in "xyz"[:draw.between(2, 3)]]))],
            "health": lambda: [("hp", Number(0, draw.pick([100, 250])))],
            "level": lambda: [("level", Number(1, draw.pick([60, 99]), 12))],
            "scores": lambda: [("scores", Map(self.user, Number(0, 100000, 900), 16, 5))],
            "inventory": lambda: [("inventory", Array(o(("item", self.enum(["sword", "bow", "potion", "shield", "rope", "torch", "gem", "key"], 4, 8)), ("count", Number(1, 99, 2)),
                                                        ("wear", Nullable(self.decimal(0, 1), 0.3), 0.7)), 0, 30, 4))],
            "region": lambda: [("region", self.enum(["eu-west", "eu-north", "us-east", "us-west", "ap-south", "sa-east"], 2, 6))],
            "team": lambda: [("team", Enum([1, 2] if draw.chance(0.5) else [0, 1, 2, 3]))],
            "alive": lambda: [("alive", Boolean(0.8))],
            "tick": lambda: [("tick", Counter("tick", 1000))],
            "device": lambda: [("device_id", self.identifier("device"))],
            "mac": lambda: [("mac", self.formed(formats.form_mac, 60))],
            "battery": lambda: [("battery", Nullable(Number(0, 100), 0.1))],
            "signal": lambda: [("rssi", Number(-120, 0))],
            "readings": lambda: [("readings", Array(o(("sensor", self.enum(["temp", "humidity", "co2", "light", "noise", "pressure"], 3, 6)), ("value", self.decimal(-40, 1200)),
                                                      ("unit", self.enum(["C", "%", "ppm", "lx", "dB", "hPa"], 2, 6)), ("at", self.time(), 0.8)), 1, 24, 3))],
            "place": lambda: [("location", o(("lat", Number(-90, 90, None, 5)), ("lon", Number(-180, 180, None, 5)), ("accuracy", Number(0, 5000, 12), 0.5)))],
            "version": lambda: [("version", self.formed(formats.form_semver))],
            "setting": lambda: [("key", self.enum(["interval", "mode", "threshold", "label", "led"], 3, 5)), ("value", Union([Number(0, 10000, 90), Text([], 0, 40, ["auto", "eco", "on", "off", "Küche"]), Boolean(0.5)]))],
            "address": lambda: [("ip", self.formed(formats.form_ipv4))],
            "limits": lambda: [("min", Number(-40, 20)), ("max", Number(21, 120))],
            "model": lambda: [("model", self.enum(["small-1", "medium-2", "large-2", "vision-1", "code-3"], 2, 5))],
            "arguments": lambda: [("arguments", Opaque(draw.between(2, 3), ["path", "query", "limit", "items", "filter", "mode", "user", "opts"]))],
            "temperature": lambda: [("temperature", self.decimal(0, 2))],
            "usage": lambda: [("usage", o(("input", Number(1, 200000, 900)), ("output", Number(1, 16000, 300)), ("total", Number(2, 216000, None), 1, None,
                                          lambda made: made[self.name("input")] + made[self.name("output")])))],
            "stop": lambda: [("stop_reason", Nullable(self.enum(["end", "length", "tool", "refusal"], 3, 4), 0.4))],
            "turns": lambda: [("turns", Array(o(("role", self.enum(["system", "person", "assistant", "tool"], 3, 4)), ("content", self.text(80, 3000)), ("name", self.formed(formats.form_token), 0.1)), 1, 30, 3))],
            "token": lambda: [("token", self.formed(formats.form_token))],
            "hash": lambda: [("checksum", self.formed(formats.form_hash))],
            "latency": lambda: [("latency_ms", Number(0, 60000, 120))],
            "street": lambda: [("address", o(("street", self.text(16, 80)), ("postcode", self.formed(formats.form_postcode)), ("city", Text([], 0, 40, texts.TITLES)), ("country", self.formed(formats.form_country))))],
            "phone": lambda: [("phone", self.formed(formats.form_phone))],
            "country": lambda: [("country", self.formed(formats.form_country))],
            "lines": lambda: [("items", Array(o(("sku", self.formed(formats.form_prefixed, 300)), ("quantity", Number(1, 50, 1.5)), ("gift", Boolean(0.1), 0.3), ("note", self.text(15, 140), 0.15)), 1, 40, 2))],
            "rating": lambda: [("rating", Number(1, 5))],
            "paid": lambda: [("paid", Boolean(0.7))],
            "operations": lambda: self.operations(),
            "range": lambda: [("selection", Nullable(o(("anchor", Number(0, 200000, 900)), ("head", Number(0, 200000, 900))), 0.3))],
            "color": lambda: [("color", self.formed(formats.form_color))],
            "revision": lambda: [("revision", Counter("revision", draw.between(1, 9000)))],
            "due": lambda: [("due", self.formed(formats.form_date))],
            "title": lambda: [(draw.pick(["title", "name"]), Text([], 0, 60, texts.TITLES if draw.chance(0.5) else texts.NAMES))],
            "note": lambda: [("note", self.text(30, draw.pick([140, 500])))],
            "labels": lambda: [("tags", Array(Text([], 0, 40, ["urgent", "blue", "été", "a/b", "v2", "x", "later", "家"]), 0, 8, 1))],
            "enabled": lambda: [(draw.pick(["enabled", "silent", "public"]), Boolean(draw.number()))],
            "count": lambda: [(draw.pick(["count", "limit", "offset", "ttl", "size"]), self.integer())],
            "ratio": lambda: [("ratio", self.decimal(0, 1))],
            "percent": lambda: [("percent", Number(0, 100, None, draw.pick([0, 1])))],
            "link": lambda: [("url", self.formed(formats.form_url))],
            "email": lambda: [("email", self.formed(formats.form_email))],
            "status": lambda: [("status", self.enum(STATES, 2, 8))],
            "reason": lambda: [("reason", self.enum(["timeout", "user", "limit", "error", "policy", "moved"], 2, 6))],
            "when_due": lambda: [("expires_at", once("expires", self.time))],
            "extra": lambda: [("meta", Map(Text([], 0, 40, ["source", "client", "os", "build", "ab", "ref", "utm", "theme"]), Text(["en"], 6, 60, None), 8, 2))],
            "priority": lambda: [("priority", Enum([1, 2, 3]) if draw.chance(0.5) else self.enum(["low", "normal", "high"], 3, 3))],
            "owner": lambda: [("owner", o(("id", self.user), ("name", Text([], 0, 60, texts.NAMES)), ("email", self.formed(formats.form_email), 0.5)))],
            "locale": lambda: [("locale", once("locale", lambda: self.formed(formats.form_locale)))],
        }
        return make[kind]()

    def order(self, price):
        """Of a limit order there is a price, of a stop order a stop: members that another one decides."""
        node = self.enum(["market", "limit", "stop"], 3, 3)
        of = {value.lower(): value for value in node.enum}
        kind = self.name("order_type")
        return [("order_type", node), ("limit_price", price, 1, (kind, [of["limit"]])), ("stop_price", price, 1, (kind, [of["stop"]])),
                ("time_in_force", self.enum(["GTC", "IOC", "FOK", "DAY"], 2, 4))]

    def operations(self):
        node = self.enum(["insert", "delete", "keep"], 3, 3)
        of = {value.lower(): value for value in node.enum}
        return [("ops", Array(self.object(("do", node), ("at", Number(0, 500000, 2000)), ("text", self.text(10, 400), 1, ("do", [of["insert"]])),
                                          ("length", Number(1, 5000, 6), 1, ("do", [of["delete"], of["keep"]]))), 1, 60, 2))]

    def drawn_members(self, direction, count):
        draw, (_, liked) = self.draw, DOMAINS[self.domain]
        kinds = draw.some(liked, draw.between(min(2, count), count)) if count else []
        kinds += draw.some([kind for kind in COMMON if kind not in kinds], max(0, count - len(kinds)) + draw.below(2))
        members, taken = [], set()
        for kind in kinds:
            rate = 1 if draw.chance(0.62) else draw.pick([0.9, 0.75, 0.5, 0.3, 0.12, 0.08])
            drawn = self.field(kind)
            if taken & {self.name(name) for name, *_ in drawn}:
                continue
            taken |= {self.name(name) for name, *_ in drawn}
            together = any(len(rest) > 1 for _, _, *rest in drawn)
            members += [Member(self.name(name), node, *(rest or [1 if together else rate])) for name, node, *rest in drawn]
        return members

    def drawn_types(self):
        draw, (nouns, _) = self.draw, DOMAINS[self.domain]
        count, style = draw.between(5, 25), draw.below(6)
        clients = max(3, int(count * (0.4 + 0.25 * draw.number())))
        wanted = [("client", pair) for pair in draw.some([(n, v) for n in nouns for v in VERBS["client"]], clients - 2)]
        wanted += [("server", pair) for pair in draw.some([(n, v) for n in nouns for v in VERBS["server"]], max(2, count - clients - 1))]
        wanted = [("client", ("session", "hello")), ("client", ("session", "ping")), ("server", ("session", "welcome"))] + wanted
        if draw.chance(0.35):
            wanted.append(("server", wanted[3][1]))  # a name that both sides use, for different things
        numbers = {pair: number for number, pair in enumerate(dict.fromkeys(pair for _, pair in wanted))}
        weights = [max(weight, 0.06) for weight in skewed(len(wanted))]
        weights = draw.some(weights, len(weights))
        types = []
        for (direction, pair), weight in zip(wanted, weights):
            noun, verb = pair
            name = [f"{noun}.{verb}", f"{noun}_{verb}", camel(f"{verb}_{noun}"), f"{noun}_{verb}".upper(), f"{noun}:{verb}", numbers[pair]][style]
            own = 0 if verb == "ping" else draw.between(1, 3) if noun == "session" else draw.between(1, 9)
            roles = list(self.roles) if noun == "session" or direction == "server" or draw.chance(0.6) else draw.some(self.roles, draw.between(1, len(self.roles)))
            types.append(Type(name, direction, self.message(name, self.drawn_members(direction, own)), weight, roles))
        replies = [kind for kind in types[3:] if kind.direction == "server"]
        asked = [kind for kind in types[3:] if kind.direction == "client"]
        for place, kind in enumerate(asked):
            kind.reply = draw.pick(replies) if draw.chance(0.6) else None
            kind.after = draw.pick(asked[:place]) if place and draw.chance(0.25) else None
            if kind.after and not set(kind.roles) <= set(kind.after.roles):
                kind.after = None  # the flow is one that each of its roles can go
        if not any("user" in kind.roles for kind in asked):
            asked[0].roles, asked[0].after = list(self.roles), None
        types[0].reply = types[2]
        return types

    def message(self, name, members):
        where = self.discriminator.split("/")[1:]
        head = [Member(where[-1], Enum([name]))]
        taken = {where[0], self.payload} | {member.name for member in self.envelope}
        if len(where) > 1:
            head = [Member(where[0], Object(head + self.envelope))]
        else:
            head += [member for member in self.envelope if member.name != where[0]]
        if self.payload:
            return Object(head + ([Member(self.payload, Object(members))] if members else []))
        return Object(head + [member for member in members if member.name not in taken])

    def kind_of(self, message, direction):
        for name in self.discriminator.split("/")[1:]:
            message = message.get(name) if isinstance(message, dict) else None
        return self.by_name.get((direction, message)) if isinstance(message, (int, str)) else None

    def check(self, message, direction, role=None):
        """All that is not as this application defines it, as (pointer, kind)."""
        kind = self.kind_of(message, direction)
        if kind is None:
            return [(self.discriminator, "enum")]
        return kind.node.check(message, "") + ([("", "role")] if role and role not in kind.roles else [])

    def places(self, message, direction):
        """All fields but the one that says the type, and what it stands in: what is wrong there is no merit to refuse."""
        kind, tops = self.kind_of(message, direction), ["/".join(self.discriminator.split("/")[:n]) for n in range(len(self.discriminator.split("/")) + 1)]
        return [place for place in kind.node.places(message, "") if place.at and place.at not in tops]

    def objects(self, message, direction):
        kind = self.kind_of(message, direction)
        return [place for place in kind.node.places(message, "") if isinstance(place.node, Object) and isinstance(place.value, dict)]
