#!/usr/bin/python3
"""A real Prometheus (Debian's) scrapes Framewall with the token of its data directory and has the rules that are shipped: every expression of the
Grafana dashboard and of the rules is evaluated by it, has data where there was traffic, and the rules fire for what they are about."""
import urllib.parse
import urllib.request

from framewall import *

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
RULES = os.path.join(ROOT, "packaging/prometheus/framewall.yml")
DASHBOARD = os.path.join(ROOT, "packaging/grafana/framewall.json")

if shutil.which("prometheus") is None or shutil.which("promtool") is None:
    print("1..0 # SKIP the package prometheus is not installed")
    sys.exit(0)


CONFIG = RELAXED + "workers: 2\nroutes: [{{path: /, upstream: '{upstream}'}}, {{path: /hub}}]\nvalidation: {{inspect: {{mode: refuse}}}}\n"


class Prometheus:
    def __init__(self, server):
        self.port = free_port()
        self.folder = os.path.join(server.folder, "prometheus")
        os.mkdir(self.folder)
        config = {"global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}, "rule_files": [RULES],
                  "scrape_configs": [{"job_name": "framewall", "authorization": {"credentials_file": os.path.join(server.data, "admin.token")},
                                      "static_configs": [{"targets": [f"localhost:{server.admin_port()}"]}]}]}
        path = os.path.join(self.folder, "prometheus.yml")
        with open(path, "w") as file:
            json.dump(config, file)  # JSON is YAML
        checked = subprocess.run(["promtool", "check", "config", path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PATIENCE)
        ok(checked.returncode == 0, "promtool check config holds with the rules", checked.stdout)
        self.log = open(os.path.join(self.folder, "log"), "w")
        self.process = subprocess.Popen(["prometheus", f"--config.file={path}", f"--storage.tsdb.path={self.folder}/tsdb", f"--web.listen-address=127.0.0.1:{self.port}",
                                         "--log.level=warn"], stdout=self.log, stderr=self.log)

    def ask(self, path, **query):
        url = f"http://127.0.0.1:{self.port}{path}?" + urllib.parse.urlencode(query)
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            return {"status": "error", "error": error.read().decode()}
        except OSError:
            return {"status": "away"}

    def value(self, expression):
        result = self.ask("/api/v1/query", query=expression)
        return result["data"]["result"] if result["status"] == "success" else []

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE)


def expressions(dashboard):
    found = []
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            found.append((panel["title"], target["expr"]))
    return found


def filled(expression):
    return expression.replace("$job", "framewall").replace("$instance", ".*").replace("$__rate_interval", "30s")


async def talk(server, path):
    attack = json.dumps({"type": "chat_message", "text": "1' UNION SELECT password FROM users WHERE '1'='1' --"})
    async with server.connect(path=path) as websocket:
        for turn in range(100):
            await websocket.send('{"type":"ping"}')
            await websocket.send(json.dumps({"type": "chat_message", "text": f"good morning {turn}"}))
            await websocket.send(attack)
            await websocket.send('{"type":')
        await websocket.send('{"type":"ping","timestamp":"last"}')
        while "last" not in await asyncio.wait_for(websocket.recv(), PATIENCE):
            pass


def traffic(server):
    for path in ("/", "/hub"):
        asyncio.run(talk(server, path))
    RawClient(server.port, headers={"Authorization": "Bearer wrong"}).close()


def of_the_shipped_files():
    checked = subprocess.run(["promtool", "check", "rules", RULES], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PATIENCE)
    ok(checked.returncode == 0, "promtool check rules holds", checked.stdout)
    with Upstream() as upstream, Framewall(CONFIG.format(upstream=upstream.url()), "--admin", "localhost:0", places=("--listen", "localhost:0")) as server:
        prometheus = Prometheus(server)
        try:
            scraped(server, prometheus)
        finally:
            prometheus.stop()


def scraped(server, prometheus):
    traffic(server)
    ok(until(lambda: prometheus.value('up{job="framewall"} == 1')), "Prometheus scrapes it")
    first = prometheus.value("sum(framewall_messages_in_total)")
    traffic(server)
    traffic(server)
    grown = until(lambda: [row for row in prometheus.value("sum(framewall_messages_in_total)") if first and float(row["value"][1]) >= float(first[0]["value"][1]) + 800])
    ok(grown, "and sees messages come", (first, prometheus.value("sum(framewall_messages_in_total)")))
    until(lambda: prometheus.value("rate(framewall_messages_in_total[30s]) > 0"))
    with open(DASHBOARD) as file:
        dashboard = json.load(file)
    wrong, empty = [], []
    for title, expression in expressions(dashboard):
        answer = prometheus.ask("/api/v1/query", query=filled(expression))
        if answer["status"] != "success":
            wrong.append(f"{title}: {expression}: {answer.get('error')}")
        elif not answer["data"]["result"]:
            empty.append(f"{title}: {expression}")
    ok(not wrong, f"all {len(expressions(dashboard))} expressions of the dashboard are evaluated", "\n".join(wrong))
    ok(not empty, "each has data", "\n".join(empty))
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            label = re.search(r", (\w+)\)$", variable["query"]["query"]).group(1)
            ok(prometheus.value(f"count by ({label}) (framewall_build_info)"), f"variable {variable['name']} has values")
    annotation = prometheus.ask("/api/v1/query", query=filled(dashboard["annotations"]["list"][0]["expr"]))
    equal(annotation["status"], "success", "its annotation is evaluated")
    positive = [filled(expression) for title, expression in expressions(dashboard) if title in ("Clients' messages by what became of them", "Stopped, by stage", "Attacks found, by class", "Octets")]
    for expression in positive:
        ok(any(float(row["value"][1]) > 0 for row in prometheus.value(expression)), f"more than nothing: {expression[:70]}")
    rules = [rule for group in prometheus.ask("/api/v1/rules")["data"]["groups"] for rule in group["rules"]]
    until(lambda: all(rule["health"] == "ok" for group in prometheus.ask("/api/v1/rules")["data"]["groups"] for rule in group["rules"]))
    rules = [rule for group in prometheus.ask("/api/v1/rules")["data"]["groups"] for rule in group["rules"]]
    equal([(rule["name"], rule.get("lastError")) for rule in rules if rule["health"] != "ok"], [], f"all {len(rules)} rules are evaluated by it")
    known = {name for name in prometheus.ask("/api/v1/label/__name__/values")["data"]}
    with open(RULES) as file:
        named = set(re.findall(r"\bframewall_[a-z_]+", file.read())) | set(re.findall(r"\bframewall_[a-z_]+", json.dumps([e for _, e in expressions(dashboard)])))
    equal(sorted(named - known), [], f"each of the {len(named)} metrics they name is there")

    def state(name):
        return {rule["name"]: rule["state"] for group in prometheus.ask("/api/v1/rules")["data"]["groups"] for rule in group["rules"]}.get(name)

    ok(until(lambda: state("FramewallAttacks") == "firing"), "FramewallAttacks fires", state("FramewallAttacks"))
    ok(until(lambda: state("FramewallManyRefused") in ("pending", "firing")), "FramewallManyRefused waits for its time", state("FramewallManyRefused"))
    equal(state("FramewallDown"), "inactive", "FramewallDown does not")
    server.signal()
    server.wait()
    ok(until(lambda: state("FramewallDown") == "pending"), "until it is down", state("FramewallDown"))


main(of_the_shipped_files)
