// @microsoft/signalr, unmodified, with Framewall between it and a hub written from HubProtocol.md of dotnet/aspnetcore.
import { WebSocketServer } from "ws";
import { HubConnectionBuilder, HttpTransportType, LogLevel } from "@microsoft/signalr";
import { equal, finish, ok, until } from "./framewall.mjs";
import { recordOf, wallOf } from "./dialect.mjs";

const got = [], frames = [];
const web = new WebSocketServer({ port: 0, host: "127.0.0.1" });
await new Promise((resolve) => web.on("listening", resolve));
web.on("connection", (socket) => {
	let begun = false;
	const say = (...messages) => socket.send(messages.map((message) => JSON.stringify(message) + "\x1e").join(""));
	const answer = { Add: ([a, b]) => a + b, chat_message: ([message]) => { say({ type: 1, target: "said", arguments: [{ text: message.text, secret: "s3" }] }, { type: 6 }); return true; }, DropAll: () => true };
	socket.on("message", (data) => {
		frames.push(data.toString());
		for (const text of data.toString().split("\x1e").slice(0, -1)) {
			const message = JSON.parse(text);
			if (!begun) {
				begun = true;
				say({});
			} else if (message.type === 1) {
				got.push([message.target, ...message.arguments]);
				const result = answer[message.target]?.(message.arguments);
				if (message.invocationId !== undefined)
					say({ type: 3, invocationId: message.invocationId, result });
				if (message.target === "AskMe")
					say({ type: 1, target: "question", arguments: [4], invocationId: "q" });
			} else if (message.type === 4) {
				for (let n = 1; n <= message.arguments[0]; n++)
					say({ type: 2, invocationId: message.invocationId, item: n });
				say({ type: 3, invocationId: message.invocationId });
			} else if (message.type === 3) {
				got.push(["answer", message.result]);
			}
		}
	});
});

const wall = await wallOf(web.address().port, `
dialect: signalr
types: {Add: any, chat_message: , Count: any, AskMe: any, ":result": any, DropAll: system.admin}
`, "messages: {said: {fields: {secret: {see: [admin]}}}}\nrbac: {permission_categories: {system: [admin]}}\n");
const build = (more = {}) => new HubConnectionBuilder().withUrl(`http://localhost:${wall.port}/hub`, { skipNegotiation: true, transport: HttpTransportType.WebSockets, ...more })
	.configureLogging(LogLevel.None).withKeepAliveInterval(100).build();
const hub = build(), said = [], errors = [];
let closed = false;
hub.on("said", (message) => said.push(message));
hub.on("error", (error) => errors.push(error));
hub.on("question", (number) => number * 2);
hub.onclose(() => closed = true);
await hub.start();
ok(true, "the client starts: the opening passes");
const refusal = async (...values) => { try { return await hub.invoke(...values); } catch (error) { return JSON.parse(error.message.replace(/^[^{]*/, "")); } };

equal(await hub.invoke("Add", 2, 3), 5, "an invocation that is allowed is answered by the hub");
equal(await hub.invoke("chat_message", { text: "a<script>x</script>" }), true, "so is one of a message that is defined");
equal(got.find(([target]) => target === "chat_message")[1].text, "a&lt;script>x&lt;/script>", "whose field is sanitized");
await until("said", () => said.length === 1);
equal(Object.keys(said[0]), ["text"], "a field that its role may not see is left out, of one message of two in a frame");
equal((await refusal("DropAll")).code, "PERMISSION_DENIED", "one that is forbidden is refused by its completion");
equal((await refusal("Nothing", 1)).code, "INVALID_MESSAGE", "one that is not listed, too");
equal((await refusal("chat_message", { text: 5 })).errors[0].field, "text", "and one with a field of a wrong type");
await hub.send("DropAll");
await until("an error", () => errors.length === 1);
equal(errors[0].code, "PERMISSION_DENIED", "where no answer was asked for it is told by an invocation of error");
const items = [];
await new Promise((resolve, reject) => hub.stream("Count", 3).subscribe({ next: (item) => items.push(item), complete: resolve, error: reject }));
equal(items, [1, 2, 3], "a stream of the hub passes");
await hub.send("AskMe");
await until("the client's answer", () => got.some(([target]) => target === "answer"));
equal(got.at(-1), ["answer", 8], "an answer to the hub's question passes where :result is listed");
await new Promise((resolve) => setTimeout(resolve, 350));
equal([await hub.invoke("Add", 4, 5), closed], [9, false], "keep-alives pass, and the session goes on after all of it");
ok(!got.some(([target]) => target === "DropAll" || target === "Nothing"), "the hub saw none of what was refused", got);
await until("the record", () => recordOf(wall, "permission_denied").length === 2);
ok(true, "the record has each refusal");
await hub.stop();

const { MessagePackLike } = { MessagePackLike: { name: "messagepack", version: 1, transferFormat: 1, parseMessages: () => [], writeMessage: () => "" } };
const other = new HubConnectionBuilder().withUrl(`http://localhost:${wall.port}/hub`, { skipNegotiation: true, transport: HttpTransportType.WebSockets })
	.withHubProtocol(MessagePackLike).configureLogging(LogLevel.None).build();
const failed = await other.start().then(() => "started", (error) => error.message);
ok(failed.includes("Server returned handshake error"), "a client that wants MessagePack is told in the answer to its opening", failed);
equal(await wall.stop(), 0, "SIGTERM ends it cleanly");
web.close();
finish();
