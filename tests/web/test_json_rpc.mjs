// rpc-websockets (JSON-RPC 2.0), server and client unmodified, with Framewall between them; batches over a plain socket.
import { Client, Server } from "rpc-websockets";
import { WebSocket } from "ws";
import { equal, finish, ok, until } from "./framewall.mjs";
import { recordOf, wallOf } from "./dialect.mjs";

const got = [];
const server = new Server({ port: 0, host: "127.0.0.1" });
await new Promise((resolve) => server.on("listening", resolve));
const method = (name, answer) => server.register(name, (params) => { got.push([name, params]); return answer(params); });
method("sum", ([a, b]) => a + b);
method("chat_message", (params) => params.text);
method("drop", () => "dropped");
method("note", () => "noted");

const wall = await wallOf(server.wss.address().port, `
dialect: json-rpc
types: {sum: any, chat_message: , note: chat.send, drop: system.admin}
`, "rbac: {permission_categories: {system: [admin]}}\n");
const client = new Client(wall.url, { reconnect: false });
await new Promise((resolve, reject) => { client.on("open", resolve); client.on("error", reject); });
const refusal = (name, params) => client.call(name, params, 5000).then((value) => ({ value }), (error) => error);

equal(await client.call("sum", [2, 3], 5000), 5, "a call with positional parameters is answered by the server");
equal(await client.call("chat_message", { text: "a<script>x</script>" }, 5000), "a&lt;script>x&lt;/script>", "a parameter is sanitized as the field of that message");
const denied = await refusal("drop", {});
equal([denied.code, denied.data?.code], [-32001, "PERMISSION_DENIED"], "a method that is forbidden is refused by an error object with the id of the call");
equal((await refusal("nothing", [])).code, -32601, "one that is not listed does not exist");
const wrong = await refusal("chat_message", { text: 5, more: 1 });
equal([wrong.code, wrong.data?.errors?.map((problem) => [problem.field, problem.rule])], [-32602, [["text", "type"], ["more", "unknown"]]], "parameters that do not hold are named, all of them");
await client.notify("note", { text: "x" });
await client.notify("drop", {});
equal(await client.call("sum", [1, 1], 5000), 2, "the session goes on after each of them");
equal(got.map(([name]) => name), ["sum", "chat_message", "note", "sum"], "the server saw what was allowed and nothing else");
await until("the record", () => recordOf(wall, "permission_denied").length === 2);
ok(true, "the record has each refusal, of notifications, too");
client.close();

const socket = new WebSocket(wall.url), answers = [];
await new Promise((resolve) => socket.on("open", resolve));
socket.on("message", (data) => answers.push(JSON.parse(data)));
const ask = async (text) => { const count = answers.length; socket.send(text); await until("an answer", () => answers.length > count); return answers.at(-1); };
const call = (id, name, params) => JSON.stringify({ jsonrpc: "2.0", id, method: name, params });
equal((await ask(`[${call(1, "sum", [1, 2])},${call(2, "sum", [3, 4])}]`)).map((answer) => answer.result), [3, 7], "a batch passes whole");
got.length = 0;
equal((await ask(`[${call(1, "sum", [1, 2])},${call("two", "drop", {})}]`)).map((answer) => [answer.id, answer.error.code]), [[1, -32001], ["two", -32001]], "or is refused whole, an error for each id");
for (const [text, code, id, what] of [
	["{", -32700, null, "no JSON"], ["[]", -32600, null, "an empty batch"], ['{"method":"sum","id":7}', -32600, 7, "no version"],
	['{"jsonrpc":"1.0","method":"sum","id":7}', -32600, 7, "another version"], ['{"jsonrpc":"2.0","method":"sum","method":"drop","id":7}', -32700, null, "a method twice"],
	['{"jsonrpc":"2.0","method":"sum","id":null}', -32600, null, "an id of null"], ['{"jsonrpc":"2.0","method":"sum","id":1.5}', -32600, null, "an id with a fraction"],
	['{"jsonrpc":"2.0","method":"sum","params":5,"id":7}', -32600, 7, "params that are a number"], ['{"jsonrpc":"2.0","method":"sum","id":7,"more":1}', -32600, 7, "a member more"],
	['{"jsonrpc":"2.0","result":5,"id":7}', -32601, null, "a response that nobody listed"], [call(7, ":response", {}), -32600, 7, "a method by the name of responses"],
	[`[${Array(65).fill(call(1, "sum", [1, 1])).join()}]`, -32600, null, "a batch of 65"], [`{"jsonrpc":"2.0","method":"sum","id":7,"params":${"[".repeat(40)}${"]".repeat(40)}}`, -32700, null, "nesting of 40"]]) {
	const answer = await ask(text);
	equal([answer.error?.code, answer.id], [code, id], `${what}: refused`);
}
equal([(await ask(call(9, "sum", [4, 5]))).result, got.length], [9, 1], "and the session goes on");
socket.close();
equal(await wall.stop(), 0, "SIGTERM ends it cleanly");
await server.close();
finish();
