// What the sanitizer lets through, in a browser: mutations.txt (markup that one reading takes for text and another for tags, by the classes
// that DOMPurify and its attackers describe) and the XSS corpora. Nothing runs, no element or attribute is there that is not allowed, and the
// page around a message stays as it is, however often it is written out and read again. What developers type is seen as typed.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { binary, browser, equal, finish, ok, skip } from "./framewall.mjs";

const tags = "b i u strong em code pre blockquote p br span div a ul ol li".split(" ");
const attributes = { a: ["href", "title"], span: ["class"], div: ["class"], code: ["class"], pre: ["class"] };
const corpora = path.join(process.env.FRAMEWALL_SHARED ?? "../shared", "corpora");
const lines = (file) => readFileSync(file, "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line));

// The sanitizer alone: other stages would refuse some of it before.
const scratch = mkdtempSync(path.join(os.tmpdir(), "framewall-html-")), config = path.join(scratch, "framewall.yaml");
writeFileSync(config, "validation: {inspect: {mode: off}}\n");

// What would be forwarded of each text; null: refused.
function sanitized(texts) {
	let output;
	try {
		output = execFileSync(binary, ["explain", "--config", config, "--role", "user", "--lines"], {
			input: texts.map((text) => JSON.stringify({ type: "chat_message", text })).join("\n") + "\n", maxBuffer: 1 << 29,
		}).toString();
	} catch (error) {
		output = error.stdout.toString(); // exit 1: some were refused
	}
	return output.split("\n").filter(Boolean).map((line) => JSON.parse(line).message).map((message) =>
		message ? (typeof message === "string" ? JSON.parse(message) : message).text : null);
}

const chromium = await browser();
if (chromium === null) {
	rmSync(scratch, { recursive: true });
	finish();
}
async function open() {
	const page = await (await chromium.newContext()).newPage();
	page.on("dialog", (dialog) => dialog.dismiss());
	await page.route("http://messages.example/**", (route) => route.request().url() === "http://messages.example/" ?
		route.fulfill({ contentType: "text/html", body: "<!doctype html><title>t</title><body></body>" }) : route.abort());
	await page.goto("http://messages.example/");
	await page.evaluate(([names, allowed]) => {
		window.attacked = 0;
		for (const name of ["alert", "confirm", "prompt", "print"])
			window[name] = () => { window.attacked = 1; };
		window.provoke = (root) => {
			for (const element of root.querySelectorAll("*"))
				for (const event of ["click", "mouseover", "focus", "toggle", "animationstart", "error", "load"])
					element.dispatchEvent(new Event(event, { bubbles: true, cancelable: true }));
		};
		// What is wrong with a tree, or nothing.
		window.wrong = (root) => {
			const walker = document.createTreeWalker(root, NodeFilter.SHOW_ALL);
			while (walker.nextNode()) {
				const node = walker.currentNode;
				if (node.nodeType === Node.TEXT_NODE)
					continue;
				if (node.nodeType !== Node.ELEMENT_NODE || node.namespaceURI !== "http://www.w3.org/1999/xhtml" || !names.includes(node.localName))
					return "node " + node.nodeName;
				for (const name of node.getAttributeNames())
					if (!(allowed[node.localName] ?? []).includes(name))
						return "attribute " + name;
				if (node.hasAttribute("href") && !["http:", "https:", "mailto:"].includes(new URL(node.getAttribute("href"), "http://messages.example/").protocol))
					return "link to " + node.getAttribute("href");
			}
		};
		// Into innerHTML of several elements, written out and read again, and in the middle of a document.
		window.judge = (html, contexts) => {
			const count = (html.match(/<[a-z]/g) ?? []).length;
			for (const context of contexts) {
				const holder = document.createElement(context);
				document.body.append(holder);
				holder.innerHTML = html;
				const root = holder.content ?? holder;
				let problem = window.wrong(root);
				if (!problem && context === "div" && root.querySelectorAll("*").length !== count)
					problem = "another tree than its tags say";
				const written = () => holder.innerHTML.replace(/\r\n?/g, "\n").replace(/(<pre[^>]*>)\n+/g, "$1"); // line ends are not kept
				for (let turn = 0, before = written(); turn < 3 && !problem; turn++) {
					holder.innerHTML = before;
					problem = window.wrong(holder.content ?? holder) ?? (written() !== before ? "another tree when written out" : undefined);
				}
				window.provoke(root);
				holder.remove();
				if (problem)
					return `${problem} in ${context}`;
			}
			for (const around of ["div", "section", "b"]) {
				const page = new DOMParser().parseFromString(`<body><${around} id=box>${html}</${around}><u id=behind></u>`, "text/html");
				const box = page.querySelector("#box"), behind = page.querySelector("#behind");
				if (box?.parentNode !== page.body || behind?.previousSibling !== box || behind.parentNode !== page.body || page.body.childNodes.length !== 2 || window.wrong(box))
					return `leaves its ${around}`;
			}
		};
	}, [tags, attributes]);
	return page;
}
const judge = (page, texts, contexts) =>
	page.evaluate(([all, where]) => all.map((html) => [html, window.judge(html, where)]).filter(([, problem]) => problem), [texts, contexts]);
const attacked = (page) => page.evaluate(() => window.attacked);

const mutations = lines(path.join(import.meta.dirname, "mutations.txt"));
// First that the page sees attacks at all: unsanitized, each by itself.
{
	const page = await open();
	let ran = 0, others = 0;
	for (const [, html] of mutations) {
		const problem = await page.evaluate((text) => {
			const holder = document.createElement("div");
			window.attacked = 0;
			document.body.replaceChildren(holder);
			holder.innerHTML = text;
			window.provoke(holder);
			return window.wrong(holder);
		}, html).catch(() => "the page is gone");
		others += Boolean(problem);
		ran += await attacked(page).catch(() => 0) ? 1 : 0;
	}
	ok(ran >= 50, `without the sanitizer ${ran} of ${mutations.length} cases run at once, ${others} are not what is allowed`);
	await page.close();
}
{
	const page = await open(), clean = sanitized(mutations.map(([, text]) => text));
	equal(clean.length, mutations.length, "each case is answered");
	equal(clean.map((text, i) => [text, mutations[i]]).filter(([text]) => text === null).map(([, why]) => why), [], "none is refused: all are judged as they come out");
	equal(await judge(page, clean.filter((text) => text !== null), ["div", "span", "li", "td", "p", "a", "template"]), [], `0 of ${clean.length} mutation cases of ${new Set(mutations.map(([name]) => name)).size} classes are unsafe`);
	const again = sanitized(clean); // escapes can make one too long to be sent once more
	equal(clean.filter((text, i) => again[i] !== text && again[i] !== null), [], `sanitized again ${again.filter((text) => text !== null).length} stay as they are`);
	await new Promise((resolve) => setTimeout(resolve, 300)); // what loads tells so later
	equal(await attacked(page), 0, "and none runs");
	await page.close();
}
if (!existsSync(corpora)) {
	skip("corpora", `${corpora} is not there`);
} else {
	const read = (folder, start) => readdirSync(path.join(corpora, folder)).filter((name) => name.startsWith(start)).flatMap((name) => lines(path.join(corpora, folder, name)))
		.filter((text) => typeof text === "string" && text.length > 0 && !text.includes("\0") && Buffer.byteLength(JSON.stringify(text)) < 4000);
	const page = await open(), attacks = read("attack", "xss."), clean = sanitized(attacks).filter((text) => text !== null);
	ok(clean.length > attacks.length / 2, `${clean.length} of ${attacks.length} lines of the XSS corpora are forwarded`);
	equal(await judge(page, clean, ["div"]), [], "none of them is unsafe");
	await new Promise((resolve) => setTimeout(resolve, 300));
	equal(await attacked(page), 0, "and none runs");
	const texts = read("benign", "dev."), out = sanitized(texts);
	const marked = texts.map((text, i) => [text, out[i]]).filter(([text, html]) => html !== null && text.includes("<"));
	const seen = await page.evaluate((all) => all.map(([text, html]) => {
		const holder = document.createElement("div");
		holder.innerHTML = html;
		return [text, holder.textContent !== text.replace(/\r\n?/g, "\n"), holder.querySelector("*") !== null];
	}), marked);
	const markup = seen.filter(([, , elements]) => elements).length, other = seen.filter(([, differs, elements]) => differs && !elements);
	ok(other.length <= 0.005 * marked.length, `of ${marked.length} messages of developers with "<", ${markup} have markup that stays; ${other.length} of the others are not seen as typed`, other);
	await page.close();
}
await chromium.close();
rmSync(scratch, { recursive: true });
finish();
