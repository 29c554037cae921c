"""Texts with a form: how one is made, what it must be (the truth), and how it is broken."""
import re
from datetime import datetime, timezone

from draw import BASE62

HEX = "0123456789abcdef"
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
HOSTS = ["acme.example", "mail.test", "north-wind.example", "shop.example", "uni.example", "orbit.test", "blue.example", "example.org"]
PATHS = ["files", "img", "users", "docs", "media", "a", "export", "v2", "static"]
NAMES = ["ana", "liu.wei", "john", "m_khan", "zoe", "paul.b", "ivan", "noor", "kofi", "sara", "tomas", "yuki", "eva", "omar", "lea", "max"]
CURRENCIES = ["EUR", "USD", "GBP", "JPY", "CHF", "PLN", "SEK", "BRL", "INR", "CNY", "AUD", "CAD"]
COUNTRIES = ["DE", "FR", "US", "GB", "PL", "ES", "IT", "BR", "IN", "JP", "CN", "NG", "ZA", "CA", "AU", "NL", "SE", "TR"]
LOCALES = ["en-US", "de-DE", "fr-FR", "pt-BR", "en-GB", "es-MX", "ja-JP", "zh-CN", "ar-EG", "hi-IN", "tr-TR", "pl-PL"]
COINS = ["BTC", "ETH", "SOL", "ADA", "XRP", "DOGE", "LINK", "AVAX", "DOT", "LTC", "UNI", "ATOM"]
STOCKS = ["AAPL", "MSFT", "T", "F", "SAP", "ORCL", "NVDA", "GE", "KO", "IBM", "TSLA", "V", "BRK.B", "ASML", "SHEL"]


def crockford(number, size):
    return "".join(CROCKFORD[(number >> (5 * place)) & 31] for place in reversed(range(size)))


def rfc3339(now, digits, zone):
    whole = int(now)
    text = datetime.fromtimestamp(whole + zone * 60, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    if digits:
        text += "." + f"{int((now - whole) * 10**digits):0{digits}d}"
    return text + ("Z" if zone == 0 else f"{'+' if zone > 0 else '-'}{abs(zone) // 60:02d}:{abs(zone) % 60:02d}")


def uuid(draw, world):
    return f"{draw.text(HEX, 8)}-{draw.text(HEX, 4)}-4{draw.text(HEX, 3)}-{draw.pick('89ab')}{draw.text(HEX, 3)}-{draw.text(HEX, 12)}"


def uuid7(draw, world):
    stamp = f"{int(world.now * 1000):012x}"
    return f"{stamp[:8]}-{stamp[8:]}-7{draw.text(HEX, 3)}-{draw.pick('89ab')}{draw.text(HEX, 3)}-{draw.text(HEX, 12)}"


# What is done to a text so that it breaks: each gives another text, which is used only when the form does not allow it.
def put(character):
    return lambda draw, text: (lambda at: text[:at] + character + text[at + 1:])(draw.below(len(text)))


def cut(draw, text):
    return text[:draw.between(1, max(1, len(text) // 2))]


def longer(draw, text):
    return text + text[-1] * draw.between(1, 4) + draw.pick(["x", "0", "-"])


def swap(old, new):
    return lambda draw, text: text.replace(old, new, 1)


def all_of(old, new):
    return lambda draw, text: text.replace(old, new)


def word(*words):
    return lambda draw, text: draw.pick(words)


def lower(draw, text):
    return text.lower()


def upper(draw, text):
    return text.upper()


def field_of_time(pattern, value):
    return lambda draw, text: re.sub(pattern, value, text, count=1)


class Form:
    """A form of texts. `pattern` is the whole truth; `holds`, where there is one, says more than a pattern can."""

    def __init__(self, name, pattern, make, breaks, holds=None):
        self.name, self.make, self.breaks = name, make, breaks
        self.match, self.holds = re.compile(pattern, re.ASCII).fullmatch, holds

    def ok(self, text):
        return self.match(text) is not None and (self.holds is None or self.holds(text))

    def broken(self, draw, text):
        for _ in range(20):
            other = draw.pick(self.breaks)(draw, text)
            if not self.ok(other):
                return other
        return "?"


def time_holds(text):
    try:
        datetime.fromisoformat(text)
        return True
    except ValueError:
        return False


UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-%s[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
UUID_BREAKS = [put("g"), put("z"), all_of("-", ""), cut, longer, swap("-", "_"), word("undefined", "1", "unknown")]
TIME_BREAKS = [field_of_time(r"-\d\d-", "-13-"), field_of_time(r"-\d\dT", "-32T"), field_of_time(r"T\d\d", "T25"), swap("T", "_"), cut,
               field_of_time(r":\d\d:", ":61:"), word("yesterday", "1764400000", "29.11.2026", "now")]
URL_BREAKS = [swap("https:", "http"), swap("https:", "javascript:"), swap("https://", ""), swap("/", " /"), swap("https", "file"), word("about", "//", "n/a")]


def form_uuid(draw):
    return Form("uuid", UUID % "4", uuid, UUID_BREAKS)


def form_uuid7(draw):
    return Form("uuid7", UUID % "7", uuid7, UUID_BREAKS)


def form_ulid(draw):
    return Form("ulid", r"[0-7][0-9A-HJKMNP-TV-Z]{25}", lambda d, w: crockford(int(w.now * 1000), 10) + d.text(CROCKFORD, 16),
                [put("U"), put("-"), put("i"), cut, longer, lower])


def form_prefixed(draw):
    prefix, size = draw.pick(["ord", "usr", "evt", "msg", "dev", "acc", "run", "obj", "tx", "r"]), draw.pick([8, 12, 16, 24])
    alphabet, letters = draw.pick([(BASE62, "0-9A-Za-z"), (HEX, "0-9a-f"), (BASE62[:36], "0-9A-Z")])
    return Form("prefixed", f"{prefix}_[{letters}]{{{size}}}", lambda d, w: prefix + "_" + d.text(alphabet, size),
                [swap(prefix + "_", ""), swap(prefix, prefix + "x"), swap("_", "."), put("!"), put("/"), cut, longer])


def form_numeric(draw):
    """A snowflake: digits of the time and a counter, too large for a JSON number and so a text."""
    return Form("numeric", r"[1-9][0-9]{16,18}", lambda d, w: str((int(w.now * 1000) - 1_420_070_400_000) << 22 | d.below(1 << 22)),
                [put("x"), put("-"), lambda d, t: "-" + t, cut, lambda d, t: t + t, lambda d, t: "0x" + t])


def form_hash(draw):
    size = draw.pick([32, 40, 64])
    return Form("hash", f"[0-9a-f]{{{size}}}", lambda d, w: d.text(HEX, size), [put("g"), put(" "), cut, longer, lambda d, t: "0x" + t])


def form_token(draw):
    size = draw.pick([20, 24, 32, 44])
    return Form("token", rf"[A-Za-z0-9_-]{{{size}}}", lambda d, w: d.text(BASE62 + "_-", size), [put("*"), put(" "), put("<"), cut, longer])


def form_time(draw):
    digits, zones = draw.pick([0, 3, 3, 6]), draw.pick([[0], [0], [0], [60, 120], [0, 330, -300]])
    tail = r"\.[0-9]{%d}" % digits if digits else ""
    return Form("time", r"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}" + tail + r"(Z|[+-][0-9]{2}:[0-9]{2})",
                lambda d, w: rfc3339(w.now - d.number() * 2, digits, d.pick(zones)), TIME_BREAKS, time_holds)


def form_date(draw):
    return Form("date", r"[0-9]{4}-[0-9]{2}-[0-9]{2}", lambda d, w: rfc3339(w.now - d.between(0, 40000) * 86400, 0, 0)[:10],
                [field_of_time(r"-\d\d-", "-13-"), field_of_time(r"-\d\d$", "-32"), all_of("-", "/"), cut, word("today", "1.2.2026")], time_holds)


def form_email(draw):
    hosts = draw.some(HOSTS, draw.between(3, 8))
    return Form("email", r"[A-Za-z0-9._+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+",
                lambda d, w: d.pick(NAMES) + (str(d.between(1, 999)) if d.chance(0.6) else "") + ("+news" if d.chance(0.03) else "") + "@" + d.pick(hosts),
                [swap("@", ""), swap("@", "@@"), swap("@", " at "), lambda d, t: t.split("@")[0] + "@", lambda d, t: "@" + t.split("@")[1], lambda d, t: t + " ;x"])


def form_url(draw):
    hosts = ["cdn." + draw.pick(HOSTS)] if draw.chance(0.4) else HOSTS
    kind = draw.pick([".png", ".jpg", "", "", ".pdf"])

    def make(d, w):
        path = "/".join(d.pick(PATHS) for _ in range(d.between(1, 3)))
        return f"https://{d.pick(hosts)}/{path}/{d.text(HEX, d.pick([6, 8, 20]))}{kind}" + (f"?v={d.between(1, 99)}&lang=en" if d.chance(0.15) else "")
    return Form("url", r"https://[a-z0-9.-]+/[A-Za-z0-9._~/?=&%-]*", make, URL_BREAKS)


def form_ipv4(draw):
    def holds(text):
        return all(int(part) < 256 for part in text.split("."))
    return Form("ip", r"[0-9]{1,3}(\.[0-9]{1,3}){3}", lambda d, w: f"{d.between(1, 223)}.{d.below(256)}.{d.below(256)}.{d.between(1, 254)}",
                [field_of_time(r"\d+", "256"), field_of_time(r"\d+$", "999"), field_of_time(r"\.\d+$", ""), put("a"), lambda d, t: t + ".1", word("localhost", "unknown")],
                holds)


def form_mac(draw):
    return Form("mac", "[0-9a-f]{2}(:[0-9a-f]{2}){5}", lambda d, w: ":".join(d.text(HEX, 2) for _ in range(6)),
                [all_of(":", ""), put("g"), cut, longer, all_of(":", ".")])


def form_of_list(name, values, breaks):
    def form(draw):
        mine = draw.some(values, draw.between(max(2, len(values) // 3), len(values)))
        weights = [max(1 / (1 + place), 0.06) for place in range(len(mine))]
        listed = set(values)
        return Form(name, "[A-Za-z.-]+", lambda d, w: d.weighted(mine, weights), breaks, lambda text: text in listed)
    return form


form_currency = form_of_list("currency", CURRENCIES, [lower, lambda d, t: t + d.pick(["X", "1", " "]), lambda d, t: t[:2], put("1"), word("Euro", "$", "")])
form_country = form_of_list("country", COUNTRIES, [lower, lambda d, t: t + d.pick(["X", "1", " "]), lambda d, t: t[:1], put("1"), word("Germany", "", "??")])
form_locale = form_of_list("locale", LOCALES, [all_of("-", "_"), upper, lambda d, t: t[:1], put("1"), lambda d, t: t + "/x", word("english", "")])


def form_semver(draw):
    major = draw.between(0, 4)
    return Form("version", r"[0-9]+\.[0-9]+\.[0-9]+", lambda d, w: f"{major + (d.number() < 0.1)}.{d.between(0, 12)}.{d.between(0, 30)}",
                [lambda d, t: "v" + t, lambda d, t: t.rsplit(".", 1)[0], lambda d, t: t + ".x", all_of(".", ","), word("latest", "")])


def form_color(draw):
    return Form("color", "#[0-9a-f]{6}", lambda d, w: "#" + d.text(HEX, 6), [swap("#", ""), put("g"), cut, longer, word("red", "#fffg")])


def form_phone(draw):
    return Form("phone", r"\+[1-9][0-9]{8,13}", lambda d, w: "+" + d.pick(["49", "33", "1", "44", "91", "55"]) + d.pick("123456789") + d.text("0123456789", d.between(7, 9)),
                [swap("+", ""), put("x"), lambda d, t: t[:4], lambda d, t: t + t[1:], swap("+", "00")])


def form_amount(draw):
    """A decimal as a text, as money is sent."""
    digits, typical = draw.pick([2, 2, 4, 8]), draw.pick([3, 40, 900, 20000])
    return Form("amount", r"[0-9]+\.[0-9]{%d}" % digits, lambda d, w: f"{d.tail(typical, typical * 5000):.{digits}f}",
                [swap(".", ","), word("NaN", "ten", "", "-", "1e5", "Infinity"), lambda d, t: t + ".0", put("x"), lambda d, t: "$" + t, lambda d, t: "0x" + t])


def form_pair(draw):
    join, quotes = draw.pick(["-", "/", "_"]), draw.pick([["USDT", "EUR"], ["USD"], ["USD", "EUR", "BTC"]])
    coins = draw.some(COINS, draw.between(4, len(COINS)))
    weights = [max(1 / (1 + place), 0.08) for place in range(len(coins))]
    return Form("symbol", f"[A-Z]{{2,5}}{join}[A-Z]{{2,5}}", lambda d, w: d.weighted(coins, weights) + join + d.pick(quotes),
                [lower, swap(join, ""), swap(join, " "), put("!"), lambda d, t: t.split(join)[0], longer])


def form_ticker(draw):
    return Form("symbol", r"[A-Z]{1,5}(\.[A-Z])?", lambda d, w: d.pick(STOCKS), [lower, put("!"), put("1"), lambda d, t: t + " x", lambda d, t: t + "ABCDEF"])


def form_postcode(draw):
    return Form("postcode", "[0-9]{5}", lambda d, w: d.text("0123456789", 5), [put("A"), cut, longer, lambda d, t: t + "-", word("", "none")])


def form_mime(draw):
    kinds = ["image/png", "image/jpeg", "application/pdf", "text/plain", "video/mp4", "audio/ogg", "application/zip"]
    return Form("mime", "[a-z]+/[a-z0-9.+-]+", lambda d, w: d.weighted(kinds, [8, 6, 3, 2, 1, 0.5, 0.4]), [swap("/", ""), swap("/", " "), swap("/", "//"), upper, word("png", "")])
