// An unmodified Node ws echo server behind Framewall; Node ws and a browser as clients.
import { WebSocket, WebSocketServer } from "ws";
import { browser, equal, finish, ok, start, until } from "./framewall.mjs";

const received = [];
const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
await new Promise((resolve) => server.on("listening", resolve));
server.on("connection", (socket, request) => {
	socket.on("message", (data, binary) => {
		received.push({ text: data.toString(), user: request.headers["x-framewall-user"] });
		socket.send(data, { binary });
	});
});
const upstream = `ws://127.0.0.1:${server.address().port}/`;
const line = (n) => JSON.stringify({ type: "chat_message", text: `line ${n} - a < b, "quoted", Ж, 👋` });
const refused = ['{"type":"chat_message","text":5}', '{"type":"unknown"}', '{"type":"chat_message","text":"x","text":"y"}', "[]", "nope", '{"type":"delete_task","task_id":1}'];

const wall = await start("--upstream", upstream, "--config", await limits());
async function limits() {
	const { mkdtempSync, writeFileSync } = await import("node:fs");
	const file = mkdtempSync("/tmp/framewall-web-config-") + "/framewall.yaml";
	writeFileSync(file, "rate_limiting: {messages_per_minute: 100000, max_connections_per_ip: 100}\nmonitoring: {auto_block: {violation_threshold: 1000000}}\n");
	return file;
}

const client = new WebSocket(wall.url, { headers: { authorization: `Bearer ${wall.token("alice", "user")}` } });
const got = [], codes = [];
client.on("message", (data) => {
	const message = JSON.parse(data);
	if (message.type === "error")
		codes.push(message.data.code);
	else
		got.push(data.toString());
});
await new Promise((resolve, reject) => { client.on("open", resolve); client.on("error", reject); });
for (let n = 0; n < 500; n++) {
	client.send(line(n));
	if (n % 100 === 50)
		refused.forEach((text) => client.send(text));
}
await until("all echoes", () => got.length >= 500);
const expected = Array.from({ length: 500 }, (_, n) => line(n));
equal(got, expected, "Node ws: 500 permitted messages come back once, in order, octet for octet");
equal(received.map((m) => m.text), expected, "Node ws: the server behind got these and nothing else");
equal(new Set(received.map((m) => m.user)).size === 1 && received[0].user, "alice", "it is told who speaks");
equal(codes.length, refused.length * 5, "each refused message is answered with one error");
received.length = 0;

const closed = new Promise((resolve) => client.on("close", (code, reason) => resolve([code, reason.toString()])));
client.close(4000, "bye");
equal(await closed, [4000, "bye"], "the close code and reason go through");

const denied = new WebSocket(wall.url, { headers: { authorization: "Bearer nope" } });
equal(await new Promise((resolve) => { denied.on("unexpected-response", (_, response) => resolve(response.statusCode)); denied.on("open", () => resolve(101)); denied.on("error", () => 0); }),
	401, "a bad credential in the handshake is 401");

const chromium = await browser();
if (chromium !== null) {
	const page = await (await chromium.newContext()).newPage();
	await page.goto(`http://localhost:${wall.admin}/healthz`);
	const echoed = await page.evaluate(([url, token, texts]) => new Promise((resolve, reject) => {
		const socket = new WebSocket(url), answers = [];
		socket.onopen = () => socket.send(JSON.stringify({ type: "auth", method: "jwt", token }));
		socket.onmessage = (event) => {
			answers.push(event.data);
			if (answers.length === 1)
				texts.forEach((text) => socket.send(text));
			if (answers.length === texts.length + 1)
				resolve(answers);
		};
		socket.onclose = (event) => reject(new Error(`closed ${event.code} ${event.reason}`));
		setTimeout(() => resolve(answers), 15000);
	}), [wall.url, wall.token("carol", "user"), expected.slice(0, 100)]);
	equal(JSON.parse(echoed[0]).type, "auth_success", "Chromium logs in by first message");
	equal(echoed.slice(1), expected.slice(0, 100), "Chromium: 100 messages come back once, in order");
	await chromium.close();
}
equal(await wall.stop(), 0, "SIGTERM ends it cleanly");

// Monitor: no login, nothing changes, the record says what would have been done.
received.length = 0;
const monitor = await start("--upstream", upstream, "--mode", "monitor");
const watched = new WebSocket(monitor.url);
const echoes = [];
watched.on("message", (data) => echoes.push(data.toString()));
await new Promise((resolve, reject) => { watched.on("open", resolve); watched.on("error", reject); });
const all = [...refused, line(1), "<script>", '{"type":"chat_message","text":"<img src=x onerror=1>"}', "x".repeat(20000)];
all.forEach((text) => watched.send(text));
await until("echoes", () => echoes.length >= all.length);
equal(received.map((m) => m.text), all, "monitor: everything passes, unchanged");
equal(echoes, all, "monitor: and so back");
watched.close();
await until("the record", async () => (await import("node:fs")).readFileSync(`${monitor.data}/record/security_audit.log`, "utf8").includes("websocket_disconnect"));
const record = (await import("node:fs")).readFileSync(`${monitor.data}/record/security_audit.log`, "utf8").trim().split("\n").map((text) => JSON.parse(text));
ok(record.filter((r) => r.details.mode === "monitor").length >= refused.length + 2, "monitor: the record says what enforce would have done",
	record.map((r) => [r.event_type, r.details.would]));
equal(await monitor.stop(), 0, "SIGTERM ends it cleanly");
server.close();
finish();
