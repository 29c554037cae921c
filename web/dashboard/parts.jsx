import { useEffect, useReducer, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { live } from "./link.js";

export function useLive() {
	const [, again] = useReducer((count) => count + 1, 0);
	useEffect(() => {
		live.listeners.add(again);
		return () => live.listeners.delete(again);
	}, []);
	return live;
}

// Asks now, and again every so many milliseconds. [what came, error, ask now]
export function usePoll(get, every, ...inputs) {
	const [found, setFound] = useState(null), [error, setError] = useState(null), [round, setRound] = useState(0);
	useEffect(() => {
		let gone = false, timer = 0;
		const go = async () => {
			try {
				const value = await get();
				if (!gone)
					setFound(value), setError(null);
			} catch (problem) {
				if (!gone)
					setError(problem.message);
			}
			if (!gone && every)
				timer = setTimeout(go, every);
		};
		go();
		return () => { gone = true; clearTimeout(timer); };
	}, [round, ...inputs]);
	return [found, error, () => setRound((count) => count + 1)];
}

// What the token may not, is not offered; the server refuses it in any case.
export const may = (role) => live.may.includes(role);
export const Problem = ({ text }) => text ? <p class="problem" role="alert">{text}</p> : null;
export const number = (value) => (value ?? 0).toLocaleString("en");
export const time = (text) => new Date(text).toLocaleTimeString("en", { hour12: false });
export const moment = (text) => text ? new Date(text).toLocaleString("sv") : "";
export function span(seconds) {
	if (seconds < 60)
		return `${seconds} s`;
	if (seconds < 3600)
		return `${Math.floor(seconds / 60)} min`;
	return seconds < 86400 ? `${Math.floor(seconds / 3600)} h ${Math.floor(seconds % 3600 / 60)} min` : `${Math.floor(seconds / 86400)} d`;
}

// A button whose second click within four seconds counts.
export function Sure({ label, name, act }) {
	const [asked, setAsked] = useState(false), timer = useRef(0);
	useEffect(() => () => clearTimeout(timer.current), []);
	const click = () => {
		clearTimeout(timer.current);
		if (asked) {
			setAsked(false);
			act();
			return;
		}
		setAsked(true);
		timer.current = setTimeout(() => setAsked(false), 4000);
	};
	return <button type="button" class={asked ? "small danger" : "small"} aria-label={`${asked ? "really " : ""}${label} ${name}`} onClick={click}>{asked ? `really ${label}?` : label}</button>;
}

// A row may be a list of what is in its cells. A head that ends with # is of a column of figures, with ~ of one that is broken into lines.
export function Table({ heads, rows, label, empty }) {
	const columns = heads.map((head) => ({ "#": "figure", "~": "wide" }[head.at(-1)]));
	return <div class="scroll" tabIndex="0" role="region" aria-label={label}>
		<table>
			<thead><tr>{heads.map((head, at) => <th scope="col">{columns[at] ? head.slice(0, -1) : head}</th>)}</tr></thead>
			<tbody>{rows.map((row) => Array.isArray(row) ? <tr>{row.map((cell, at) => <td class={columns[at]}>{cell}</td>)}</tr> : row)}</tbody>
		</table>
		{rows.length === 0 && <p class="quiet">{empty ?? "none"}</p>}
	</div>;
}

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export function Chart({ theme }) {
	const place = useRef(null), plot = useRef(null);
	const { rates } = useLive();
	useEffect(() => {
		const line = (label, name) => ({ label, stroke: colour(name), width: 2, points: { show: false }, value: (_, v) => v == null ? "" : v.toFixed(1) });
		const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--edge"), width: 1 }, ticks: { show: false }, font: "12px system-ui" };
		const size = () => ({ width: Math.max(200, place.current.clientWidth), height: 220 });
		plot.current = new uPlot({
			...size(), legend: { live: true }, cursor: { points: { size: 6 } },
			series: [{ label: "time", value: (_, v) => v == null ? "" : new Date(v * 1000).toLocaleTimeString("en", { hour12: false }) },
				line("from clients", "--accent"), line("to clients", "--second"), line("refused", "--critical")],
			axes: [{ ...axis, incrs: [1, 5, 10, 15, 30, 60], values: (_, at) => at.map((v) => new Date(v * 1000).toLocaleTimeString("en", { hour12: false, hour: "2-digit", minute: "2-digit", second: "2-digit" })) }, { ...axis, size: 48 }],
			scales: { y: { range: (_, low, high) => [0, Math.max(1, high * 1.1)] } },
		}, [[], [], [], []], place.current);
		const watch = new ResizeObserver(() => place.current && plot.current?.setSize(size()));
		watch.observe(place.current);
		return () => { watch.disconnect(); plot.current.destroy(); plot.current = null; };
	}, [theme]);
	useEffect(() => plot.current?.setData([rates.at, rates.in, rates.out, rates.refused].map((list) => [...list])));
	const last = (list) => (list.at(-1) ?? 0).toFixed(1);
	return <div ref={place} class="chart" role="img" aria-label={`Messages a second: ${last(rates.in)} from clients, ${last(rates.out)} to clients, ${last(rates.refused)} refused`} />;
}
