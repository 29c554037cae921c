"use strict";

const tiles = [
	["active_connections", "connections"],
	["sessions", "sessions"],
	["recent_security_events", "events, last hour"],
	["auth_failures_last_hour", "refused logins, last hour"],
	["rate_limit_violations", "over the rate, last hour"],
	["blocked_ips", "blocked addresses"],
];
const KEY = "framewall.admin";
const POINTS = 120;
const rates = [];
let before = null;
let timer = 0;

const find = (id) => document.getElementById(id);

function make(tag, text, className) {
	const element = document.createElement(tag);
	if (text !== undefined)
		element.textContent = text;
	if (className)
		element.className = className;
	return element;
}

/* The link that the program prints carries the token behind #, which no server sees; it does not stay in the address. */
function takeToken() {
	const given = new URLSearchParams(location.hash.slice(1)).get("token");
	if (given) {
		sessionStorage.setItem(KEY, given);
		history.replaceState(null, "", location.pathname);
	}
}

async function ask(path, options) {
	const answer = await fetch(path, { ...options, headers: { Authorization: "Bearer " + sessionStorage.getItem(KEY) } });
	if (answer.status === 401) {
		sessionStorage.removeItem(KEY);
		throw new Error("the token was refused");
	}
	if (!answer.ok)
		throw new Error("the server answered " + answer.status);
	return answer.status === 204 ? null : answer.json();
}

function showTiles(stats) {
	find("tiles").replaceChildren(...tiles.map(([key, label]) => {
		const tile = make("div", undefined, "tile");
		tile.append(make("b", stats[key].toLocaleString()), make("span", label));
		return tile;
	}));
}

function showRate(stats) {
	const now = performance.now();
	const messages = stats.counters.messages_in;
	if (before && messages >= before.messages)
		rates.push((messages - before.messages) * 1000 / (now - before.now));
	before = { now, messages };
	rates.splice(0, Math.max(0, rates.length - POINTS));
	const top = Math.max(1, ...rates);
	find("line").setAttribute("points", rates.map((rate, i) => `${i * 120 / (POINTS - 1)},${29 - rate / top * 27}`).join(" "));
	find("rate").textContent = rates.length ? rates[rates.length - 1].toFixed(1) : "";
}

function showCounters(stats) {
	find("counters").tBodies[0].replaceChildren(...Object.entries(stats.counters).map(([name, value]) => {
		const row = make("tr");
		row.append(make("td", name.replaceAll("_", " ")), make("td", value.toLocaleString()));
		return row;
	}));
}

function showEvents(events) {
	find("events").tBodies[0].replaceChildren(...events.map((event) => {
		const row = make("tr");
		const details = Object.entries(event.details).map(([key, value]) => `${key}: ${value}`).join(", ");
		row.append(make("td", new Date(event.timestamp).toLocaleTimeString()), make("td", event.event_type, event.level),
			make("td", event.source_ip ?? ""), make("td", event.user_id ?? ""), make("td", details));
		return row;
	}));
}

function showBlocks(blocks) {
	find("blocks").replaceChildren(...blocks.map((block) => {
		const item = make("li");
		const what = make("span", block.address);
		const remove = make("button", "unblock", "small");
		what.append(make("small", `${block.reason}, until ${new Date(block.expires_at).toLocaleString()}`));
		remove.addEventListener("click", async () => {
			await ask("/api/v1/blocks/" + encodeURIComponent(block.address), { method: "DELETE" }).catch(() => {});
			refresh();
		});
		item.append(what, remove);
		return item;
	}));
}

function show(open, text, bad) {
	find("login").hidden = open;
	find("board").hidden = !open;
	find("state").textContent = text;
	find("state").className = bad ? "bad" : "";
}

async function refresh() {
	clearTimeout(timer);
	if (!sessionStorage.getItem(KEY)) {
		show(false, "no token");
		return;
	}
	try {
		const [stats, events, blocks] = await Promise.all(["stats", "events?limit=50", "blocks"].map((name) => ask("/api/v1/" + name)));
		showTiles(stats);
		showRate(stats);
		showCounters(stats);
		showEvents(events.events);
		showBlocks(blocks.blocks);
		show(true, `version ${stats.version}, up ${Math.floor(stats.uptime_seconds / 60)} min, ${stats.workers} workers`);
	} catch (error) {
		const open = sessionStorage.getItem(KEY) !== null;
		show(open, open ? `no answer: ${error.message}` : error.message, true);
		if (!open)
			return;
	}
	timer = setTimeout(refresh, 1000);
}

find("login").addEventListener("submit", (event) => {
	event.preventDefault();
	sessionStorage.setItem(KEY, find("token").value.trim());
	find("token").value = "";
	refresh();
});
window.addEventListener("hashchange", () => {
	takeToken();
	refresh();
});
takeToken();
refresh();
