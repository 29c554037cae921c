// Two browser pages chat through the quick start; what attacks in one does nothing in the other; a guest reads and does not send.
import { execFileSync, spawnSync } from "node:child_process";
import path from "node:path";
import { binary, browser, equal, finish, ok, start, until } from "./framewall.mjs";

const allowed = new Set("b i u strong em code pre blockquote p br span div a ul ol li".split(" "));
const chromium = await browser();
if (chromium === null)
	finish();
const wall = await start("--demo");
const links = wall.output().match(/http:\/\/localhost:\d+\/demo#\S+/g) ?? [];
equal(links.length, 2, "two login links are printed");

async function login(link) {
	const context = await chromium.newContext();
	const page = await context.newPage();
	const problems = [];
	page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
	page.on("pageerror", (error) => problems.push(error.message));
	page.on("dialog", async (dialog) => {
		problems.push(`dialog: ${dialog.message()}`);
		await dialog.dismiss();
	});
	await page.addInitScript(() => { window.attacked = 0; });
	await page.goto(link);
	await until("login", async () => (await page.textContent("#status")).startsWith("connected as"));
	return { page, problems };
}
const alice = await login(links[0]), bob = await login(links[1]);
equal(await alice.page.textContent("#status"), "connected as alice (user)", "alice is logged in by her link");
equal(await bob.page.textContent("#status"), "connected as bob (user)", "bob is logged in by his link");

async function say(from, text) {
	await from.page.fill("#input", text);
	await from.page.click("#send");
}
const seen = (who) => who.page.$$eval("#messages li:not(.own) .text", (items) => items.map((item) => item.textContent));

for (const text of ["hello bob", "a < b && c", "vector<int>", "if (x < 3 && y > 4) return a[i];", "select one, drop me a line -- see #channel; C# /* ok */", "Привет, 你好 👋"]) {
	await say(alice, text);
	await until(text, async () => (await seen(bob)).includes(text)).catch(() => 0);
	ok((await seen(bob)).includes(text), `arrives readable: ${text}`, (await seen(bob)).at(-1));
}
await say(bob, "hello <b>alice</b>");
await until("answer", async () => (await seen(alice)).includes("hello alice")).catch(() => 0);
equal(await alice.page.$eval("#messages li:not(.own):last-child .text", (item) => item.innerHTML), "hello <b>alice</b>", "allowed markup arrives as markup");

const attacks = ["<img src=x onerror=\"window.attacked=1\">", "<svg onload=\"window.attacked=1\">", "<script>window.attacked=1</script>",
	"<a href=\"javascript:window.attacked=1\">click</a>", "<a href=\"&#106;avascript:window.attacked=1\">click</a>",
	"<a href=\" java\tscript:window.attacked=1\">click</a>", "<b onmouseover=\"window.attacked=1\">over</b>",
	"<iframe srcdoc=\"<script>parent.attacked=1</script>\"></iframe>", "<math><mtext></form><form><mglyph><svg><mtext><style><path id=\"</style><img onerror=window.attacked=1 src>\">"];
for (const attack of attacks) {
	await say(alice, attack);
}
await say(alice, "that was all");
await until("the last line", async () => (await seen(bob)).includes("that was all"));
await bob.page.$$eval("#messages .text a", (items) => items.forEach((item) => item.click()));
await bob.page.$$eval("#messages .text *", (items) => items.forEach((item) => item.dispatchEvent(new MouseEvent("mouseover", { bubbles: true }))));
await new Promise((resolve) => setTimeout(resolve, 300));
equal(await bob.page.evaluate(() => window.attacked), 0, "no attack ran in bob's page");
const elements = await bob.page.$$eval("#messages .text *", (items) => items.map((item) => [item.localName, ...item.getAttributeNames().map((n) => `${n}=${item.getAttribute(n)}`)]));
ok(elements.every(([name]) => allowed.has(name)), "only elements of the allow-list are in bob's page", elements);
ok(elements.every(([, ...attributes]) => attributes.every((a) => /^(href=https?:|title=|class=)/.test(a))), "and only allowed attributes", elements);
ok((await seen(bob)).some((text) => text.includes("<img src=x")), "what was no allowed markup is seen as it was typed");

// A guest may read and not send.
const guestToken = wall.token("gina", "guest");
const guest = await (await chromium.newContext()).newPage();
await guest.goto(`http://localhost:${wall.admin}/demo`);
await guest.evaluate(([url, token]) => {
	window.got = [];
	window.socket = new WebSocket(url, ["framewall.bearer", token]);
	window.socket.onmessage = (event) => window.got.push(JSON.parse(event.data));
	return new Promise((resolve, reject) => { window.socket.onopen = resolve; window.socket.onerror = () => reject(new Error("refused")); });
}, [wall.url, guestToken]);
await say(alice, "can the guest read this?");
await until("guest reads", () => guest.evaluate(() => window.got.some((m) => m.type === "chat_message"))).catch(() => 0);
ok(await guest.evaluate(() => window.got.some((m) => m.data?.text === "can the guest read this?")), "a guest reads");
await guest.evaluate(() => window.socket.send(JSON.stringify({ type: "chat_message", text: "me too" })));
await until("guest is refused", () => guest.evaluate(() => window.got.some((m) => m.type === "error"))).catch(() => 0);
equal(await guest.evaluate(() => window.got.find((m) => m.type === "error")?.data.code), "PERMISSION_DENIED", "a guest does not send");
ok(!(await seen(bob)).includes("me too"), "and nobody gets it");

// A page from elsewhere is refused before the upgrade.
const foreign = await (await chromium.newContext()).newPage();
await foreign.route("http://elsewhere.example/", (route) => route.fulfill({ contentType: "text/html", body: "<p>elsewhere" }));
await foreign.goto("http://elsewhere.example/");
equal(await foreign.evaluate(([url, token]) => new Promise((resolve) => {
	const socket = new WebSocket(url, ["framewall.bearer", token]);
	socket.onopen = () => resolve("open");
	socket.onclose = (event) => resolve(event.code);
}), [wall.url, guestToken]), 1006, "a foreign page cannot connect");

// What a browser records is a profile of framewall scan.
const har = path.join(wall.data, "session.har");
const recorded = await chromium.newContext({ recordHar: { path: har, content: "embed" } });
const pages = [];
for (const user of ["rita", "rolf"]) {
	const page = await recorded.newPage();
	await page.goto(`http://localhost:${wall.admin}/demo`);
	await page.evaluate(([url, token]) => new Promise((resolve, reject) => {
		window.got = [];
		window.socket = new WebSocket(url, ["framewall.bearer", token]);
		window.socket.onmessage = (event) => window.got.push(event.data);
		window.socket.onopen = resolve;
		window.socket.onerror = () => reject(new Error("refused"));
	}), [wall.url, wall.token(user, "user")]);
	pages.push(page);
}
await pages[0].evaluate(() => window.socket.send(JSON.stringify({ type: "chat_message", text: "recorded words" })));
await until("rolf reads", () => pages[1].evaluate(() => window.got.some((text) => text.includes("recorded words"))));
await recorded.close();
const learned = execFileSync(binary, ["scan", "--profile", har, "--print-profile"]).toString();
ok(learned.includes("send: '{") && learned.includes("${text}") && !learned.includes("recorded words") && learned.match(/token: /g)?.length === 2,
	"a HAR of Chromium is a profile: a message, two identities", learned);
const scan = spawnSync(binary, ["scan", wall.url, "--profile", har, "--tests", "input.xss", "--quiet", "--format", "json"]);
const report = JSON.parse(scan.stdout.toString());
ok(scan.status === 0 && report.checks.every((check) => check.outcome === "pass"), "and the scan logs in and speaks as that page does", report.checks.map((check) => check.reason).join("\n") + learned.replace(/eyJ\S*/g, "TOKEN"));

equal(alice.problems.filter((text) => text.startsWith("dialog")).concat(bob.problems), [], "no error in the console of bob's page");
await chromium.close();
equal(await wall.stop(), 0, "SIGTERM ends it cleanly");
finish();
