"""The workloads and the bar: one row each, as data. A bar (reference, limit) reads: Framewall's cost is at most `limit`
times that of the reference in the same run; ("node", x, "cheaper"): the reference costs at least x times as much."""

PROXIES = ["framewall", "nginx", "nginx64", "haproxy", "node", "rawproxy"]
TLS = ["framewall-tls", "nginx-tls", "haproxy-tls"]
TITLES = {"framewall-tls": "Framewall, client TLS", "nginx-tls": "nginx, client TLS", "haproxy-tls": "HAProxy, client TLS", "framewall": "Framewall", "each": "Framewall, a record a message", "hub": "Framewall", "nginx": "nginx", "nginx64": "nginx, 64 KiB buffers", "haproxy": "HAProxy",
          "node": "Node, inspecting", "nodews": "Node, ws alone", "rawproxy": "raw epoll (limit)", "rawecho": "raw epoll (limit)", "bun": "Bun"}


def proxy(name, title, size, depth, messages, bars, needs=None, servers=None):
    return {"name": name, "title": title, "unit": "message", "servers": servers or PROXIES, "bars": bars, "needs": needs,
            "load": {"mode": "echo", "kind": "chat", "size": size, "depth": depth}, "messages": messages}


def by_tls(name, title, size, depth, messages):
    cell = proxy(name, title, size, depth, messages, [("nginx-tls", 1.15)], servers=TLS)
    cell["load"]["tls"] = 1
    return cell


CELLS = [
    proxy("proxy-128-x1", "proxy, 128 B, x1", 128, 1, 40000, [("nginx", 1.15), ("node", 2.8, "cheaper")],
          servers=PROXIES + ["each"]),
    proxy("proxy-128-x16", "proxy, 128 B, x16", 128, 16, 400000, [("nginx", 2.2), ("node", 15, "cheaper")],
          servers=PROXIES + ["each"]),
    proxy("proxy-1k-x1", "proxy, 1 KiB, x1", 1024, 1, 40000, [("nginx", 1.2), ("node", 3.5, "cheaper")]),
    proxy("proxy-1k-x16", "proxy, 1 KiB, x16", 1024, 16, 160000, [("nginx", 0.8), ("node", 12, "cheaper")]),
    proxy("proxy-64k-x1", "proxy, 64 KiB, x1", 65536, 1, 3000, [("nginx", 0.7)], needs="long_text"),
    by_tls("tls-128-x1", "proxy, client TLS, 128 B, x1", 128, 1, 40000),
    by_tls("tls-128-x16", "proxy, client TLS, 128 B, x16", 128, 16, 400000),
    by_tls("tls-1k-x1", "proxy, client TLS, 1 KiB, x1", 1024, 1, 40000),
    {"name": "hub-128-x1", "title": "hub echo (ping), 128 B, x1", "unit": "message", "servers": ["hub", "bun", "rawecho"],
     "bars": [("bun", 1.2)], "load": {"mode": "echo", "kind": "ping", "size": 128, "depth": 1}, "messages": 60000},
    {"name": "hub-128-x16", "title": "hub echo (ping), 128 B, x16", "unit": "message", "servers": ["hub", "bun", "rawecho"],
     "bars": [("bun", 1.8)], "load": {"mode": "echo", "kind": "ping", "size": 128, "depth": 16}, "messages": 400000},
    {"name": "broadcast", "title": "hub broadcast, 1,000 members", "unit": "delivery", "servers": ["hub", "bun"],
     "bars": [("bun", 1.0)], "messages": 100, "warmup": 10,
     "load": {"mode": "broadcast", "kind": "chat", "size": 128, "connections": 1000}, "paths": {"bun": "/hub"}},
    {"name": "handshake", "title": "handshake with HS256", "unit": "handshake",
     "servers": ["framewall", "nginx", "haproxy", "node", "rawproxy"], "bars": [("nginx", 1.0)], "load": {"mode": "handshake"},
     "messages": 4000},
]
# Servers that cost so much more (or write so much) that fewer messages say as much.
SLOW = {"node": 4, "each": 8}

IDLE = [
    {"name": "idle", "title": "idle proxied connection", "servers": ["framewall", "nginx", "haproxy", "node", "nodews", "bun", "rawproxy"],
     "connections": 9000, "limit": 2048},
    {"name": "tls-idle", "title": "idle proxied connection, client TLS", "servers": TLS, "connections": 9000, "limit": 16384, "load": {"tls": 1}},
]

# What a login token costs, in memory: times OpenSSL's verification of its signature alone, the 99th percentile in µs, µs of a token that is known again.
VERIFY = {"name": "verify", "title": "login token", "ratio": 1.2, "p99": 1000, "again": 2}

# Nanoseconds: of a limit that is asked of a connection, and of one whose subject has to be found first.
LIMITS = {"name": "limits", "title": "limit by the minute", "check": 60, "lookup": 100,
          "names": {"one": "one that connections share", "all": "all eight that they can share"}}

# Records a second through the ledger: one of the two is enough. And what a record costs whoever sends it, in µs.
INGEST = {"name": "ingest", "title": "records into the ledger", "rate": 200000, "ratio": 0.8, "queue": 0.2,
          "names": {"ledger": "Framewall", "plain": "the same lines, the same batches, nothing else", "each": "a sync for each record", "rsyslog": "rsyslog, a sync for each batch"}}

# Microseconds a message: (in, out) and the limits of each.
ENGINE = {"name": "engine", "title": "engine alone", "limits": {"128": (0.5, 0.15), "1024": (1.3, 0.4), "128.dev": (5,), "1024.dev": (30,)},
          "names": {"128": "prose, 128 B", "1024": "prose, 1 KiB", "128.dev": "developers' chat, 128 B",
                    "1024.dev": "developers' chat, 1 KiB"}}

# Welch's t between forgeries that are wrong from the first octet on and in the last four alone: under the bound nothing shows. The first line of the
# program is a comparison that does stop at the first difference: it has to be seen.
CONSTANT = {"name": "constant", "title": "time of refusing a forged secret", "t": 4.5, "seen": "stops at a difference"}

# A message read and judged by a JSON Schema, beside ajv with JSON.parse: schemas.py.
SCHEMA = {"name": "schema", "title": "message by a JSON Schema"}

# Microseconds a text: what the sanitizer costs, and others with the same allow-list. Limits of 128 B of chat, of 1 KiB, and of the worst.
SANITIZE = {"name": "sanitize", "title": "HTML written anew", "limits": {"prose, 128 B": 5, "prose, 1 KiB": 30}, "worst": 100}

# A million networks of IPv4 and a hundred thousand of IPv6, in memory: octets, seconds until they are in use, nanoseconds a lookup of addresses that are asked for again and again.
PREFIXES = {"name": "prefixes", "title": "lists of 1,100,000 networks", "octets": 64 << 20, "seconds": 2, "hot_ns": 50}
