import { useState } from "preact/hooks";
import { ask, file } from "./link.js";
import { Detail, summary } from "./event.jsx";
import { Chart, Problem, Sure, Table, may, moment, number, span, time, useLive, usePoll } from "./parts.jsx";

const LEVELS = ["info", "warning", "critical", "emergency"];

function EventRow({ event, open, chosen }) {
	return <tr class={chosen ? "chosen" : ""}>
		<td>{time(event.timestamp)}</td>
		<td><button type="button" class={`link ${event.level?.toLowerCase()}`} onClick={() => open(event)}>{event.event_type.replaceAll("_", " ")}</button></td>
		<td>{event.source_ip ?? ""}</td><td>{event.user_id ?? ""}</td><td class="wide">{summary(event)}</td>
	</tr>;
}

export function Overview({ theme }) {
	const { figures, events } = useLive();
	const [open, setOpen] = useState(null);
	if (!figures)
		return <p class="quiet">waiting for figures…</p>;
	const c = figures.counters, worth = events.filter((event) => event.level?.toLowerCase() !== "info").slice(0, 8);
	const tiles = [[figures.active_connections, "connections"], [figures.sessions, "sessions"], [figures.recent_security_events, "records, last hour"],
		[figures.auth_failures_last_hour, "refused logins, last hour"], [figures.rate_limit_violations, "over a limit, last hour"], [figures.blocked_ips, "blocked"]];
	const verdicts = [["passed unchanged", c.passed], ["rewritten", c.rewritten], ["refused", c.refused], ["would be refused (monitor)", c.would_refuse],
		["of those by a limit", c.rate_limited], ["answers kept back", c.outbound_withheld, true], ["connections ended by policy", c.closed_by_policy, true], ["protocol errors", c.protocol_errors, true]];
	const all = Math.max(1, c.messages_in);
	return <>
		<div class="tiles">{tiles.map(([value, label]) => <div class="tile"><b>{number(value)}</b><span>{label}</span></div>)}</div>
		<section class="card"><h2>Messages a second</h2><Chart theme={theme} /></section>
		<div class="columns">
			<section class="card"><h2>Worth a look</h2>
				<Table label="Latest records above info" heads={["Time", "Event", "From", "User", "Details"]} empty="nothing but the usual"
					rows={worth.map((event) => <EventRow key={event.event_id} event={event} open={setOpen} />)} />
			</section>
			<section class="card"><h2>Verdicts since the start</h2>
				<Table label="Verdicts" heads={["", "count#", "of messages#"]} rows={verdicts.map(([label, value, apart]) => [label, number(value), value && !apart ? `${(value * 100 / all).toFixed(1)} %` : ""])} />
			</section>
		</div>
		{open && <Detail event={open} close={() => setOpen(null)} />}
	</>;
}

export function Connections() {
	const [user, setUser] = useState(""), [error, setError] = useState(null), [before] = useState(() => new Map());
	const [found, problem, again] = usePoll(() => ask("GET", "connections?limit=200" + (user ? "&user_id=" + encodeURIComponent(user) : "")), 2000, user);
	const end = async (id) => {
		setError(null);
		await ask("DELETE", "connections/" + id).catch((failed) => setError(failed.message));
		again();
	};
	const rate = (one) => {
		const now = Date.now(), last = before.get(one.connection_id);
		if (!last || now - last.at > 1500)
			before.set(one.connection_id, { at: now, count: one.messages_in, rate: last ? (one.messages_in - last.count) * 1000 / (now - last.at) : 0 });
		return before.get(one.connection_id).rate.toFixed(1);
	};
	return <section class="card">
		<div class="head"><h2>Connections <small>{found ? `${found.connections.length} of ${number(found.total)}` : ""}</small></h2>
			<input type="search" placeholder="user id" aria-label="Only of this user" value={user} onInput={(event) => setUser(event.target.value)} /></div>
		<Problem text={error ?? problem} />
		<Table label="Connections" heads={["User", "Role", "From", "Route", "Since", "Idle", "In", "Out", "In a second", ""]}
			rows={(found?.connections ?? []).map((one) => <tr key={one.connection_id}>
				<td>{one.user_id ?? <i>nobody yet</i>}</td><td>{one.role ?? ""}</td><td>{one.source_ip}{one.tls ? " (TLS)" : ""}</td><td>{one.route ?? ""}</td>
				<td>{span(one.connected_seconds)}</td><td>{span(one.idle_seconds)}</td><td class="figure">{number(one.messages_in)}</td><td class="figure">{number(one.messages_out)}</td><td class="figure">{rate(one)}</td>
				<td>{may("operator") && <Sure label="close" name={`connection of ${one.user_id ?? one.source_ip}`} act={() => end(one.connection_id)} />}</td>
			</tr>)} />
	</section>;
}

export function Events() {
	const { events, missed } = useLive();
	const [level, setLevel] = useState(""), [text, setText] = useState(""), [held, setHeld] = useState(null), [open, setOpen] = useState(null);
	const wanted = text.toLowerCase();
	const shown = (held ?? events).filter((event) => (!level || LEVELS.indexOf(event.level?.toLowerCase()) >= LEVELS.indexOf(level)) &&
		(!wanted || JSON.stringify(event).toLowerCase().includes(wanted))).slice(0, 200);
	return <>
		<section class="card">
			<div class="head"><h2>Records <small>{held ? "held" : "live"}{missed ? `, ${number(missed)} not shown` : ""}</small></h2>
				<select aria-label="Least level" value={level} onChange={(event) => setLevel(event.target.value)}>
					<option value="">every level</option>{LEVELS.slice(1).map((name) => <option value={name}>{name} and above</option>)}
				</select>
				<input type="search" placeholder="event, user, address, rule…" aria-label="Only records with this text" value={text} onInput={(event) => setText(event.target.value)} />
				<button type="button" class="small" aria-pressed={held !== null} onClick={() => setHeld(held ? null : events)}>{held ? "go on" : "hold"}</button></div>
			<Table label="Records" heads={["Time", "Event", "From", "User", "Details"]}
				rows={shown.map((event) => <EventRow key={event.event_id} event={event} open={setOpen} chosen={open?.event_id === event.event_id} />)} />
		</section>
		{open && <Detail event={open} close={() => setOpen(null)} />}
	</>;
}

export function Blocks() {
	const [found, problem, again] = usePoll(() => ask("GET", "blocks"), 3000);
	const [error, setError] = useState(null), [why, setWhy] = useState(null);
	const path = (one) => "blocks/" + encodeURIComponent(one.address ?? "user:" + one.user);
	const act = async (method, where, body) => {
		setError(null);
		try {
			await ask(method, where, body);
		} catch (failed) {
			setError(failed.message);
		}
		again();
	};
	const add = (event) => {
		event.preventDefault();
		const form = event.target, whom = form.whom.value.trim(), hours = Number(form.hours.value);
		const body = { [/^[0-9a-fA-F:.]+$/.test(whom) ? "address" : "user"]: whom, hours };
		if (form.reason.value)
			body.reason = form.reason.value;
		act("POST", "blocks", body).then(() => form.reset());
	};
	const explain = async (one) => setWhy(await ask("GET", path(one)).catch((failed) => { setError(failed.message); return null; }));
	return <>
		{may("operator") && <form class="card line" onSubmit={add}>
			<h2>Block</h2>
			<label>Address or user <input name="whom" required autocomplete="off" /></label>
			<label>Hours <input name="hours" type="number" min="1" max="8760" value="1" required /></label>
			<label>Reason <input name="reason" maxLength="120" autocomplete="off" /></label>
			<button>Block</button>
		</form>}
		<Problem text={error ?? problem} />
		<section class="card"><h2>Blocked</h2>
			<Table label="Blocks" heads={["Whom", "Until", "By", "Reason", "Blocks", ""]}
				rows={(found?.blocks ?? []).map((one) => <tr key={path(one)}>
					<td>{one.address ?? one.user}</td><td>{moment(one.expires_at)}</td><td>{one.by}</td><td class="wide">{one.reason}</td><td class="figure">{one.blocks}</td>
					<td class="actions"><button type="button" class="small" aria-label={`why ${one.address ?? one.user}`} onClick={() => explain(one)}>why</button>{may("operator") && <Sure label="unblock" name={one.address ?? one.user} act={() => act("DELETE", path(one))} />}</td>
				</tr>)} />
		</section>
		{why && <aside class="card detail" aria-label="Why it is blocked"><div class="head"><h2>{why.address ?? why.user}</h2><button type="button" class="small" onClick={() => setWhy(null)}>close</button></div>
			<p>{why.points} of {why.threshold} points; {why.blocks} automatic blocks are remembered; {why.users} users logged in from there of late.</p>
			<Table label="What the points are for" heads={["Event", "Points#"]} rows={why.events.map((one) => [one.event.replaceAll("_", " "), one.points])} /></aside>}
	</>;
}

export function Sessions() {
	const [found, problem, again] = usePoll(() => ask("GET", "sessions"), 3000);
	const [error, setError] = useState(null);
	const end = async (id) => {
		setError(null);
		await ask("DELETE", "sessions/" + encodeURIComponent(id)).catch((failed) => setError(failed.message));
		again();
	};
	return <section class="card"><h2>Sessions</h2>
		<Problem text={error ?? problem} />
		<Table label="Sessions" heads={["User", "Role", "Session", "Connected", "Until", ""]}
			rows={(found?.sessions ?? []).map((one) => <tr key={one.session_id}>
				<td>{one.user_id}</td><td>{one.role}</td><td>{one.session_id}</td><td>{one.connected ? "yes" : "can come back"}</td><td>{moment(one.expires_at)}</td>
				<td>{may("operator") && <Sure label="end" name={`session of ${one.user_id}`} act={() => end(one.session_id)} />}</td>
			</tr>)} />
	</section>;
}

export function Reports() {
	const [busy, setBusy] = useState(false), [error, setError] = useState(null);
	const get = async (event) => {
		event.preventDefault();
		const form = event.target, words = new URLSearchParams({ format: form.format.value });
		for (const name of ["start", "end", "framework"])
			if (form[name].value)
				words.set(name, form[name].value);
		setBusy(true);
		setError(null);
		try {
			const link = document.createElement("a");
			link.href = URL.createObjectURL(await file("report?" + words));
			link.download = `framewall-report.${form.format.value}`;
			link.click();
			setTimeout(() => URL.revokeObjectURL(link.href), 10000);
		} catch (failed) {
			setError(failed.message);
		}
		setBusy(false);
	};
	if (!may("auditor"))
		return <p class="card quiet">Reports need the role auditor.</p>;
	return <form class="card line" onSubmit={get}>
		<h2>Report for auditors</h2>
		<label>From <input name="start" type="date" /></label>
		<label>To <input name="end" type="date" /></label>
		<label>Framework <select name="framework"><option value="">all</option><option>soc2</option><option>iso27001</option><option>nist-csf</option><option>owasp</option></select></label>
		<label>Format <select name="format"><option>html</option><option>json</option><option>csv</option></select></label>
		<button disabled={busy}>{busy ? "making it…" : "Download"}</button>
		<p class="quiet">With a PDF and a signature: <code>framewall report</code>.</p>
		<Problem text={error} />
	</form>;
}

export function Figures() {
	const { figures } = useLive();
	return <section class="card"><h2>Counters since the start</h2>
		<Table label="Counters" heads={["", "#"]} rows={Object.entries(figures?.counters ?? {}).map(([name, value]) => [name.replaceAll("_", " "), number(value)])} />
	</section>;
}
