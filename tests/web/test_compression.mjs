// permessage-deflate with Node ws and Chromium: each window and takeover, as clients and as the server behind; bytes must come back as they went.
import { mkdtempSync, writeFileSync } from "node:fs";
import { WebSocket, WebSocketServer } from "ws";
import { browser, equal, finish, start } from "./framewall.mjs";

const loops = Number(process.env.LOOPS ?? 2);
const sizes = [0, 1, 16, 63, 64, 256, 1024, 4096, 8192, 32768, 131072];
const words = "the quick brown fox jumps over the lazy dog Ж 👋 {\"type\":\"chat_message\",\"data\":[0,1,2.5e3,null]}".split(" ");
const noise = Buffer.from(Array.from({ length: 131072 }, (_, n) => Math.imul(n + 1, 2654435761) >>> 13 & 255));
function message(size, n) {
	if (n % 3 === 0)
		return noise.subarray(0, size);
	let text = "";
	while (text.length < size)
		text += n % 3 === 1 ? words[text.length * 7 % words.length] + " " : String.fromCharCode(97 + n % 26).repeat(size);
	return text.slice(0, size).toWellFormed?.() ?? text.slice(0, size).replace(/[\ud800-\udbff]$/, "");
}

function config(mode, upstream) {
	const file = mkdtempSync("/tmp/framewall-web-config-") + "/framewall.yaml";
	writeFileSync(file, `upstream: {url: "${upstream}"}\nwebsocket: {compression: ${mode}}\n`
		+ "routes: [{path: '*', opaque: true, binary: true, anonymous: guest}]\n"
		+ "rate_limiting: {messages_per_minute: 1000000, max_message_size: 1000000, max_connections_per_ip: 1000}\n");
	return ["--config", file];
}

async function server(options) {
	const seen = [];
	const made = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: options });
	await new Promise((resolve) => made.on("listening", resolve));
	made.on("connection", (socket) => {
		seen.push(socket.extensions);
		socket.on("message", (data, binary) => socket.send(data, { binary }));
	});
	return { seen, url: `ws://127.0.0.1:${made.address().port}/`, close: () => made.close() };
}

// Sends every size, in fragments where pieces is not 0; how many came back as they went, and how it was closed.
async function echo(url, options, pieces) {
	const socket = new WebSocket(url, { perMessageDeflate: options });
	const came = [], waiting = [];
	socket.on("message", (data, binary) => (waiting.shift() ?? ((item) => came.push(item)))([data, binary]));
	await new Promise((resolve, reject) => { socket.on("open", resolve); socket.on("error", reject); });
	let same = 0;
	for (const size of sizes)
		for (let n = 0; n < 3 * loops; n++) {
			const sent = message(size, n + size % 3), octets = Buffer.from(sent);
			if (pieces !== 0 && octets.length > pieces) {
				for (let at = 0; at < octets.length; at += pieces)
					socket.send(octets.subarray(at, at + pieces), { fin: at + pieces >= octets.length, binary: typeof sent !== "string", compress: true });
			} else {
				socket.send(sent);
			}
			const [data, binary] = came.shift() ?? await new Promise((resolve) => waiting.push(resolve));
			same += binary === (typeof sent !== "string") && Buffer.compare(data, octets) === 0 ? 1 : 0;
		}
	const closed = new Promise((resolve) => socket.on("close", (code) => resolve(code)));
	socket.close(1000);
	return [same, await closed, socket.extensions];
}

const all = sizes.length * 3 * loops;
const plain = await server(false);
const wall = await start(...config("strip", plain.url));
for (const [n, serverBits] of [undefined, 8, 9, 10, 11, 12, 13, 14, 15].entries()) {
	const options = { threshold: 0, serverMaxWindowBits: serverBits, clientMaxWindowBits: n % 2 ? 9 + n % 7 : undefined, serverNoContextTakeover: n % 3 === 0 || undefined, clientNoContextTakeover: n % 3 === 1 || undefined };
	const [same, code, extensions] = await echo(wall.url, options, [0, 0, 500][n % 3]);
	equal([same, code, extensions], [all, 1000, "permessage-deflate"], `Node ws asks for a window of ${serverBits}: all comes back, the close is clean`);
}
equal(plain.seen.every((extensions) => extensions === ""), true, "strip: the Node server behind has no extension");

const behind = [];
for (const options of [true, { threshold: 0, serverNoContextTakeover: true, clientNoContextTakeover: true, clientMaxWindowBits: 9 }, { threshold: 0, clientMaxWindowBits: 12, serverMaxWindowBits: 10 }]) {
	const compressing = await server(options);
	const on = await start(...config("on", compressing.url));
	equal((await echo(on.url, { threshold: 0 }, 0)).slice(0, 2), [all, 1000], "a Node server behind compresses, and so does the client");
	equal((await echo(on.url, false, 0)), [all, 1000, ""], "the server behind alone compresses");
	equal(new Set(compressing.seen).size === 1 && compressing.seen[0], "permessage-deflate", "on: the Node server behind took the offer");
	behind.push([compressing, on]);
}

const chromium = await browser();
if (chromium !== null) {
	const page = await (await chromium.newContext()).newPage();
	await page.goto(`http://localhost:${wall.admin}/healthz`);
	for (const [name, url] of [["strip", wall.url], ["on", behind[0][1].url]]) {
		const [extensions, same, code] = await page.evaluate(async ([url, sizes]) => {
			const socket = new WebSocket(url);
			socket.binaryType = "arraybuffer";
			await new Promise((resolve, reject) => { socket.onopen = resolve; socket.onerror = () => reject(new Error("refused")); });
			let same = 0;
			for (const size of sizes)
				for (const binary of [false, true]) {
					const text = "the quick brown fox, 0123456789; ".repeat(size / 33 + 1).slice(0, size);
					const octets = Uint8Array.from({ length: size }, (_, n) => Math.imul(n + 1, 2654435761) >>> 13 & 255);
					socket.send(binary ? octets : text);
					const { data } = await new Promise((resolve, reject) => { socket.onmessage = resolve; socket.onclose = (event) => reject(new Error(`closed ${event.code}`)); });
					same += binary ? new Uint8Array(data).every((octet, n) => octet === octets[n]) && data.byteLength === size : data === text;
				}
			const closed = new Promise((resolve) => { socket.onclose = (event) => resolve([event.code, event.wasClean]); });
			socket.close(1000);
			return [socket.extensions, same, await closed];
		}, [url, sizes]);
		equal(extensions, "permessage-deflate; server_no_context_takeover; client_no_context_takeover", `${name}: Chromium took the answer`);
		equal([same, code], [2 * sizes.length, [1000, true]], `${name}: Chromium gets back what it sent, the close is clean`);
	}
	await chromium.close();
}
equal(await wall.stop(), 0, "SIGTERM ends it cleanly");
for (const [compressing, on] of behind) {
	equal(await on.stop(), 0, "SIGTERM ends it cleanly");
	compressing.close();
}
plain.close();
finish();
