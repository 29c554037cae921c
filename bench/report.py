"""What a run says: the table for people, the JSON for tools, the summary that can be committed."""
import json
import os
import platform
import statistics

from cells import CELLS, CONSTANT, ENGINE, IDLE, INGEST, LIMITS, PREFIXES, SANITIZE, TITLES, VERIFY


def machine():
    model = "unknown processor"
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as source:
        for line in source:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    system = "Linux"
    try:
        with open("/etc/os-release", encoding="utf-8") as source:
            system = dict(line.rstrip().split("=", 1) for line in source if "=" in line)["PRETTY_NAME"].strip('"')
    except (OSError, KeyError):
        pass
    return {"processor": model, "cores": os.cpu_count(), "kernel": platform.release(), "system": system}


def middle(values):
    return statistics.median(values) if values else None


def verdict(ratio, limit, cheaper):
    return "met" if (ratio >= limit if cheaper else ratio <= limit) else "**missed**"


def subject(cell):
    return cell["servers"][0]


def ratios(cell, samples):
    """[(reference, ratio, limit, cheaper)] of one cell: medians of the pairs of a round."""
    found = []
    own = samples.get(subject(cell), [])
    for bar in cell["bars"]:
        cheaper = len(bar) > 2
        pairs = [(b["us"] / a["us"]) if cheaper else (a["us"] / b["us"])
                 for a, b in zip(own, samples.get(bar[0], [])) if a and b]
        if pairs:
            found.append((bar[0], middle(pairs), bar[1], cheaper, len(pairs)))
    return found


def figure(samples):
    """Median of a server's samples as text; a star where it was not saturated."""
    good = [sample for sample in samples or [] if sample]
    if not good:
        return "–"
    star = "*" if middle([sample["busy"] for sample in good]) < 0.95 else ""
    value = middle([sample["us"] for sample in good])
    return (f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}") + star


def rows_of(markdown_rows):
    widths = [max(len(row[i]) for row in markdown_rows) for i in range(len(markdown_rows[0]))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in markdown_rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return lines


def kind_of(cell):
    return "hub" if subject(cell) == "hub" else "tls" if cell["load"].get("tls") else "proxy"


def cpu_tables(results):
    """Tables for proxies without and with TLS, and for what the hub is compared with."""
    lines = []
    measured = [cell for cell in CELLS if cell["name"] in results["cells"]]
    for kind, head in (("proxy", "As a proxy"), ("tls", "As a proxy, TLS 1.3 to the client"), ("hub", "As a server")):
        cells = [cell for cell in measured if kind_of(cell) == kind]
        if not cells:
            continue
        servers = []
        for cell in cells:
            servers += [server for server in cell["servers"] if server not in servers]
        table = [["CPU µs"] + [TITLES[server] for server in servers]]
        for cell in cells:
            samples = results["cells"][cell["name"]]
            table.append([f"{cell['title']}, a {cell['unit']}"] + [figure(samples.get(server)) for server in servers])
        lines += ["", f"### {head}", ""] + rows_of(table)
    return lines


def bar_table(results):
    table = [["workload", "measured against", "ratio", "bar", "", "pairs"]]
    for cell in CELLS:
        for reference, ratio, limit, cheaper, pairs in ratios(cell, results["cells"].get(cell["name"], {})):
            sign = "≥" if cheaper else "≤"
            against = TITLES[reference] + (", times cheaper" if cheaper else "")
            table.append([cell["title"], against, f"{ratio:.2f}", f"{sign} {limit}", verdict(ratio, limit, cheaper), str(pairs)])
    for row in IDLE:
        idle = results.get("idle", {}).get(subject(row))
        if idle:
            octets = idle["bytes"]
            table.append([row["title"], f"octets, {idle['opened']:,} open", f"{octets:,}", f"≤ {row['limit']:,}",
                          verdict(octets, row["limit"], False), "1"])
    for size, limits in ENGINE["limits"].items():
        got = results.get("engine", {}).get(size)
        if got:
            for direction, limit in zip(("in", "out"), limits):
                table.append([f"{ENGINE['title']}, {ENGINE['names'][size]}, {direction}", "µs a message", f"{got[direction]:.2f}", f"≤ {limit}",
                              verdict(got[direction], limit, False), "–"])
    for name, got in results.get("verify", {}).items():
        for what, key, against, text in (("", "ratio", "OpenSSL's verification alone", "{:.2f}"), (", 99th percentile", "p99", "µs", "{:.1f}"),
                                         (", known again", "again", "µs", "{:.2f}")):
            table.append([f"{VERIFY['title']}, {name}{what}", against, text.format(got[key]), f"≤ {VERIFY[key]:,}", verdict(got[key], VERIFY[key], False),
                          str(got["rounds"]) if key == "ratio" else "–"])
    limits = results.get("limits", {})
    for key, value in limits.get("check", {}).items():
        table.append([f"{LIMITS['title']}, {LIMITS['names'][key]}", "ns", f"{value:.1f}", f"≤ {LIMITS['check']}", verdict(value, LIMITS["check"], False), "–"])
    for who in ("address", "user"):
        for what in ("new", "known", "no place"):
            if who in limits:
                value = limits[who][what]
                table.append([f"{LIMITS['title']}, {who} to be found, {what}", f"ns, {limits[who]['subjects']:,} of them", f"{value:.1f}", f"≤ {LIMITS['lookup']}",
                              verdict(value, LIMITS["lookup"], False), "–"])
    for name, got in results.get("constant", {}).items():
        seen = name == CONSTANT["seen"]
        table.append([f"{CONSTANT['title']}, {'a comparison that ' if seen else ''}{name}", f"Welch's t, {got['samples']:,} forgeries", f"{abs(got['t']):.2f}",
                      f"{'≥' if seen else '≤'} {CONSTANT['t']}", verdict(abs(got["t"]), CONSTANT["t"], seen), "–"])
    got = results.get("ingest")
    if got:
        met = got["ledger"] >= INGEST["rate"] or got["ratio"] >= INGEST["ratio"]
        table.append([INGEST["title"], f"a second, and of what {INGEST['names']['plain']} come to", f"{got['ledger']:,}; {got['ratio']:.2f}",
                      f"≥ {INGEST['rate']:,} or ≥ {INGEST['ratio']}", "met" if met else "**missed**", str(got["rounds"])])
        table.append(["a record into the queue", "µs of processor time", f"{got['queue_us']:.3f}", f"≤ {INGEST['queue']}",
                      verdict(got["queue_us"], INGEST["queue"], False), "–"])
    got = results.get("prefixes")
    if got:
        for what, against, value, limit, text in ((", memory", "octets", got["octets"], PREFIXES["octets"], "{:,}"), (", made", "seconds of processor time", got["cpu_seconds"], PREFIXES["seconds"], "{:.2f}"),
                                                  (", a lookup, IPv4", "ns, hot", got["4"]["hot_ns"], PREFIXES["hot_ns"], "{:.1f}"), (", a lookup, IPv6", "ns, hot", got["6"]["hot_ns"], PREFIXES["hot_ns"], "{:.1f}")):
            table.append([PREFIXES["title"] + what, against, text.format(value), f"≤ {limit:,}", verdict(value, limit, False), "–"])
    return ["", "### Against the bar", ""] + rows_of(table) if len(table) > 1 else []


def idle_table(results):
    idle = results.get("idle")
    if not idle:
        return []
    table = [["server", "octets a connection", "connections"]]
    for server in [server for row in IDLE for server in row["servers"]]:
        if server in idle:
            table.append([TITLES[server], f"{idle[server]['bytes']:,}", f"{idle[server]['opened']:,}"])
    return ["", "### Memory in user space, idle proxied connections", ""] + rows_of(table)


def engine_table(results):
    engine = results.get("engine")
    if not engine:
        return []
    table = [["message", "in, µs", "out, µs"]]
    for key, got in engine.items():
        out = f"{got['out']:.3f}" if "out" in got else "–"
        refused = f" ({got['refused']} of {got['messages']} refused)" if got.get("refused") else ""
        table.append([ENGINE["names"][key] + refused, f"{got['in']:.3f}", out])
    return ["", "### The engine alone, in memory", ""] + rows_of(table)


def sanitize_table(results):
    got = results.get("sanitize")
    if not got:
        return []
    others = [who for who in ("sanitize-html", "dompurify", "bleach") if any(who in row for row in got.values())]
    table = [["text", "Framewall, µs", "bar"] + [f"{who}, µs" for who in others]]
    for name, row in got.items():
        limit = SANITIZE["limits"].get(name, SANITIZE["worst"])
        table.append([name, f"{row['framewall']:.2f}", f"≤ {limit}: {verdict(row['framewall'], limit, False)}"] + [f"{row[who]:.0f}" if who in row else "–" for who in others])
    return ["", "### HTML written anew, in memory", ""] + rows_of(table)


def schema_table(results):
    got = results.get("schema")
    return ["", "### A message read and judged by a JSON Schema, in memory", ""] + got["lines"] if got else []


def verify_table(results):
    got = results.get("verify")
    if not got:
        return []
    table = [["login token", "octets", "OpenSSL alone, µs", "Framewall, µs", "99th percentile, µs", "known again, µs"]]
    for name, row in got.items():
        table.append([name, str(row["octets"]), f"{row['bare']:.2f}", f"{row['ours']:.2f}", f"{row['p99']:.1f}", f"{row['again']:.2f}"])
    return ["", "### A login token verified, in memory", ""] + rows_of(table)


def ingest_table(results):
    got = results.get("ingest")
    if not got:
        return []
    table = [["who writes", "records a second"]] + [[text, f"{got[key]:,}"] for key, text in INGEST["names"].items() if key in got]
    return ["", f"### Records forced to the disk, lines of {got['octets']} octets", ""] + rows_of(table)


def left_out(results):
    return list(dict.fromkeys(f"{TITLES[name]}: {why}" for name, why in results["missing"].items()))


def summary(results):
    host = results["machine"]
    lines = ["# Benchmark results", "",
             f"{results['date']}{', quick run' if results['quick'] else ''}: {host['processor']}, {host['cores']} cores, "
             f"{host['system']}, kernel {host['kernel']}, {results['open_files']:,} open files a process. "
             "Method: docs/guide/benchmarks.md.", "",
             "Processor time of all threads of the server for one message there and back. A star: the server was less than 95 % busy, "
             "where differences under 30 % are noise; elsewhere under 15 %. Ratios are medians over pairs measured in turn."]
    lines += cpu_tables(results) + bar_table(results) + idle_table(results) + engine_table(results) + sanitize_table(results) + schema_table(results) + verify_table(results) + \
        ingest_table(results)
    lines += ["", "### Versions", ""] + [f"- {TITLES.get(name, name)}: {text}" for name, text in sorted(results["versions"].items())]
    notes = list(dict.fromkeys(left_out(results) + results["notes"]))
    if notes:
        lines += ["", "### Not measured, and other remarks", ""] + [f"- {note}" for note in notes]
    return "\n".join(lines) + "\n"


def write(results, folder):
    os.makedirs(folder, exist_ok=True)
    stamp = results["date"].replace(" ", "T").replace(":", "")
    path = os.path.join(folder, f"{stamp}.json")
    with open(path, "w", encoding="utf-8") as target:
        json.dump(results, target, indent=1, ensure_ascii=False)
        target.write("\n")
    with open(os.path.join(folder, "latest.md"), "w", encoding="utf-8") as target:
        target.write(summary(results))
    return path
