// Which of the XSS texts are live: would run script where a page writes them without a thought. Nothing of Framewall is asked: Chromium reads
// the page, the parser of JavaScript that Node has within reads the script. `node --expose-internals bench/live.mjs FOLDER OUTPUT` writes a line
// for each line of FOLDER/attack/xss.*.txt that is a text: the contexts in which it is live, by commas ("-": in none), a tab, the JSON string.
// What live means, written down before anything was measured by it:
//
// A text is live in a context if the document that Chromium makes of that context's page with the text in it holds script that the page without
// the text has not, which
//   1. stands where Chromium runs it: a script element of a JavaScript type or module that has an end (a source, or code); an event handler
//      that Chromium knows of on an element; a javascript: URL in a/area/form/button/input/iframe/frame or an SVG link (also one that an
//      <animate> or <set> writes there); the same within a srcdoc;
//   2. compiles; and
//   3. does something: it has a call, a `new`, a tagged template, an assignment (but the page's own), an import, a throw. A source must be a
//      URL of http or https or data.
// Whether an event will come (a click, a load that fails) is not asked. Not live by this: what no browser of today runs (vbscript:, expression(),
// behavior:, charset UTF-7, VML, javascript: in an image), documents of an origin of their own (data: in a frame or object), text that is
// code where code is expected (alert(1) by itself), templates of frameworks, scripts in CDATA of XML.
import { readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

// Where a field may land: the page around it. Each page goes on behind it, with script of its own, as pages do.
const tail = "</div><p>more</p><script>page()</script></body>";
const contexts = {
	text: (text) => `<!doctype html><title>t</title><body><div>${text}${tail}`,
	inner: null, // by innerHTML: scripts do not run, the rest does
	double: (text) => `<!doctype html><title>t</title><body><div><input name="q" value="${text}">${tail}`,
	single: (text) => `<!doctype html><title>t</title><body><div><input name='q' value='${text}'>${tail}`,
	unquoted: (text) => `<!doctype html><title>t</title><body><div><input name=q value=${text}>${tail}`,
	textarea: (text) => `<!doctype html><title>t</title><body><div><textarea>${text}</textarea>${tail}`,
	comment: (text) => `<!doctype html><title>t</title><body><div><!-- ${text} -->${tail}`,
	string2: (text) => `<!doctype html><title>t</title><body><div><script>name = "${text}";</script>${tail}`,
	string1: (text) => `<!doctype html><title>t</title><body><div><script>name = '${text}';</script>${tail}`,
	link: null, // the whole of a href, its quotes and ampersands escaped
};

const acorn = createRequire(import.meta.url)("internal/deps/acorn/acorn/dist/acorn");
const acts = new Set(["CallExpression", "NewExpression", "TaggedTemplateExpression", "AssignmentExpression", "ImportExpression", "ImportDeclaration", "ThrowStatement"]);
const own = (node) => (node.type === "CallExpression" && node.callee.name === "page" && node.arguments.length === 0) ||
	(node.type === "AssignmentExpression" && node.left.name === "name" && node.operator === "=" && node.right.type === "Literal");

function does(code, kind) {
	let tree;
	try {
		tree = acorn.parse(kind === "handler" ? `(function (event) {${code}\n})` : code, { ecmaVersion: "latest", sourceType: kind === "module" ? "module" : "script", allowHashBang: false });
	} catch {
		return false;
	}
	const queue = [tree];
	while (queue.length) {
		const node = queue.pop();
		if (acts.has(node.type) && !own(node))
			return true;
		for (const value of Object.values(node))
			for (const child of Array.isArray(value) ? value : [value])
				if (child && typeof child.type === "string")
					queue.push(child);
	}
	return false;
}

// In the browser: what script the tree of each text has, [kind, code].
function collect([pages, wheres]) {
	const events = (element, name) => name in element || name in HTMLElement.prototype || name in HTMLBodyElement.prototype || name in SVGElement.prototype;
	const javascript = /^(?:(?:application|text)\/(?:x-)?(?:java|ecma)script|text\/(?:javascript1\.[0-5]|jscript|livescript))$/;
	const anchor = document.createElement("a");
	// a form's fields hide what it has by their names
	const of = (name) => Object.getOwnPropertyDescriptor(Element.prototype, name).get;
	const localName = of("localName"), namespace = of("namespaceURI"), attributesOf = of("attributes"), read = Element.prototype.getAttribute;
	const url = (value, kind, found) => {
		anchor.setAttribute("href", value);
		if (anchor.protocol === "javascript:") {
			let code = anchor.href.slice("javascript:".length);
			try { code = decodeURIComponent(code); } catch { code = unescape(code); }
			found.push([kind, code]);
		}
	};
	const source = (value, found) => {
		try {
			if (value && ["http:", "https:", "data:"].includes(new URL(value, "http://page.example/").protocol))
				found.push(["source", value]);
		} catch { /* no URL */ }
	};
	const walk = (root, scripts, found, depth) => {
		for (const element of root.querySelectorAll("*")) {
			const name = localName.call(element), space = namespace.call(element) ?? "", html = space.endsWith("xhtml"), svg = space.endsWith("svg");
			if (scripts && name === "script" && (html || svg)) {
				const type = (read.call(element, "type") ?? (read.call(element, "language") ? "text/" + read.call(element, "language") : "")).trim().toLowerCase();
				const from = html ? read.call(element, "src") : read.call(element, "href") ?? read.call(element, "xlink:href");
				if (type === "" || type === "module" || javascript.test(type)) {
					if (from !== null)
						source(from, found);
					else
						found.push([type === "module" ? "module" : "script", element.textContent]);
				}
			}
			for (const { localName: key, value } of attributesOf.call(element)) {
				if (key.startsWith("on") && (html || svg) && events(element, key))
					found.push(["handler", value]);
				else if ((key === "href" && ((html && (name === "a" || name === "area")) || (svg && name === "a"))) || (html && key === "action" && name === "form") ||
					(html && key === "formaction" && (name === "button" || name === "input")) || (html && key === "src" && (name === "iframe" || name === "frame")))
					url(value, "script", found);
				else if (svg && (name === "animate" || name === "set") && ["to", "from", "values", "by"].includes(key) && /href$/.test(read.call(element, "attributeName") ?? ""))
					for (const part of value.split(";"))
						url(part, "script", found);
				else if (html && name === "iframe" && key === "srcdoc" && depth < 3 && read.call(element, "sandbox") === null)
					walk(new DOMParser().parseFromString(value, "text/html"), true, found, depth + 1);
			}
		}
		return found;
	};
	return pages.map((some) => some.map((page, k) => {
		const where = wheres[k], found = [];
		if (where === "link") {
			url(page, "script", found);
			return found;
		}
		const parsed = where === "inner" ? document.implementation.createHTMLDocument("t") : new DOMParser().parseFromString(page, "text/html");
		if (where === "inner")
			parsed.body.innerHTML = page;
		return walk(parsed, where !== "inner", found, 0);
	}));
}

const [folder, output] = process.argv.slice(2);
const names = Object.keys(contexts), counts = Object.fromEntries(names.map((name) => [name, 0]));
let chromium;
try {
	const playwright = createRequire(path.join(import.meta.dirname, "../tests/web/package.json"))("playwright-core");
	chromium = await playwright.chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"] });
} catch (error) {
	console.log(`live: skipped: ${error.message.split("\n")[0]} (wants Debian's chromium, and tests/web/run.sh --install)`);
	rmSync(output, { force: true });
	process.exit(0);
}
const page = await (await chromium.newContext({ offline: true })).newPage();
await page.setContent("<!doctype html><title>t</title>");
const texts = readdirSync(path.join(folder, "attack")).filter((name) => name.startsWith("xss.")).sort()
	.flatMap((name) => readFileSync(path.join(folder, "attack", name), "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line))).filter((text) => typeof text === "string" && text);
const lines = [];
for (let from = 0; from < texts.length; from += 250) {
	const some = texts.slice(from, from + 250);
	const found = await page.evaluate(collect, [some.map((text) => names.map((name) => contexts[name]?.(text) ?? text)), names]);
	some.forEach((text, i) => {
		const live = names.filter((name, k) => found[i][k].some(([kind, code]) => kind === "source" || does(code, kind)));
		for (const name of live)
			counts[name]++;
		lines.push(`${live.join(",") || "-"}\t${JSON.stringify(text)}\n`);
	});
}
await chromium.close();
writeFileSync(output, lines.join(""));
console.log(`live: ${lines.filter((line) => !line.startsWith("-\t")).length} of ${texts.length} XSS texts; ` + names.map((name) => `${name} ${counts[name]}`).join(", "));
