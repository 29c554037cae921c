"use strict";

const KEY = "framewall.demo";
const KEEP = { messages: 500, errors: 20 };
const samples = [
	"<b>bold</b> and <i>slanted</i>",
	"a < b && c, vector<int>",
	"<img src=x onerror=alert(1)>",
	"<svg onload=alert(1)>",
	"<a href=\"javascript:alert(1)\">click me</a>",
	"<script>alert(1)</script>",
];
const retry = new Set([1001, 1006, 1011, 1013, 4408]);
const byMessage = new URLSearchParams(location.search).get("auth") === "message";
let who = null;
let socket = null;
let attempts = 0;
let lastOwn = null;

const find = (id) => document.getElementById(id);

function make(tag, text, className) {
	const element = document.createElement(tag);
	if (text !== undefined)
		element.textContent = text;
	if (className)
		element.className = className;
	return element;
}

function status(text, className) {
	find("status").textContent = text;
	find("status").className = className ?? "";
}

function clock(timestamp) {
	const time = new Date(timestamp ?? Date.now());
	return isNaN(time) ? "" : time.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

function append(item) {
	const list = find("messages");
	const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
	list.append(item);
	while (list.childElementCount > KEEP.messages)
		list.firstElementChild.remove();
	if (atEnd)
		list.scrollTop = list.scrollHeight;
}

/* The text of others is an HTML fragment that Framewall has made safe: that is what it is for, so it is used as HTML. */
function showMessage(data) {
	const item = make("li");
	const text = make("span", undefined, "text");
	item.append(make("span", `${data.sender} (${data.sender_role}) ${clock(data.timestamp)}`, "by"), text);
	text.innerHTML = data.text;
	append(item);
}

/* The hub does not send one's own messages back: they are shown as they were typed. */
function showOwn(text) {
	const item = make("li", undefined, "own");
	item.append(make("span", `${who.user} ${clock()}`, "by"), make("span", text, "text"));
	append(item);
	lastOwn = item;
}

function notice(text) {
	append(make("li", text, "notice"));
}

function showError(data) {
	const item = make("li");
	const problems = (data.errors ?? []).map((problem) =>
		`${problem.field}: ${problem.rule}${problem.limit === undefined ? "" : " " + problem.limit}`);
	item.append(make("code", data.code), document.createTextNode(" " + data.message));
	if (data.rule)
		problems.unshift(`rule ${data.rule}`);
	if (data.retry_after !== undefined)
		problems.push(`again in ${data.retry_after} s`);
	if (problems.length)
		item.append(make("small", problems.join(", ")));
	if (data.event_id)
		item.append(make("small", `event ${data.event_id}`));
	find("errors").prepend(item);
	while (find("errors").childElementCount > KEEP.errors)
		find("errors").lastElementChild.remove();
	lastOwn?.classList.add("refused");
	lastOwn = null;
}

function showWho(more) {
	const rows = { user: who.user, role: who.role, ...more };
	find("whoami").replaceChildren(...Object.entries(rows).flatMap(([key, value]) => [make("dt", key), make("dd", String(value))]));
	document.title = `${who.user}: Framewall chat`;
}

function connected() {
	attempts = 0;
	status(`connected as ${who.user} (${who.role})`, "good");
}

function showLogin(data) {
	who.user = data.user_id;
	who.role = data.role;
	showWho({
		permissions: data.permissions.join(" "),
		connection: data.connection_id,
		"session until": new Date(data.session_expires_at).toLocaleString(),
	});
	connected();
}

const handlers = {
	chat_message: showMessage,
	error: showError,
	auth_success: showLogin,
	user_status: (data) => notice(`${data.user_id} (${data.role}) ${data.status}`),
};

function onMessage(event) {
	const message = JSON.parse(event.data);
	if (Object.hasOwn(handlers, message.type))
		handlers[message.type](message.data);
}

function onClose(event) {
	const why = event.reason ? `${event.code}: ${event.reason}` : event.code;
	socket = null;
	if (event.code === 4401) {
		sessionStorage.removeItem(KEY);
		status(`logged out (${why}): open a new login link`, "bad");
	} else if (retry.has(event.code) && attempts < 8) {
		status(`not connected (${why}), trying again`, "bad");
		setTimeout(connect, Math.min(30000, 500 * 2 ** attempts++));
	} else {
		status(`not connected (${why})`, "bad");
	}
}

function connect() {
	status("connecting");
	socket = byMessage ? new WebSocket(who.url) : new WebSocket(who.url, ["framewall.bearer", who.token]);
	socket.addEventListener("message", onMessage);
	socket.addEventListener("close", onClose);
	socket.addEventListener("open", () => {
		if (byMessage)
			socket.send(JSON.stringify({ type: "auth", method: "jwt", token: who.token }));
		else
			connected();
	});
}

/* The code works once; what it is changed for stays in this tab, so that it may be reloaded. */
async function logIn(code) {
	const answer = await fetch("/demo/login", {
		method: "POST",
		headers: { "Content-Type": "application/json" },
		body: JSON.stringify({ code }),
	});
	if (!answer.ok)
		throw new Error((await answer.json()).detail);
	who = await answer.json();
	sessionStorage.setItem(KEY, JSON.stringify(who));
}

async function start() {
	const code = location.hash.slice(1);
	history.replaceState(null, "", location.pathname + location.search);
	try {
		if (code)
			await logIn(code);
		else
			who = JSON.parse(sessionStorage.getItem(KEY));
	} catch (error) {
		status(error.message, "bad");
		return;
	}
	if (!who) {
		status("not logged in: open the link that framewall printed", "bad");
		return;
	}
	showWho();
	connect();
}

find("form").addEventListener("submit", (event) => {
	const text = find("input").value;
	event.preventDefault();
	if (text === "" || socket?.readyState !== WebSocket.OPEN)
		return;
	find("input").value = "";
	showOwn(text);
	socket.send(JSON.stringify({ type: "chat_message", text }));
});
find("samples").replaceChildren(...samples.map((sample) => {
	const item = make("li");
	const button = make("button", sample);
	button.type = "button";
	button.addEventListener("click", () => {
		find("input").value = sample;
		find("input").focus();
	});
	item.append(button);
	return item;
}));
window.addEventListener("hashchange", () => location.reload());
start();
