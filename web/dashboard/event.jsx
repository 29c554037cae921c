import { moment } from "./parts.jsx";

const known = new Set(["event_id", "event_type", "level", "timestamp", "source_ip", "user_id", "session_id", "connection_id", "details"]);
const text = (value) => typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);

export const excepting = (lines) => `validation:\n  inspect:\n    exceptions:\n${lines.map((line) => `      - "${line}"`).join("\n")}`;

// How a harmless message of that kind is let through, in the configuration.
function exception(details) {
	const rules = [...new Set([details.rule, ...String(details.rules ?? "").split(/[ ,]+/)].filter((rule) => /^FW-/.test(rule ?? "")))];
	if (rules.length === 0)
		return null;
	return excepting(rules.map((rule) => `${details.message_type ?? "*"} ${details.field && details.field !== "*" ? details.field + " " : ""}${rule}`));
}

export const summary = (event) => Object.entries(event.details ?? {}).map(([key, value]) => `${key}: ${text(value)}`).join(", ");

export function Detail({ event, close }) {
	const rows = [["event", event.event_type], ["level", event.level], ["time", moment(event.timestamp)], ["address", event.source_ip],
		["user", event.user_id], ["session", event.session_id], ["connection", event.connection_id], ["event id", event.event_id],
		...Object.entries(event.details ?? {}), ...Object.entries(event).filter(([key]) => !known.has(key))];
	const except = exception(event.details ?? {});
	return <aside class="card detail" aria-label="One record">
		<div class="head"><h2>{event.event_type.replaceAll("_", " ")}</h2><button type="button" class="small" onClick={close}>close</button></div>
		<dl>{rows.filter(([, value]) => value !== undefined && value !== null && value !== "").map(([key, value]) => <><dt>{key.replaceAll("_", " ")}</dt><dd>{text(value)}</dd></>)}</dl>
		{except && <><h3>To let this through</h3><p class="quiet">If it was harmless, add this to the configuration and reload; <code>framewall explain</code> shows what each stage says of a message.</p><pre>{except}</pre></>}
	</aside>;
}
