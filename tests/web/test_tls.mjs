// Node ws and a browser through TLS: to Framewall, and from Framewall to a Node server behind.
import { execFileSync } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import https from "node:https";
import os from "node:os";
import path from "node:path";
import { WebSocket, WebSocketServer } from "ws";
import { browser, equal, finish, ok, skip, start, until } from "./framewall.mjs";

const folder = mkdtempSync(path.join(os.tmpdir(), "framewall-web-tls-"));
const file = (name) => path.join(folder, name);
try {
	execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
		"-addext", "subjectAltName=DNS:localhost", "-keyout", file("key.pem"), "-out", file("certificate.pem")], { stdio: "ignore" });
} catch (error) {
	skip("TLS", `openssl does not make a certificate: ${error.code ?? error.message}`);
	finish();
}
const certificate = readFileSync(file("certificate.pem")), key = readFileSync(file("key.pem"));

const behind = https.createServer({ cert: certificate, key });
const server = new WebSocketServer({ server: behind });
server.on("connection", (socket) => socket.on("message", (data, binary) => socket.send(data, { binary })));
await new Promise((resolve) => behind.listen(0, "localhost", resolve));

writeFileSync(file("framewall.yaml"), `tls: {certificate: certificate.pem, key: key.pem}
upstream: {url: "wss://localhost:${behind.address().port}", tls: {ca_file: certificate.pem}}
rate_limiting: {messages_per_minute: 100000, max_connections_per_ip: 100}
`);
const wall = await start("--config", file("framewall.yaml"));
const url = wall.url.replace("ws://", "wss://");
const lines = Array.from({ length: 100 }, (_, n) => JSON.stringify({ type: "chat_message", text: `line ${n}: a < b, "quoted", Ж, 👋` }));

const client = new WebSocket(url, { ca: certificate, headers: { authorization: `Bearer ${wall.token("alice", "user")}` } });
const got = [];
client.on("message", (data) => got.push(data.toString()));
await new Promise((resolve, reject) => { client.on("open", resolve); client.on("error", reject); });
lines.forEach((line) => client.send(line));
await until("all echoes", () => got.length >= lines.length);
equal(got, lines, "Node ws: 100 messages go to a Node server and back, through TLS on both sides");
const closed = new Promise((resolve) => client.on("close", (code) => resolve(code)));
client.close(4000);
equal(await closed, 4000, "and the connection closes in order");

const stranger = new WebSocket(url, { headers: { authorization: `Bearer ${wall.token("alice", "user")}` } });
const refusal = await new Promise((resolve) => { stranger.on("open", () => resolve("open")); stranger.on("error", (error) => resolve(error.code)); });
ok(["DEPTH_ZERO_SELF_SIGNED_CERT", "SELF_SIGNED_CERT_IN_CHAIN"].includes(refusal), "a client that does not know the authority goes away", refusal);

// What a page can do with this certificate. The browser is told to trust its key alone, nothing else is switched off.
const spki = new X509Certificate(certificate).publicKey.export({ type: "spki", format: "der" });
const hash = createHash("sha256").update(spki).digest("base64");
const talk = ([address, token, texts]) => new Promise((resolve) => {
	const socket = new WebSocket(address, ["framewall.bearer", token]), answers = [];
	socket.onopen = () => texts.forEach((text) => socket.send(text));
	socket.onmessage = (event) => {
		answers.push(event.data);
		if (answers.length === texts.length)
			resolve(answers);
	};
	socket.onclose = (event) => resolve(`closed ${event.code}`);
	setTimeout(() => resolve(answers), 15000);
});
for (const trusts of [true, false]) {
	const chromium = await browser(...(trusts ? [`--ignore-certificate-errors-spki-list=${hash}`] : []));
	if (chromium === null)
		break;
	const page = await (await chromium.newContext()).newPage();
	await page.goto(`http://localhost:${wall.admin}/healthz`);
	const answers = await page.evaluate(talk, [url, wall.token("carol", "user"), lines]);
	if (trusts)
		equal(answers, lines, "Chromium: 100 messages through wss://, logged in by subprotocol");
	else
		equal(answers, "closed 1006", "Chromium without trust in the certificate does not connect");
	await chromium.close();
}
equal(await wall.stop(), 0, "SIGTERM ends it cleanly");
server.close();
behind.closeAllConnections();
behind.close();
rmSync(folder, { recursive: true, force: true });
finish();
