// phoenix, unmodified, with Framewall between it and a server written from the V2 serializer of Phoenix.
import { WebSocket, WebSocketServer } from "ws";
import { Socket } from "phoenix";
import { equal, finish, ok, until } from "./framewall.mjs";
import { recordOf, wallOf } from "./dialect.mjs";

const got = [];
const web = new WebSocketServer({ port: 0, host: "127.0.0.1" });
await new Promise((resolve) => web.on("listening", resolve));
web.on("connection", (socket) => {
	const say = (...message) => socket.send(JSON.stringify(message));
	socket.on("message", (data) => {
		const [join, ref, topic, event, payload] = JSON.parse(data);
		got.push([topic, event, payload]);
		say(join, ref, topic, "phx_reply", { status: "ok", response: event === "sum" ? { sum: payload.a + payload.b } : {} });
		if (event === "shout")
			say(null, null, topic, "said", { text: payload.text, secret: "s3" });
		if (event === "phx_leave")
			say(join, ref, topic, "phx_close", {});
	});
});

const wall = await wallOf(web.address().port, `
dialect: phoenix
types: {"room:* phx_join": any, "room:* shout": chat.send, "room:* sum": any, "room:* drop": system.admin, "room:* said": any}
`, "messages: {\"room:* said\": {fields: {secret: {see: [admin]}}}}\nrbac: {permission_categories: {system: [admin]}}\n");
const socket = new Socket(wall.url + "socket", { transport: WebSocket, heartbeatIntervalMs: 100, vsn: "2.0.0" });
const closes = [], said = [];
socket.onClose((event) => closes.push(event.code));
socket.connect();
await until("connected", () => socket.isConnected());
const reply = (push) => new Promise((resolve) => push.receive("ok", (value) => resolve(["ok", value])).receive("error", (value) => resolve(["error", value.code ?? value])).receive("timeout", () => resolve(["timeout"])));
const room = socket.channel("room:lobby", { name: "alice" });
room.on("said", (message) => said.push(message));
equal((await reply(room.join()))[0], "ok", "a topic that a pattern allows is joined");
equal(await reply(room.push("sum", { a: 2, b: 3 })), ["ok", { sum: 5 }], "an event that is allowed is answered by the server");
equal((await reply(room.push("shout", { text: "hi" })))[0], "ok", "so is one that asks for a permission");
await until("said", () => said.length === 1);
equal(said[0], { text: "hi" }, "a field that its role may not see is left out of what the server pushes");
equal(await reply(room.push("drop", {})), ["error", "PERMISSION_DENIED"], "an event that is forbidden is refused by a reply of status error");
equal(await reply(room.push("nothing", {})), ["error", "INVALID_MESSAGE"], "one that is not listed, too");
const admin = socket.channel("admin:all");
equal(await reply(admin.join()), ["error", "INVALID_MESSAGE"], "a topic that is not listed is not joined");
admin.leave();
await new Promise((resolve) => setTimeout(resolve, 350));
ok(got.filter(([topic, event]) => topic === "phoenix" && event === "heartbeat").length >= 2, "heartbeats pass");
equal([await reply(room.push("sum", { a: 1, b: 1 })), closes], [["ok", { sum: 2 }], []], "the session goes on after all of it");
equal((await reply(room.leave()))[0], "ok", "a topic is left");
ok(!got.some(([topic, event]) => ["drop", "nothing"].includes(event) || (topic === "admin:all" && event !== "phx_leave")), "the server saw none of what was refused", got);
await until("the record", () => recordOf(wall, "permission_denied").length === 1);
ok(true, "the record has the refusal");
socket.disconnect();
equal(await wall.stop(), 0, "SIGTERM ends it cleanly");
web.close();
finish();
