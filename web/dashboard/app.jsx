import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { connect, live, setToken, takeToken, token } from "./link.js";
import { useLive } from "./parts.jsx";
import { Alerts, Responses } from "./watch.jsx";
import { Explain, Policy } from "./policy.jsx";
import { Blocks, Connections, Events, Figures, Overview, Reports, Sessions } from "./pages.jsx";
import "uplot/dist/uPlot.min.css";
import "./app.css";

const pages = { "": ["Overview", Overview], connections: ["Connections", Connections], events: ["Records", Events], alerts: ["Alerts", Alerts], responses: ["Responses", Responses], blocks: ["Blocks", Blocks],
	sessions: ["Sessions", Sessions], policy: ["Policy", Policy], explain: ["Explain", Explain], reports: ["Reports", Reports], figures: ["Counters", Figures] };
const here = () => location.hash.replace(/^#\/?/, "");
const words = { live: "live", away: "no answer, trying again", refused: "the token was refused", "no token": "no token" };

function Login() {
	const open = (event) => {
		event.preventDefault();
		setToken(event.target.token.value.trim());
		connect();
	};
	return <form class="card login" autocomplete="off" onSubmit={open}>
		<h2>Admin token</h2>
		<p>It is in the file <code>admin.token</code> of the data directory. It stays in this tab only.</p>
		<div class="head"><input name="token" type="password" aria-label="Admin token" required /><button>Open</button></div>
	</form>;
}

function App() {
	const { state, figures, role } = useLive();
	const [page, setPage] = useState(here), [theme, setTheme] = useState(localStorage.getItem("framewall.theme") ?? "");
	useEffect(() => {
		const moved = () => { if (takeToken()) connect(); setPage(here()); };
		addEventListener("hashchange", moved);
		return () => removeEventListener("hashchange", moved);
	}, []);
	useEffect(() => {
		document.documentElement.dataset.theme = theme;
		localStorage.setItem("framewall.theme", theme);
	}, [theme]);
	const [title, Page] = pages[page] ?? pages[""];
	useEffect(() => { document.title = `${title} · Framewall`; }, [title]);
	const next = { "": "dark", dark: "light", light: "" };
	return <>
		<a class="skip" href="#main" onClick={(event) => { event.preventDefault(); document.getElementById("main").focus(); }}>to the content</a>
		<header>
			<h1>Framewall</h1>
			<p id="state" role="status" class={state === "live" ? "" : "bad"}>{words[state] ?? state}{state === "live" && figures ? `, version ${figures.version}, up ${Math.floor(figures.uptime_seconds / 60)} min` : ""}{state === "live" && role !== "admin" && role ? `, as ${role}` : ""}</p>
			<button type="button" class="small" onClick={() => setTheme(next[theme])}>theme: {theme || "as the system"}</button>
		</header>
		{token() ? <>
			<nav aria-label="Pages">{Object.entries(pages).map(([name, [label]]) => <a href={"#/" + name} aria-current={title === label ? "page" : undefined}>{label}</a>)}</nav>
			<main id="main" tabIndex="-1"><Page theme={theme} /></main>
		</> : <main id="main" tabIndex="-1"><Login /></main>}
	</>;
}

takeToken();
connect();
render(<App />, document.getElementById("app"));
