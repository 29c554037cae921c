import { useState } from "preact/hooks";
import { ask } from "./link.js";
import { Problem, Sure, Table, may, moment, number, usePoll } from "./parts.jsx";

// Does something, says what failed, asks anew.
function useAct(again) {
	const [error, setError] = useState(null);
	const act = async (method, path, body) => {
		setError(null);
		try {
			await ask(method, path, body);
			return true;
		} catch (failed) {
			setError(failed.message);
			return false;
		} finally {
			again();
		}
	};
	return [error, act];
}

const inWords = (matchers) => Object.entries(matchers).map(([label, pattern]) => `${label}=${pattern}`).join(", ");

// alert="a", address="192.0.2.1" as an object: a text has no quotation marks, they are "?" there.
const labelsOf = (one) => ({ alert: one.alert, ...Object.fromEntries([...one.labels.matchAll(/([\w.]+)="([^"]*)"/g)].map(([, name, value]) => [name, value])) });

export function Alerts() {
	const [found, problem, again] = usePoll(() => ask("GET", "alerts"), 2000);
	const [error, act] = useAct(again);
	const [chosen, setChosen] = useState(null);
	const silence = (event) => {
		event.preventDefault();
		const form = event.target;
		act("POST", "silences", { matchers: chosen, seconds: Number(form.minutes.value) * 60, reason: form.reason.value, author: form.author.value })
			.then((done) => done && setChosen(null));
	};
	return <>
		<Problem text={error ?? problem} />
		<section class="card"><h2>Alerts</h2>
			<Table label="Alerts" heads={["Alert", "State", "Level", "Labels", "Since", "Causes", ""]} empty="nothing is wrong that a rule would tell of"
				rows={(found?.alerts ?? []).filter((one) => one.state !== "quiet").map((one) => <tr key={one.id}>
					<td>{one.alert}</td><td>{one.state}</td><td>{one.level.toLowerCase()}</td><td class="wide">{one.labels}</td><td>{moment(one.since)}</td><td class="figure">{number(one.causes)}</td>
					<td>{may("operator") && <button type="button" class="small" aria-label={`silence ${one.alert} ${one.labels}`} onClick={() => setChosen(labelsOf(one))}>silence</button>}</td>
				</tr>)} />
		</section>
		{chosen && <form class="card line" onSubmit={silence}>
			<h2>Silence {inWords(chosen)}</h2>
			<label>Minutes <input name="minutes" type="number" min="1" max="525600" value="60" required /></label>
			<label>Reason <input name="reason" maxLength="120" required autocomplete="off" /></label>
			<label>Your name <input name="author" maxLength="64" required autocomplete="off" /></label>
			<button>Silence</button><button type="button" class="small" onClick={() => setChosen(null)}>leave it</button>
		</form>}
		<section class="card"><h2>Silences</h2>
			<Table label="Silences" heads={["Of", "Until", "Reason", "By", ""]}
				rows={(found?.silences ?? []).map((one) => <tr key={one.id}>
					<td class="wide">{inWords(one.matchers)}</td><td>{moment(one.until)}</td><td class="wide">{one.reason}</td><td>{one.author}</td>
					<td>{may("operator") && <Sure label="end" name={`silence of ${inWords(one.matchers)}`} act={() => act("DELETE", "silences/" + one.id)} />}</td>
				</tr>)} />
		</section>
	</>;
}

const ACTIONS = ["isolate", "slow", "step_up", "revoke", "block", "ticket"];

export function Responses() {
	const [found, problem, again] = usePoll(() => ask("GET", "responses"), 2000);
	const [error, act] = useAct(again);
	const add = (event) => {
		event.preventDefault();
		const form = event.target, whom = form.whom.value.trim();
		act("POST", "responses", { action: form.action_.value, [/^[0-9a-fA-F:.]*[:.][0-9a-fA-F:.]*$/.test(whom) ? "address" : "user"]: whom, seconds: Number(form.minutes.value) * 60,
			reason: form.reason.value, dry_run: form.dry.checked }).then((done) => done && form.reset());
	};
	return <>
		{may("operator") && <form class="card line" onSubmit={add}>
			<h2>Respond</h2>
			<label>What <select name="action_">{ACTIONS.map((name) => <option value={name}>{name.replace("_", " ")}</option>)}</select></label>
			<label>Address or user <input name="whom" required autocomplete="off" /></label>
			<label>Minutes <input name="minutes" type="number" min="1" max="525600" value="60" required /></label>
			<label>Reason <input name="reason" maxLength="120" required autocomplete="off" /></label>
			<label><input name="dry" type="checkbox" /> dry run</label>
			<button>Do it</button>
		</form>}
		<Problem text={error ?? problem} />
		<section class="card"><h2>In force</h2>
			<Table label="Responses" heads={["What", "Whom", "Until", "By rule", "Why", ""]}
				rows={(found?.responses ?? []).map((one) => <tr key={one.id}>
					<td>{one.action.replace("_", " ")}{one.dry_run ? " (dry run)" : ""}</td><td>{one.user ?? one.address}</td><td>{moment(one.until)}</td><td>{one.rule ?? ""}</td>
					<td class="wide">{one.reason}{one.was_so_before ? " (it was so before)" : ""}</td>
					<td>{may("operator") && <Sure label="undo" name={`${one.action} of ${one.user ?? one.address}`} act={() => act("DELETE", "responses/" + one.id)} />}</td>
				</tr>)} />
		</section>
	</>;
}
