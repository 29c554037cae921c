// @stomp/stompjs, unmodified, with Framewall between it and a broker written from the specification of STOMP 1.2.
import { WebSocket, WebSocketServer } from "ws";
import { Client } from "@stomp/stompjs";
import { equal, finish, ok, until } from "./framewall.mjs";
import { recordOf, wallOf } from "./dialect.mjs";

const got = [];
const web = new WebSocketServer({ port: 0, host: "127.0.0.1", handleProtocols: (protocols) => protocols.has("v12.stomp") ? "v12.stomp" : false });
await new Promise((resolve) => web.on("listening", resolve));
const escapes = { r: "\r", n: "\n", c: ":", "\\": "\\" };
const decode = (text) => text.replace(/\\(.)/g, (_, letter) => escapes[letter]);
const encode = (text) => text.replace(/[\r\n:\\]/g, (octet) => "\\" + Object.keys(escapes).find((letter) => escapes[letter] === octet));
web.on("connection", (socket) => {
	const subscriptions = new Map();
	let number = 0;
	const say = (command, headers, body = "") => socket.send(`${command}\n${Object.entries(headers).map(([name, value]) => `${name}:${encode(String(value))}\n`).join("")}\n${body}\0`);
	socket.on("message", (data) => {
		const text = data.toString();
		if (/^(\r?\n)+$/.test(text)) {
			got.push(["beat"]);
			socket.send("\n");
			return;
		}
		const [, command, lines, rest] = /^(?:\r?\n)*(\w+)\r?\n((?:[^\r\n]+\r?\n)*)\r?\n([^]*)$/.exec(text);
		const headers = Object.fromEntries(lines.split(/\r?\n/).filter((line) => line !== "").map((line) => line.split(/:(.*)/s).slice(0, 2).map(decode)));
		const length = headers["content-length"], body = length === undefined ? rest.slice(0, rest.indexOf("\0")) : Buffer.from(rest).subarray(0, Number(length)).toString();
		ok(length === undefined || Buffer.from(rest)[Number(length)] === 0, `broker: content-length of ${command} counts what came`);
		got.push([command, headers.destination, body]);
		if (command === "CONNECT")
			say("CONNECTED", { version: "1.2", "heart-beat": "100,100" });
		if (command === "SUBSCRIBE")
			subscriptions.set(headers.destination, headers.id);
		if (command === "SEND" && subscriptions.has(headers.destination.replace("/app", "/topic")))
			say("MESSAGE", { subscription: subscriptions.get(headers.destination.replace("/app", "/topic")), "message-id": ++number,
				destination: headers.destination.replace("/app", "/topic"), "content-type": "application/json" }, JSON.stringify({ ...JSON.parse(body), secret: "s3" }));
		if (headers.receipt !== undefined && command !== "CONNECT")
			say("RECEIPT", { "receipt-id": headers.receipt });
	});
});

const wall = await wallOf(web.address().port, `
dialect: subprotocol
types:
  SUBSCRIBE /topic/*: any
  SEND /app/chat: chat.send
  SEND /app/text: any
  SEND /app/drop: system.admin
  SUBSCRIBE /topic/admin: system.admin
`, "messages:\n  MESSAGE /topic/chat: {fields: {secret: {see: [admin]}}}\n  SEND /app/chat: {fields: {pinned: {set: [admin]}}}\nrbac: {permission_categories: {system: [admin]}}\n");
const refused = [], messages = [], closes = [], receipts = [], problems = [];
const client = new Client({
	webSocketFactory: () => new WebSocket(wall.url, ["v12.stomp", "v11.stomp"]), reconnectDelay: 0, heartbeatIncoming: 100, heartbeatOutgoing: 100,
	onUnhandledMessage: (frame) => refused.push([frame.headers.destination, frame.headers["receipt-id"], JSON.parse(frame.body).code]),
	onUnhandledReceipt: (frame) => receipts.push(frame.headers["receipt-id"]), onWebSocketClose: (event) => closes.push(event.code), onStompError: (frame) => problems.push(frame.headers.message),
});
await new Promise((resolve) => { client.onConnect = resolve; client.activate(); });
ok(true, "the client connects: the opening passes");
client.subscribe("/topic/chat", (frame) => messages.push(JSON.parse(frame.body)));
const send = (destination, body, headers = { "content-type": "application/json" }) => client.publish({ destination, body: typeof body === "string" ? body : JSON.stringify(body), headers });
send("/app/chat", { text: "Ж: a < b" });
await until("a message", () => messages.length === 1);
equal(messages[0], { text: "Ж: a < b" }, "what is sent comes back to the subscription, but for the field that its role may not see");
send("/app/drop", { all: true });
await until("a refusal", () => refused.length === 1);
equal(refused[0], ["/framewall/error", undefined, "PERMISSION_DENIED"], "what is forbidden is refused by a message of no subscription");
send("/app/nothing", {}, { receipt: "r1" });
await until("a refusal", () => refused.length === 2);
equal([refused[1], receipts], [["/framewall/error", "r1", "INVALID_MESSAGE"], []], "of what is not listed, too; a receipt is not given, but named");
send("/app/chat", { text: "x", pinned: true });
await until("a refusal", () => refused.length === 3);
equal(refused[2][2], "PERMISSION_DENIED", "and a field that its role may not set");
client.subscribe("/topic/admin", () => 0);
await until("a refusal", () => refused.length === 4);
equal(refused[3][2], "PERMISSION_DENIED", "and a subscription that is listed for others, whatever pattern fits it, too");
send("/app/text", "no { JSON", { receipt: "r2" });
await until("a receipt", () => receipts.length === 1);
equal(receipts, ["r2"], "a text that is no JSON passes where its destination is listed, and its receipt comes");
await new Promise((resolve) => setTimeout(resolve, 350));
ok(got.filter(([command]) => command === "beat").length >= 2, "heart-beats pass");
send("/app/chat", { text: "after" });
await until("a message", () => messages.length === 2);
equal([messages[1], closes, problems], [{ text: "after" }, [], []], "the session goes on after all of it");
ok(!got.some(([, destination]) => ["/app/drop", "/app/nothing", "/topic/admin"].includes(destination)), "the broker saw none of what was refused", got);
await until("the record", () => recordOf(wall, "permission_denied").length === 3);
ok(true, "the record has each refusal");
await client.deactivate();

const old = new WebSocket(wall.url, ["v12.stomp"]), heard = [];
await new Promise((resolve) => old.on("open", resolve));
old.on("message", (data) => heard.push(data.toString()));
old.send("CONNECT\naccept-version:1.0,1.1\nhost:x\n\n\0");
const code = await new Promise((resolve) => old.on("close", resolve));
equal([heard.map((text) => text.split("\n")[0]), code], [["ERROR"], 1002], "a client of another version is told by ERROR, and closed");
equal(await wall.stop(), 0, "SIGTERM ends it cleanly");
web.close();
finish();
