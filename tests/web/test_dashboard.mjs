// The dashboard in a browser: what real clients do is seen without a reload, and what an operator does there, the client at the other end feels.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import WebSocket from "ws";
import { binary, browser, equal, finish, ok, start, until } from "./framewall.mjs";

const pictures = process.env.FRAMEWALL_PICTURES; // a folder: a picture of each page

// What is committed is made of what is committed.
const made = mkdtempSync(path.join(os.tmpdir(), "framewall-dist-"));
execFileSync("node", ["web/build.mjs", made]);
for (const name of ["app.js", "app.css"])
	ok(readFileSync(path.join(made, name)).equals(readFileSync(path.join("web/dist", name))), `web/dist/${name} is what web/build.mjs makes`);
rmSync(made, { recursive: true });

const chromium = await browser();
if (chromium === null)
	finish();
const wall = await start();
const token = readFileSync(path.join(wall.data, "admin.token"), "utf8").trim();
const home = `http://localhost:${wall.admin}/`;
const context = await chromium.newContext({ viewport: { width: 1280, height: 900 }, colorScheme: "light", acceptDownloads: true });
const page = await context.newPage();
const problems = [], transferred = [], streams = [];
page.on("websocket", (socket) => streams.push(socket.url()));
page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
page.on("pageerror", (error) => problems.push(error.message));
page.on("response", async (response) => { if (!response.url().includes("/api/")) transferred.push([response.url(), (await response.body().catch(() => "")).length]); });

function client(user, role = "user") {
	const socket = new WebSocket(wall.url, ["framewall.bearer", wall.token(user, role)]);
	socket.got = [];
	socket.on("message", (data) => socket.got.push(JSON.parse(data)));
	socket.on("error", () => {});
	socket.over = new Promise((resolve) => socket.on("close", (code) => resolve(code)));
	return new Promise((resolve) => { socket.on("open", () => resolve(socket)); socket.on("close", () => resolve(socket)); });
}
const text = (selector = "main") => page.textContent(selector);
const open = async (name, heading) => {
	await page.click(`nav a:text-is("${name}")`);
	await until(name, async () => (await page.$$eval("main h2", (all) => all.map((one) => one.textContent))).some((one) => one.startsWith(heading)));
};

await page.goto(home);
await page.fill("input[name=token]", "wrong");
await page.click("button:text-is('Open')");
await until("refused", async () => (await text("#state")).includes("refused"));
ok(true, "a wrong token is refused, and that is said");
equal(streams, [], "no stream is opened with it");
// Another one is asked with the right one meanwhile.
let refuseNow;
const refusable = new Promise((resolve) => { refuseNow = resolve; });
await page.route("**/api/v1/whoami", async (route) => { await refusable; await route.continue(); }, { times: 1 });
await page.fill("input[name=token]", "wrong too");
await page.click("button:text-is('Open')");
await page.goto(`${home}#token=${token}`);
await until("live", async () => (await text("#state")).startsWith("live"));
refuseNow();
await until("the second refusal", () => problems.filter((one) => one.includes("401")).length === 2);
problems.length = 0; // the browser tells of refusals by itself
await page.reload();
await until("live", async () => (await text("#state")).startsWith("live"));
ok(true, "a refusal that comes late takes away nothing of the token that came after");
ok(!page.url().includes(token), "the token does not stay in the address");
const paint = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 1e9);
ok(transferred.every(([url]) => url.startsWith(home)), "nothing comes from elsewhere", transferred);
const assets = new Map(transferred), total = [...assets.values()].reduce((sum, size) => sum + size, 0);
ok(total > 10000 && total < 100 * 1024, `under 100 KiB: ${total}`, [...assets]);
console.log(`# first paint after ${Math.round(paint)} ms`);

// An attack is seen without a reload.
await page.evaluate(() => { window.same = true; });
const alice = await client("alice"), mallory = await client("mallory");
mallory.send(JSON.stringify({ type: "chat_message", text: "1' UNION SELECT password FROM users--" }));
await until("the attack", async () => (await text()).includes("dangerous content"));
ok(await page.evaluate(() => window.same), "an attack of a real client is seen without a reload");
await until("two connections", async () => (await text(".tile")).startsWith("2"));
ok(true, "and how many are connected");
await page.click("button:text-is('dangerous content')");
ok(/mallory/.test(await text(".detail")) && /^validation:\n  inspect:\n    exceptions:\n      - "chat_message text FW-SQL/.test(await text(".detail pre")), "a record says who, why, and how such a message is let through", await text(".detail"));
equal(await page.evaluate(() => [...document.querySelectorAll("canvas")].length > 0), true, "the chart is drawn");

// Connections: who, and the end of one.
await open("Connections", "Connections");
await until("both", async () => /alice/.test(await text()) && /mallory/.test(await text()));
await page.click("button[aria-label='close connection of mallory']");
equal(mallory.readyState, WebSocket.OPEN, "one click asks first");
await page.click("button[aria-label='really close connection of mallory']");
equal(await mallory.over, 4403, "the second one ends the connection at the other end");
await until("gone", async () => !/mallory/.test(await text()));
equal(alice.readyState, WebSocket.OPEN, "nobody else's");
await page.fill("input[type=search]", "nobody-of-this-name");
await until("none", async () => /none/.test(await text()));
ok(true, "of one user");

// Records: filters.
await open("Records", "Records");
await page.fill("input[type=search]", "mallory");
await until("filtered", async () => /mallory/.test(await text("tbody")) && !/alice/.test(await text("tbody")));
await page.selectOption("select", "warning");
ok(!/auth success/.test(await text("tbody")), "records are filtered by text and by level");
await page.click("button:text-is('hold')");
const again = await client("mallory2");
await page.fill("input[type=search]", "mallory2");
await new Promise((resolve) => setTimeout(resolve, 500));
ok(!/mallory2/.test(await text("tbody")), "held, it does not move");
again.close();

// Blocks: made, explained, undone.
await open("Sessions", "Sessions");
await until("her session", async () => /alice/.test(await text()));
await open("Blocks", "Blocked");
await page.fill("input[name=whom]", "alice");
await page.fill("input[name=reason]", "seen by <b>operators</b>");
await page.click("button:text-is('Block')");
equal(await alice.over, 4403, "who is blocked is out");
await until("listed", async () => /alice/.test(await text("tbody")));
ok((await text("tbody")).includes("<b>operators</b>"), "text stays text");
const refused = await client("alice");
equal(await refused.over !== undefined && refused.readyState, WebSocket.CLOSED, "and stays out");
await page.click("button[aria-label='why alice']");
await until("why", async () => /points/.test(await text(".detail")));
ok(true, "why is said");
await page.click("button[aria-label='unblock alice']");
await page.click("button[aria-label='really unblock alice']");
await until("free", async () => !/alice/.test(await text("tbody")));
const back = await client("alice");
equal(back.readyState, WebSocket.OPEN, "and lets in again when it is undone");

// Responses: done and undone, which the client at the other end feels.
const refusal = async (socket) => {
	socket.got.length = 0;
	socket.send(JSON.stringify({ type: "chat_message", text: "hello" }));
	socket.send(JSON.stringify({ type: "ping" }));
	await until("an answer", async () => socket.got.some((one) => one.type === "pong"));
	return socket.got.find((one) => one.type === "error")?.data.code ?? null;
};
equal(await refusal(back), null, "what she says goes on");
await open("Responses", "In force");
await page.fill("input[name=whom]", "alice");
await page.fill("input[name=reason]", "looks <i>odd</i>");
await page.click("button:text-is('Do it')");
await until("listed", async () => /isolate/.test(await text("tbody")) && (await text("tbody")).includes("<i>odd</i>"));
equal(await refusal(back), "PERMISSION_DENIED", "isolated, she may not say anything");
await page.click("button[aria-label='undo isolate of alice']");
await page.click("button[aria-label='really undo isolate of alice']");
await until("free", async () => !/alice/.test(await text("tbody")));
equal(await refusal(back), null, "undone, she may again");

// Alerts: seen without a reload, silenced, and heard again.
await open("Alerts", "Alerts");
for (let i = 0; i < 25; i++)
	back.send(JSON.stringify({ type: "chat_message", text: "1' UNION SELECT password FROM users--" }));
await until("raised", async () => /suspicious_patterns/.test(await text("tbody")) && /firing/.test(await text("tbody")));
ok(true, "an alert is seen without a reload");
await page.click("button[aria-label^='silence suspicious_patterns']");
await page.fill("input[name=reason]", "known");
await page.fill("input[name=author]", "tester");
await page.click("form button:text-is('Silence')");
await until("silenced", async () => /silenced/.test(await text("[aria-label=Alerts] tbody")) && /known/.test(await text("[aria-label=Silences] tbody")));
ok(true, "silenced, it says so");
await page.click("[aria-label=Silences] button");
await page.click("[aria-label=Silences] button");
await until("heard", async () => /firing/.test(await text("[aria-label=Alerts] tbody")) && !/known/.test(await text("[aria-label=Silences] tbody")));
ok(true, "the silence is ended");

// The policy in use, read.
await open("Policy", "Policy in use");
const row = async (label, first) => (await page.$$eval(`[aria-label="${label}"] tbody tr`, (all) => all.map((one) => [...one.children].map((cell) => cell.textContent)))).find((cells) => cells[0] === first);
equal((await row("Stages", "inspect")).slice(1, 3), ["in", "enforce"], "a stage, and that it enforces");
equal((await row("Stages", "inflate"))[2], "off", "another has nothing to do");
equal((await row("Message types", "chat_message")).slice(1, 3), ["in", "chat.send"], "what a message type needs");
equal((await row("Rules", "FW-SQL-001")).slice(1, 4), ["sql", "10", "refuse"], "what a rule does");
equal((await row("Limits", "rate_limiting.messages_per_minute")).slice(1), ["60", "default"], "a limit");
equal((await row("Values", "listen")).slice(1), [`localhost:${wall.port}`, "--listen"], "what somebody has set, and where");
await page.fill("input[type=search]", "secret_or_nothing");
await until("none", async () => (await text("[aria-label=Values]")).includes("none"));
await page.fill("input[type=search]", "inspect.mode");
await until("one", async () => (await row("Values", "validation.inspect.mode"))?.[1] === "refuse");
ok(true, "every value is found by its key");

// Explain: what it says is what the client at the other end gets.
await open("Explain", "Explain");
const reply = async (socket, message) => {
	socket.got.length = 0;
	socket.send(message);
	socket.send(JSON.stringify({ type: "ping" }));
	await until("an answer", async () => socket.got.some((one) => one.type === "pong"));
	const { event_id, timestamp, ...data } = socket.got.find((one) => one.type === "error")?.data ?? {};
	return data;
};
const explained = async (message, choose = {}) => {
	await page.fill("textarea", message);
	for (const [name, value] of Object.entries(choose))
		await page.selectOption(`select[name=${name}]`, value);
	await page.click("button:text-is('Explain')");
	await until("explained", async () => await page.$("[aria-label='What becomes of it']") && !await page.$("[role=alert]"));
	return { verdict: (await text("[aria-label='What becomes of it'] h2")).replace("Verdict: ", ""), all: await text("[aria-label='What becomes of it']"),
		pres: await page.$$eval("[aria-label='What becomes of it'] pre", (all) => all.map((one) => one.textContent)) };
};
const attack = JSON.stringify({ type: "chat_message", text: "1' UNION SELECT password FROM users--" });
const foreseen = await explained(attack), { timestamp: _, ...told } = JSON.parse(foreseen.pres[0]).data;
equal([foreseen.verdict, told], ["refuse", await reply(back, attack)], "what it says of an attack is what the client gets who sends it");
ok(foreseen.pres[1].includes("exceptions:\n      - \"chat_message text FW-SQL-001\"") && (await row("What each stage says", "inspect"))[1] === "refuse", "which stage, and how to except it", foreseen);
const markup = JSON.stringify({ type: "chat_message", text: "<b>hi</b><img src=x onerror=alert(1)>" });
await until("rewritten", async () => (await explained(markup)).verdict === "rewrite");
ok((await explained(markup)).pres[0].includes("<b>hi</b>&lt;img"), "what is written anew is shown as it goes on");
equal(await reply(back, markup), {}, "and the client is not refused");
await until("a guest's", async () => (await explained(JSON.stringify({ type: "chat_message", text: "hello" }), { role: "guest" })).verdict === "refuse");
ok((await text("[aria-label='What becomes of it']")).includes("rbac"), "a guest may not say it");
await page.selectOption("select[name=role]", "user");
equal((await page.evaluate(async () => (await fetch("/api/v1/explain", { method: "POST", body: '{"message":"x"}',
	headers: { "Content-Type": "application/json", Authorization: "Bearer none" } })).status)), 401, "without a token nothing is explained");
problems.length = 0;

// Whoever may only read is offered nothing else, and would be refused.
const reads = execFileSync(binary, ["admin", "token", "create", "--name", "wall screen", "--role", "read-only", "--data", wall.data], { encoding: "utf8" }).trim().split(/\s+/).at(-1);
const screen = await (await chromium.newContext()).newPage();
await screen.goto(`${home}#token=${reads}`);
await until("live as read-only", async () => (await screen.textContent("#state")).includes("as read-only"));
const offered = [];
for (const name of ["Connections", "Alerts", "Responses", "Blocks", "Sessions", "Policy", "Explain", "Reports"]) {
	await screen.click(`nav a:text-is("${name}")`);
	await screen.waitForTimeout(600);
	offered.push(...await screen.$$eval("main button, main form", (all) => all.map((one) => one.textContent)));
}
equal(offered, [], "a read-only token is shown no button");
equal(await screen.evaluate(async () => (await fetch("/api/v1/blocks", { method: "POST", body: '{"user":"alice"}',
	headers: { "Content-Type": "application/json", Authorization: "Bearer " + sessionStorage.getItem("framewall.admin") } })).status), 403, "and asking all the same is refused");
await screen.close();

// A session is ended.
await open("Sessions", "Sessions");
await until("her session", async () => /alice/.test(await text("tbody")));
const before = await page.$$eval("button[aria-label='end session of alice']", (all) => all.length);
for (let i = 0; i < before; i++) {
	await page.click("button[aria-label='end session of alice']");
	await page.click("button[aria-label='really end session of alice']");
	await until("one less", async () => (await page.$$("button[aria-label='end session of alice']")).length < before - i);
}
equal(await back.over, 4401, "a session that is ended ends its connection");

// Reports.
await open("Reports", "Report");
const [download] = await Promise.all([page.waitForEvent("download"), page.click("button:text-is('Download')")]);
ok(readFileSync(await download.path(), "utf8").includes("<html"), "a report is downloaded");

// Everybody can use it.
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const names = ["Overview", "Connections", "Records", "Alerts", "Responses", "Blocks", "Sessions", "Policy", "Explain", "Reports", "Counters"];
const faults = [], wide = [];
const third = await client("carol");
for (const theme of ["light", "dark"]) {
	await page.click("button:has-text('theme')");
	await page.emulateMedia({ colorScheme: theme });
	while (!(await text("header")).includes(`theme: ${theme}`))
		await page.click("button:has-text('theme')");
	for (const width of [1280, 390]) {
		await page.setViewportSize({ width, height: 900 });
		for (const name of names) {
			await page.click(`nav a:text-is("${name}")`);
			await page.waitForTimeout(250);
			if (name === "Explain")
				await explained(attack);
			await page.$$eval("details", (all) => all.forEach((one) => { one.open = true; }));
			if (width === 390 && await page.evaluate(() => document.documentElement.scrollWidth > innerWidth))
				wide.push(name);
			if (pictures)
				await page.screenshot({ path: path.join(pictures, `${name}-${theme}-${width}.png`), fullPage: true });
			// In a world of its own, since the page's policy lets no foreign script in.
			const session = await context.newCDPSession(page);
			const { frameTree } = await session.send("Page.getFrameTree");
			const { executionContextId } = await session.send("Page.createIsolatedWorld", { frameId: frameTree.frame.id });
			await session.send("Runtime.evaluate", { expression: axe, contextId: executionContextId });
			const { result } = await session.send("Runtime.evaluate", { contextId: executionContextId, awaitPromise: true, returnByValue: true,
				expression: "axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] }).then((found) => JSON.stringify(found.violations.map((one) => [one.id, one.impact, one.nodes.map((node) => node.html).slice(0, 2)])))" });
			await session.detach();
			const found = JSON.parse(result.value ?? "[[\"axe did not run\"]]");
			if (found.length)
				faults.push([name, theme, width, found]);
		}
	}
}
equal(faults, [], "axe-core finds nothing against WCAG 2.1 AA on any page, light or dark, wide or narrow");
equal(wide, [], "on a phone nothing is wider than the page");
await page.setViewportSize({ width: 1280, height: 900 });
await page.click("nav a:text-is('Overview')");
await page.evaluate(() => document.activeElement?.blur());
const reached = [];
for (let i = 0; i < 6; i++) {
	await page.keyboard.press("Tab");
	reached.push(await page.evaluate(() => document.activeElement?.textContent));
}
ok(reached.includes("to the content") || reached.includes("Connections"), "it is used by keyboard", reached);
third.close();
equal(problems, [], "the browser has nothing to complain of");
equal(await wall.stop(), 0, "the program ends cleanly");
await chromium.close();
finish();
