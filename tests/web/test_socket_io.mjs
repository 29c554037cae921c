// socket.io, server and client unmodified, with Framewall between them.
import http from "node:http";
import { Server } from "socket.io";
import { io } from "socket.io-client";
import { equal, finish, ok, until } from "./framewall.mjs";
import { recordOf, wallOf } from "./dialect.mjs";

const got = [];
const web = http.createServer();
const server = new Server(web);
server.on("connection", (socket) => {
	socket.onAny((event, ...values) => got.push([event, ...values.filter((value) => typeof value !== "function")]));
	socket.on("chat_message", (message, done) => { server.emit("said", { text: message.text, secret: "s3" }); done?.({ ok: true }); });
	socket.on("delete everything", (done) => done?.("gone"));
	socket.on("upload", (name, data, done) => { socket.emit("stored", name, Buffer.concat([data, data])); done?.(data.length); });
	socket.on("ask me", () => socket.timeout(5000).emit("question", 1, (error, answer) => got.push(["answer", answer])));
});
server.of("/rooms").on("connection", (socket) => socket.on("enter", (room, done) => done(`in ${room}`)));
server.of("/admin").on("connection", () => got.push(["admin"]));
await new Promise((resolve) => web.listen(0, "127.0.0.1", resolve));

const wall = await wallOf(web.address().port, `
dialect: socket.io
types:
  chat_message:
  upload: any
  ask me: any
  ":ack": any
  /rooms :connect: any
  /rooms enter: chat.send
  delete everything: system.admin
`, "messages: {said: {fields: {secret: {see: [admin]}}}}\nrbac: {permission_categories: {system: [admin]}}\n");
const url = `http://localhost:${wall.port}`, only = { transports: ["websocket"], reconnection: false };
const client = io(url, { ...only, forceNew: true }), said = [], stored = [], errors = [];
client.on("said", (message) => said.push(message));
client.on("stored", (...values) => stored.push(values));
client.on("error", (error) => errors.push(error));
client.on("question", (number, answer) => answer({ number }));
await until("connected", () => client.connected);
ok(true, "the client connects: the opening of Engine.IO and of Socket.IO pass");

const ask = (...values) => client.timeout(5000).emitWithAck(...values);
equal(await ask("chat_message", { text: "a <b>b</b><script>x</script>" }), { ok: true }, "an event that is allowed is acknowledged by the server");
ok(got.some(([event, message]) => event === "chat_message" && message.text.includes("<b>b</b>") && !message.text.includes("<script>")),
	"its field is sanitized as that of a message of the contract", got);
await until("said", () => said.length === 1);
equal(Object.keys(said[0]), ["text"], "a field that its role may not see is left out of what the server says");

equal((await ask("delete everything")).error?.code, "PERMISSION_DENIED", "an event that is forbidden is refused in its acknowledgement");
client.emit("delete everything");
await until("an error", () => errors.length === 1);
equal([errors[0].code, typeof errors[0].event_id], ["PERMISSION_DENIED", "string"], "or, where none was asked for, by the event error");
equal((await ask("no such event", 1)).error?.code, "INVALID_MESSAGE", "an event that is not listed is refused");
equal((await ask("chat_message", { text: 5 })).error?.errors?.[0], { field: "text", rule: "type", limit: "string" }, "a field of a wrong type is refused and named");
equal((await ask("chat_message", { text: "x" }, "more")).error?.code, "INVALID_MESSAGE", "so is an argument more");

equal(await ask("upload", "file", Buffer.from("abc")), 3, "an attachment passes behind the event that announces it");
await until("stored", () => stored.length === 1);
equal([stored[0][0], Buffer.from(stored[0][1]).toString()], ["file", "abcabc"], "and one of the server's comes back");
equal((await ask("steal", Buffer.from("abc"), Buffer.from("def"))).error?.code, "INVALID_MESSAGE", "what is refused takes its attachments with it");
equal(await ask("chat_message", { text: "still here" }), { ok: true }, "the session goes on after each of them");
client.emit("ask me");
await until("the client's acknowledgement", () => got.some(([event]) => event === "answer"));
equal(got.find(([event]) => event === "answer")[1], { number: 1 }, "what a client acknowledges passes where :ack is listed");

const rooms = io(`${url}/rooms`, only);
await until("rooms", () => rooms.connected);
equal(await rooms.timeout(5000).emitWithAck("enter", "one"), "in one", "a namespace that is listed is connected to, and its events pass");
const admin = io(`${url}/admin`, only);
const [error] = await new Promise((resolve) => admin.on("connect_error", (...values) => resolve(values)));
equal([error.data?.code, rooms.connected], ["INVALID_MESSAGE", true], "one that is not gets connect_error, and the others stay");
ok(!got.some(([event]) => ["delete everything", "no such event", "steal", "admin"].includes(event)), "the server saw none of what was refused", got);
equal(client.connected, true, "the client was never cut off");
await until("the record", () => recordOf(wall, "permission_denied").length === 2);
ok(true, "the record has each refusal");
[client, rooms, admin].forEach((each) => each.close());
equal(await wall.stop(), 0, "SIGTERM ends it cleanly");
server.close();
web.close();
finish();
