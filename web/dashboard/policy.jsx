import { useState } from "preact/hooks";
import { ask } from "./link.js";
import { excepting } from "./event.jsx";
import { Problem, Table, may, moment, number, useLive, usePoll } from "./parts.jsx";

// Asked anew when another configuration is in use.
const usePolicy = () => usePoll(() => ask("GET", "policy"), 0, useLive().figures?.configuration.generation);
const needs = (Page, what) => () => may("auditor") ? <Page /> : <p class="card quiet">{what} needs the role auditor.</p>;

const where = ({ origin }) => origin.from === "default" ? "default" : origin.file ? `${origin.file.split("/").at(-1)}:${origin.line}` : origin.name;
const shown = ({ value, secret }) => secret ? "(secret)" : Array.isArray(value) ? value.join(", ") || "none" : value === "" ? "not set" : typeof value === "number" ? number(value) : String(value);
const who = (one) => one.permission ?? (one.role ? `role ${one.role}` : "whoever is logged in");

function Part({ title, count, open, children }) {
	return <details class="card" open={open}><summary><h2>{title} <small>{count}</small></h2></summary>{children}</details>;
}
const Values = ({ label, list }) => <Table label={label} heads={["Key", "Value~", "Set in"]} rows={list.map((one) => [one.path, shown(one), where(one)])} />;

// Of several values the one that somebody has set.
function setIn(values, keys) {
	const of = values.filter(({ path }) => keys.some((key) => path.startsWith(key)));
	const set = of.find(({ origin }) => origin.from !== "default") ?? of[0];
	return set ? where(set) : "";
}

function routesOf(values) {
	const routes = [];
	for (const one of values) {
		const [, at, name] = one.path.match(/^routes\[(\d+)\]\.(.*)/) ?? [];
		if (at)
			(routes[at] ??= { where: where(one) })[name] = one.value;
	}
	return routes;
}

export const Policy = needs(() => {
	const [found, problem] = usePolicy(), [wanted, setWanted] = useState(""), [all, setAll] = useState(false);
	if (!found)
		return <Problem text={problem} />;
	const { values, stages, messages, rules, exceptions } = found, routes = routesOf(values), set = values.filter((one) => one.origin.from !== "default");
	const listed = (all || wanted ? values : set).filter(({ path, value }) => `${path} ${value}`.toLowerCase().includes(wanted.toLowerCase()));
	const own = (id) => values.find(({ path, value }) => /^validation\.rules\[\d+\]\.id$/.test(path) && value === id);
	return <>
		<Problem text={problem} />
		<section class="card"><h2>Policy in use</h2>
			<dl><dt>from</dt><dd>{found.file}{found.environment && `, environment ${found.environment}`}</dd>
				<dt>mode</dt><dd>{found.mode === "monitor" ? "monitor: nothing is refused, it is only recorded" : "enforce"}</dd>
				<dt>since</dt><dd>{moment(found.loaded_at)}, generation {found.generation}</dd><dt>digest</dt><dd>{found.digest}</dd></dl>
		</section>
		<Part title="Routes" count={routes.length} open>
			<Table label="Routes" heads={["Path", "Goes to", "Messages", "Without login", "Inspection", "Set in"]}
				rows={routes.map((one) => [one.path, one.upstream + (one.upstream_path ?? ""), (one.opaque ? "not looked into" : one.dialect) + (one.binary ? ", binary" : ""), one.anonymous ? `as ${one.anonymous}` : "no", one["inspect.mode"] ?? "as all", one.where])} />
		</Part>
		<Part title="Stages of a message" count={stages.length} open>
			<Table label="Stages" heads={["Stage", "Direction", "Mode", "What it judges~", "Set in"]}
				rows={stages.map((one) => [one.stage, one.direction, <span class={one.mode}>{one.mode}</span>, one.what, setIn(values, one.keys.split(" ").filter(Boolean))])} />
		</Part>
		<Part title="Limits" open><Values label="Limits" list={values.filter(({ path }) => /^(rate_limiting|overload)|^(websocket|authentication)\.max_|_per_minute|_(sizes|lengths)\./.test(path))} /></Part>
		<Part title="Message types" count={messages.length}>
			<Table label="Message types" heads={["Type", "Direction", "Needs", "CSRF token", "Bytes#", "A minute#", "Set in"]}
				rows={messages.map((one) => [one.type, one.direction, who(one), one.csrf && "yes", one.max_bytes && number(one.max_bytes), one.messages_per_minute && number(one.messages_per_minute), one.configured ? setIn(values, [`messages.${one.type}.`]) : "built in"])} />
		</Part>
		<Part title="Rules of inspection" count={rules.length}>
			<Table label="Rules" heads={["Rule", "Class", "Points#", "Alone it does", "Finds~", "Set in"]}
				rows={rules.map((one) => [one.id, one.class, one.points, one.action, one.reason ?? one.pattern, one.pattern ? where(own(one.id)) : "built in"])} />
		</Part>
		<Part title="Exceptions" count={exceptions.length} open>
			<Table label="Exceptions" heads={["Message type, field, rule", "Set in"]} rows={exceptions.map((one) => [one, setIn(values, ["validation.inspect.exceptions"])])} />
		</Part>
		<section class="card">
			<div class="head"><h2>Every value <small>{listed.length} of {values.length}</small></h2>
				<label class="check"><input type="checkbox" checked={all} onChange={(event) => setAll(event.target.checked)} /> defaults, too</label>
				<input type="search" placeholder="key or value" aria-label="Only values with this text" value={wanted} onInput={(event) => setWanted(event.target.value)} /></div>
			<Values label="Values" list={listed} />
		</section>
	</>;
}, "The policy");

const text = (value) => typeof value === "string" ? value : JSON.stringify(value, null, 1);
const problemOf = (one) => `${one.field}: ${one.rule}${one.limit !== undefined ? ` ${one.limit}` : one.expected ? ` (${one.expected})` : ""}`;
const level = (verdict) => ({ pass: "off", skip: "off", refuse: "critical", close: "critical" })[verdict] ?? "warning";
const why = (one) => [one.detail, one.field && !one.findings && !one.problems && `(${one.field})`, ...(one.problems ?? []).map(problemOf)].filter(Boolean).join(" ");

function Said({ said, out, stages }) {
	const stopped = said.stages.find(({ verdict }) => verdict === "refuse" || verdict === "close"), keys = stages.find(({ stage }) => stage === stopped?.stage)?.keys;
	return <section class="card" aria-label="What becomes of it"><h2>Verdict: <span class={level(said.verdict)}>{said.verdict}</span></h2>
		{said.mode === "monitor" && <p class="quiet">Just now nothing of this is done: the mode is monitor, and the record says what would have been.</p>}
		<dl>{[["type", said.type], ["stage", stopped?.stage], ["why", stopped && why(stopped)], ["error", said.code], ["closed with", said.close]].map(([name, value]) => value && <><dt>{name}</dt><dd>{value}</dd></>)}</dl>
		{said.reply !== null && <><h3>The sender is answered</h3><pre tabIndex="0">{text(said.reply)}</pre></>}
		{said.message !== null && <><h3>{out ? "The client gets" : "Goes on"}{said.rewritten ? ", rewritten" : ", as it was sent"}</h3><pre tabIndex="0">{text(said.message)}</pre></>}
		{said.exceptions.length !== 0 && <><h3>To let this through</h3><p class="quiet">If it is harmless, add this to the configuration and reload.</p><pre tabIndex="0">{excepting(said.exceptions)}</pre></>}
		{stopped && said.exceptions.length === 0 && keys && <p class="quiet">That stage goes by {keys.split(" ").join(", ")} of the configuration.</p>}
		<h3>Stages</h3>
		<Table label="What each stage says" heads={["Stage", "Verdict", "Why~"]}
			rows={said.stages.map((one) => [one.stage, <span class={level(one.verdict)}>{one.verdict}</span>, why(one)])} />
	</section>;
}

export const Explain = needs(() => {
	const [policy] = usePolicy(), [said, setSaid] = useState(null), [error, setError] = useState(null);
	const values = policy?.values ?? [], roles = values.flatMap(({ path }) => path.match(/^rbac\.roles\.(.*)\.permissions$/)?.[1] ?? []);
	const paths = routesOf(values).map(({ path }) => path.replace(/\*$/, "") || "/");
	const explain = async (event) => {
		event.preventDefault();
		const form = event.target, body = { message: form.message.value, first: form.first.checked, certificate: form.certificate.checked, binary: form.binary.checked };
		for (const name of ["direction", "role", "path", "user", "from", "subprotocol"])
			if (form[name].value.trim())
				body[name] = form[name].value.trim();
		if (form.permissions.value.trim())
			body.permissions = form.permissions.value.trim().split(/[\s,]+/);
		try {
			setSaid({ said: await ask("POST", "explain", body), out: body.direction === "out" });
			setError(null);
		} catch (failed) {
			setSaid(null);
			setError(failed.message);
		}
	};
	return <>
		<form class="card line" onSubmit={explain}>
			<h2>Explain a message</h2>
			<p class="quiet">What the policy in use says of it. Nothing is sent, counted or recorded.</p>
			<label class="full">Message <textarea name="message" rows="5" maxLength="60000" required spellcheck={false} placeholder={'{"type":"chat_message","text":"hello"}'} /></label>
			<label>Direction <select name="direction"><option value="in">from a client</option><option value="out">to a client</option></select></label>
			<label>Role <select name="role">{roles.map((name) => <option selected={name === "user"}>{name}</option>)}</select></label>
			<label>Route <input name="path" list="paths" placeholder={paths[0]} autocomplete="off" /><datalist id="paths">{paths.map((path) => <option value={path} />)}</datalist></label>
			<label>User <input name="user" maxLength="128" autocomplete="off" /></label>
			<label>Only these permissions <input name="permissions" placeholder="all of the role" autocomplete="off" /></label>
			<label>From address <input name="from" autocomplete="off" /></label>
			<label>Subprotocol <input name="subprotocol" autocomplete="off" /></label>
			<label class="check"><input name="first" type="checkbox" /> first of its connection</label>
			<label class="check"><input name="certificate" type="checkbox" /> with a certificate</label>
			<label class="check"><input name="binary" type="checkbox" /> binary</label>
			<button>Explain</button>
			<Problem text={error} />
		</form>
		{said && <Said {...said} stages={policy?.stages ?? []} />}
	</>;
}, "Explaining messages");
