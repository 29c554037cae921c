// What ajv needs, compiled, with JSON.parse: as build-bench/bench/schema, see there. ajv.mjs CASES TIMES [all]. It is given strings, so that no UTF-8 is
// decoded in the measure. all: it collects every problem, as we do; without it stops at the first, which is its default.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import Ajv from "ajv";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

const times = Number(process.argv[3]), allErrors = process.argv[4] === "all";
const cases = JSON.parse(readFileSync(process.argv[2], "utf8"));
for (const one of cases) {
	const ajv = new (one.draft === "7" ? Ajv : Ajv2020)({ allErrors, strict: false, logger: false, unicodeRegExp: true });
	addFormats(ajv);
	try {
		one.validate = ajv.compile(JSON.parse(one.schema));
		one.messages.forEach((text) => one.validate(JSON.parse(text)));
	} catch { // it does not compile, or a reference that goes round and round has no end
		one.validate = null;
	}
}

function judge(validate, text) {
	return validate(JSON.parse(text));
}

const verdicts = {};
for (const { name, validate, messages } of cases)
	verdicts[name] = validate && messages.map((text) => (judge(validate, text) ? "v" : "i")).join("");
console.log(JSON.stringify(verdicts));

for await (const _ of createInterface({ input: process.stdin })) {
	const said = {};
	for (const { name, validate, messages } of cases) {
		said[name] = [];
		for (const text of validate ? messages : []) {
			const begin = process.cpuUsage();
			for (let i = 0; i < times; i++)
				judge(validate, text);
			const { user, system } = process.cpuUsage(begin);
			said[name].push((user + system) / times);
		}
	}
	console.log(JSON.stringify(said));
}
