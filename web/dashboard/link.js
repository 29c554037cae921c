// The admin API and the stream, for every page: the token, requests, what came last.
const KEY = "framewall.admin";
const EVENTS = 500, SECONDS = 300;

// The link that the program prints carries the token behind #, which no server sees; it does not stay in the address.
export function takeToken() {
	const given = new URLSearchParams(location.hash.slice(1)).get("token");
	if (!given)
		return false;
	sessionStorage.setItem(KEY, given);
	history.replaceState(null, "", location.pathname + "#/");
	return true;
}
export const token = () => sessionStorage.getItem(KEY);
export const setToken = (text) => (text ? sessionStorage.setItem(KEY, text) : sessionStorage.removeItem(KEY));

async function answer(method, path, body) {
	const used = token(), options = { method, headers: { Authorization: "Bearer " + used } };
	if (body !== undefined) {
		options.headers["Content-Type"] = "application/json";
		options.body = JSON.stringify(body);
	}
	const found = await fetch("/api/v1/" + path, options);
	if (found.status === 401 && used === token()) { // of another one than it was asked with nothing is said
		setToken(null);
		live.change({ state: "refused" });
	}
	if (found.ok)
		return found;
	const problem = await found.json().catch(() => ({}));
	throw new Error(problem.detail ?? `the server answered ${found.status}`);
}
export async function ask(method, path, body) {
	const found = await answer(method, path, body);
	return found.status === 204 ? null : found.json();
}
export const file = async (path) => (await answer("GET", path)).blob();

// What the stream told: figures, records newest first, and rates by the second.
export const live = {
	state: "no token",
	figures: null,
	role: "",
	may: [],
	events: [],
	missed: 0,
	rates: { at: [], in: [], out: [], refused: [] },
	listeners: new Set(),
	change(what) {
		Object.assign(this, what);
		for (const listener of this.listeners)
			listener();
	},
};

let socket = null, wait = 500, before = null, timer = 0, round = 0;

function takeFigures(figures) {
	const now = Date.now() / 1000, c = figures.counters, rates = live.rates;
	if (before && c.messages_in >= before.c.messages_in && now > before.now) {
		const per = (name) => (c[name] - before.c[name]) / (now - before.now);
		rates.at.push(now);
		rates.in.push(per("messages_in"));
		rates.out.push(per("messages_out"));
		rates.refused.push(per("refused") + per("would_refuse"));
		for (const list of Object.values(rates))
			list.splice(0, Math.max(0, list.length - SECONDS));
	}
	before = { now, c };
	live.change({ figures, state: "live" });
}

function takeEvents(data, again) {
	const known = again ? new Set(live.events.map((event) => event.event_id)) : null;
	const fresh = data.events.filter((event) => !known?.has(event.event_id)).reverse();
	live.change({ events: [...fresh, ...live.events].slice(0, EVENTS), missed: live.missed + data.missed });
}

// The token is asked about before the stream is opened with it: of a handshake that is refused a browser tells the page nothing, and complains.
export async function connect() {
	const own = ++round;
	clearTimeout(timer);
	socket?.close();
	socket = before = null;
	if (!token()) {
		live.change({ state: live.state === "refused" ? "refused" : "no token" });
		return;
	}
	const later = () => {
		if (own !== round || !token())
			return;
		live.change({ state: "away" });
		timer = setTimeout(connect, wait);
		wait = Math.min(wait * 2, 10000);
	};
	try {
		const { role, may } = await ask("GET", "whoami");
		if (own !== round)
			return;
		live.change({ role, may });
	} catch {
		return later();
	}
	const scheme = location.protocol === "https:" ? "wss" : "ws";
	let again = live.events.length !== 0;
	socket = new WebSocket(`${scheme}://${location.host}/api/v1/stream`, ["framewall.bearer", token()]);
	socket.onclose = later;
	socket.onmessage = (message) => {
		const { type, data } = JSON.parse(message.data);
		wait = 500;
		if (type === "figures")
			takeFigures(data);
		else if (type === "events")
			takeEvents(data, again), again = false;
	};
}
