// graphql-ws, server and client unmodified, with Framewall between them.
import { WebSocket, WebSocketServer } from "ws";
import { buildSchema } from "graphql";
import { createClient } from "graphql-ws";
import { useServer } from "graphql-ws/use/ws";
import { equal, finish, ok, until } from "./framewall.mjs";
import { recordOf, wallOf } from "./dialect.mjs";

const got = [];
const schema = buildSchema(`
type Query { hello(name: String!): String, secret: String }
type Mutation { addUser(name: String!, tags: [String!]): String, dropAll: Boolean, chat_message(text: String): String }
type Subscription { ticks(count: Int!): Int }`);
const roots = {
	query: { hello: ({ name }) => { got.push(["hello", name]); return `hello ${name}`; }, secret: () => { got.push(["secret"]); return "s3cret"; } },
	mutation: { addUser: ({ name, tags }) => { got.push(["addUser", name, tags]); return name; }, dropAll: () => { got.push(["dropAll"]); return true; } },
	subscription: { ticks: async function* ({ count }) { for (let n = 1; n <= count; n++) yield { ticks: n }; } },
};
const web = new WebSocketServer({ port: 0, host: "127.0.0.1", handleProtocols: (protocols) => protocols.has("graphql-transport-ws") ? "graphql-transport-ws" : false });
await new Promise((resolve) => web.on("listening", resolve));
const server = useServer({ schema, roots }, web);

const wall = await wallOf(web.address().port, `
dialect: subprotocol
types: {query hello: any, mutation addUser: chat.send, mutation dropAll: system.admin, subscription ticks: any}
`, "rbac: {permission_categories: {system: [admin]}}\nmessages:\n  mutation addUser: {fields: {tags: {set: [admin]}}}\n");
const client = createClient({ url: wall.url, webSocketImpl: WebSocket, keepAlive: 100, lazy: false, retryAttempts: 0 });
const closes = [];
client.on("closed", (event) => closes.push(event.code));
const run = (query, variables, operationName) => new Promise((resolve) => {
	const values = [];
	client.subscribe({ query, variables, operationName }, {
		next: (value) => values.push(value.data), complete: () => resolve(values),
		error: (errors) => resolve(Array.isArray(errors) ? errors.map((error) => error.extensions?.code ?? error.message) : [String(errors)]),
	});
});

equal(await run('query Q($n: String!) { hello(name: $n) }', { n: "a" }), [{ hello: "hello a" }], "a query passes, with the opening before it");
equal(await run('mutation { addUser(name: "b") }'), [{ addUser: "b" }], "a mutation passes that its role may send");
equal(await run("subscription { ticks(count: 3) }"), [{ ticks: 1 }, { ticks: 2 }, { ticks: 3 }], "so does a subscription, to its end");
equal(await run("mutation { dropAll }"), ["PERMISSION_DENIED"], "one that is forbidden ends with an error of its id");
equal(await run("mutation hello { hello: dropAll }"), ["PERMISSION_DENIED"], "whatever it is called");
equal(await run("mutation { ...F } fragment F on Mutation { ... on Mutation { dropAll } }"), ["PERMISSION_DENIED"], "and through fragments");
equal(await run("query { hello(name: \"x\") secret }"), ["INVALID_MESSAGE"], "each field of the root is judged: one that is not listed refuses all");
equal(await run('mutation { addUser(name: "c", tags: ["x"]) }'), ["PERMISSION_DENIED"], "an argument that its role may not set is refused, in the document");
equal(await run("mutation($t: [String!]) { addUser(name: \"c\", tags: $t) }", { t: ["x"] }), ["PERMISSION_DENIED"], "and by a variable");
equal(await run('query { hello(name: "after") }'), [{ hello: "hello after" }], "the session goes on after each of them");
await new Promise((resolve) => setTimeout(resolve, 350));
equal([closes, got.map(([name]) => name)], [[], ["hello", "addUser", "hello"]], "keep-alives pass, the client was never cut off, and the server saw what was allowed");
await until("the record", () => recordOf(wall, "permission_denied").length === 5);
ok(true, "the record has each refusal");
await client.dispose();
equal(await wall.stop(), 0, "SIGTERM ends it cleanly");
await server.dispose();
web.close();
finish();
