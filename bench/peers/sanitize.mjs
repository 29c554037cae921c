// What others need for the texts of sanitize.json with the same allow-list: sanitize.mjs FILE [--quick] prints {"name": {"sanitize-html": µs, "dompurify": µs}}.
// With --rows FILE may have many texts of a name: prints {who: {name: {"count", "hits" (texts that come out otherwise), "us" (a text)}}}.
import { readFileSync } from "node:fs";
import createDOMPurify from "dompurify";
import { JSDOM } from "jsdom";
import sanitizeHtml from "sanitize-html";

const tags = "b i u strong em code pre blockquote p br span div a ul ol li".split(" ");
const classes = Object.fromEntries(["span", "div", "code", "pre"].map((tag) => [tag, ["class"]]));
const purify = createDOMPurify(new JSDOM("").window);
const peers = {
	"sanitize-html": (text) => sanitizeHtml(text, { allowedTags: tags, allowedAttributes: { a: ["href", "title"], ...classes }, allowedSchemes: ["http", "https", "mailto"], disallowedTagsMode: "escape" }),
	"dompurify": (text) => purify.sanitize(text, { ALLOWED_TAGS: tags, ALLOWED_ATTR: ["href", "title", "class"] }),
};
const texts = JSON.parse(readFileSync(process.argv[2], "utf8"));
const rounds = process.argv.includes("--quick") ? 3 : 7, said = {};

function cpu(work) {
	const begin = process.cpuUsage();
	work();
	const { user, system } = process.cpuUsage(begin);
	return user + system;
}

if (process.argv.includes("--rows")) {
	const rows = Map.groupBy ? Map.groupBy(texts, ([name]) => name) : texts.reduce((all, text) => all.set(text[0], [...(all.get(text[0]) ?? []), text]), new Map());
	for (const [peer, sanitize] of Object.entries(peers)) {
		said[peer] = {};
		for (const [name, row] of rows) {
			let least = Infinity, hits = 0;
			for (let round = 0; round < 3; round++) {
				hits = 0;
				least = Math.min(least, cpu(() => {
					for (const [, text] of row)
						hits += sanitize(text) !== text;
				}));
			}
			said[peer][name] = { count: row.length, hits, us: least / row.length };
		}
	}
} else {
	for (const [name, text] of texts) {
		said[name] = {};
		for (const [peer, sanitize] of Object.entries(peers)) {
			const times = [];
			for (let round = 0; round <= rounds; round++) { // the first warms up
				const count = 100;
				times.push(cpu(() => {
					for (let i = 0; i < count; i++)
						sanitize(text);
				}) / count);
			}
			said[name][peer] = times.slice(1).sort((a, b) => a - b)[rounds >> 1];
		}
	}
}
console.log(JSON.stringify(said));
