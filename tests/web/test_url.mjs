// Links, against another reader of the URL standard: what Framewall lets through, Node's URL reads as http or https (in HTML mailto and
// relative, too) with a public host that is not blocked and without a user; what Node leaves as it is and is public, goes through. The URLs are of
// a list and made from it at random, the same each run; the vectors of the standard are read where they are.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { domainToASCII } from "node:url";
import { binary, equal, finish, ok, skip } from "./framewall.mjs";

// Names of several scripts, blocked as an operator writes them: in ASCII. Each is then tried in other spellings.
const names = ["é", "bücher", "пример", "παράδειγμα", "實例", "例え", "ガード", "한국", "वैधॲ", "ตัวอย่าง", "தமிழ்நாடு", "මෝදු", "مثال", "דוגמה", "tiếngviệt", "ő̧x", "💩", "faß", "a\u0323\u0307b", "a-é-1"];
const blockedDomains = ["localhost", "127.0.0.1", "::1", "evil.example", ...names.map((name) => domainToASCII(name) + ".example")];
const scratch = mkdtempSync(path.join(os.tmpdir(), "framewall-url-")), config = path.join(scratch, "framewall.yaml");
// The judgement of links alone: the inspection has its own opinion of metadata and traversal.
writeFileSync(config, `validation: {inspect: {mode: off}, blocked_domains: [${blockedDomains.map((domain) => `"${domain}"`).join(", ")}]}\n`);

// Whether each url goes through, as an attachment's and as a link of HTML.
function judged(urls) {
	const escaped = (text) => text.replace(/&/g, "&amp;").replace(/"/g, "&quot;").replace(/</g, "&lt;");
	const input = urls.flatMap((url) => [{ type: "chat_message", text: "x", attachments: [{ url }] }, { type: "chat_message", text: `<a href="${escaped(url)}">x</a>` }])
		.map((message) => JSON.stringify(message)).join("\n") + "\n";
	let output;
	try {
		output = execFileSync(binary, ["explain", "--config", config, "--role", "user", "--lines"], { input, maxBuffer: 1 << 29 }).toString();
	} catch (error) {
		output = error.stdout.toString();
	}
	const said = output.split("\n").filter(Boolean).map((line) => JSON.parse(line).message).map((message) => typeof message === "string" ? JSON.parse(message) : message);
	return urls.map((url, i) => [url, Boolean(said[2 * i]), /<a href=/.test(said[2 * i + 1]?.text ?? "")]);
}

// Ranges that nobody outside can mean (IANA's registries of special addresses), and where clouds keep their secrets.
const blockList = (family, ranges) => {
	const list = new net.BlockList();
	for (const range of ranges)
		list.addSubnet(range.split("/")[0], Number(range.split("/")[1]), family);
	return list;
};
const special4 = blockList("ipv4", ["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/3", "168.63.129.16/32"]);
const special6 = blockList("ipv6", ["::/3", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "4000::/2", "8000::/1"]);
const local = ["localhost", "localdomain", "local", "internal", "home.arpa", "metadata.goog"];
const within = (host, domain) => host === domain || host.endsWith("." + domain);

function publicHost(host) {
	host = host.replace(/\.$/, "");
	if (host.startsWith("["))
		return !special6.check(host.slice(1, -1), "ipv6");
	if (net.isIPv4(host))
		return !special4.check(host, "ipv4");
	return host.includes(".") && ![...local, ...blockedDomains].some((domain) => within(host, domain));
}
const read = (url, base) => URL.canParse(url, base) ? new URL(url, base) : null;
const safe = (url) => url !== null && ["http:", "https:"].includes(url.protocol) && url.username === "" && url.password === "" && publicHost(url.hostname);
const page = "https://page.example/a/b";

function check(urls, name) {
	const wrong = [], refused = [];
	let passed = 0, fine = 0;
	for (const [url, attachment, link] of judged(urls)) {
		const alone = read(url), here = read(url, page);
		passed += attachment;
		if (attachment && alone !== null && !safe(alone)) // what no browser reads leads nowhere
			wrong.push(`${url} as an attachment is ${alone?.href}`);
		if (link && here !== null && here.protocol !== "mailto:" && !safe(here))
			wrong.push(`${url} as a link is ${here.href}`);
		if (alone !== null && alone.href === url && safe(alone) && /^[a-z0-9_.:\[\]-]*$/.test(alone.host) && !/\.(\.|:|$)/.test(alone.host) && !/["<>`\\ ]/.test(url) && alone.hostname.length < 250 && alone.port !== "0") {
			fine++;
			if (!attachment || !link)
				refused.push(url);
		}
	}
	equal(wrong, [], `${name}: ${urls.length} URLs, ${passed} go through, none that a browser would take elsewhere`);
	equal(refused, [], `${name}: all ${fine} that are public and written as a browser writes them go through`);
}

const listed = ["http://example.com/", "https://example.com:8443/a?b#c", "http://8.8.8.8/", "https://[2606:4700::1111]/", "http://xn--bcher-kva.example/", "http://bücher.example/", "mailto:a@b.example", "/x", "//example.com/", "?q", "#f",
	"http://127.0.0.1/", "http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/", "http://127.1/", "http://127.0.0.1./", "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[64:ff9b::7f00:1]/",
	"http://169.254.169.254/", "http://[fd00:ec2::254]/", "http://168.63.129.16/", "http://100.100.100.200/", "http://192.0.0.192/", "http://metadata.google.internal/", "http://metadata.goog/", "http://metadata/", "http://[fe80::1]/",
	"http://10.0.0.1/", "http://192.168.0.1/", "http://172.31.0.1/", "http://localhost/", "http://LOCALHOST/", "http://localhost./", "http://ⓛocalhost/", "http://ｌｏｃａｌｈｏｓｔ/", "http://①②⑦.⓪.⓪.①/", "http://127。0。0。1/",
	"http://evil.example/", "http://EVIL.example/", "http://sub.evil.example/", "http://é.example/", "http://É.example/", "http://e\u0301.example/", "http://xn--9ca.example/", "http://XN--9CA.example/", "http://пример.example/", "http://ПРИМЕР.example/", "http://evil\u00ad.example/", "http://evil\u200b.example/",
	"http://evil.example\u3002/", "http://ex\u00adample.com/", "http://faß.example/", "http://ｅxample.com/", "http://user@example.com/", "http://user:pw@example.com/", "http://example.com@127.0.0.1/", "http://example.com\\@127.0.0.1/",
	"http:\\\\127.0.0.1\\", "http:127.0.0.1", "http:/127.0.0.1", "http:///127.0.0.1", "https:127.0.0.1", "javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\nscript:alert(1)", "\u0001javascript:alert(1)", " javascript:alert(1)", "data:text/html,x", "vbscript:x",
	"file:///etc/passwd", "ftp://example.com/", "ws://example.com/", "blob:https://example.com/x", "\\\\127.0.0.1\\", "/\\127.0.0.1/", "/\t/127.0.0.1/", "//127.0.0.1/", "///127.0.0.1/", "http://%31%32%37.0.0.1/", "http://127%2e0.0.1/", "http://loc%61lhost/", "http://example.com:0/", "http://example.com:65536/",
	"http://1.1.1.1 &@2.2.2.2# @3.3.3.3/", "http://[::1%25lo]/", "http://0/", "http://[::]/", "http://[0:0:0:0:0:ffff:127.0.0.1]/", "http://[2002:7f00:1::]/", "http://[3fff::1]/", "http://[2001:db8::1]/", "http://a.local/", "http://printer.home.arpa/"];
check(listed, "listed");
check(names.flatMap((name) => [name, name.toUpperCase(), name.normalize("NFD"), name.normalize("NFC"), name.normalize("NFKD"), [...name].join("\u00ad"), [...name].reverse().join(""), domainToASCII(name), domainToASCII(name).toUpperCase(), "x." + name])
	.flatMap((name) => [`http://${name}.example/`, `https://${name}.example:8443/x`]), "names");
const elsewhere = names.map((name) => `http://${name.normalize("NFC")}.example.org/`);
equal(judged(elsewhere).filter(([, attachment, link]) => !attachment || !link).map(([url]) => url), [], "names of these scripts go through where they are not blocked");
{
	let state = 20240229n;
	const below = (bound) => Number((state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn) >> 33n) % bound;
	const pieces = ["http", "https", ":", "/", "//", "\\", "@", "127", ".", "0", "0x7f", "1", "localhost", "evil.example", "example.com", "é", "É", "\u0301", "xn--9ca", "[", "]", "::1", "::ffff:", "%31", "%2e", "%", "?", "#", "\t", "\n", " ", "\u3002", "１", "ａ", "ⓛ", "ſ",
		"\u00ad", "\u200b", "\u200d", "ß", "javascript:", "a", "-", "_", "..", ":80", ":", "&", "&#58;", "&colon;", "10", "192.168", "168.63.129.16", "8.8.8.8", "|", "^", "<", "\"", "'", "`", "{", "\u0000".replace("\0", "\u0001")];
	const made = [];
	for (let i = 0; i < 6000; i++) {
		let url = below(4) ? listed[below(listed.length)] : "http" + (below(2) ? "s" : "") + "://";
		for (let n = below(4) + 1; n > 0; n--) {
			const at = below(url.length + 1), gone = below(3) ? 0 : below(4);
			url = url.slice(0, at) + pieces[below(pieces.length)] + url.slice(at + gone);
		}
		if (url !== "" && url.isWellFormed())
			made.push(url);
	}
	check(made, "made");
}
const vectors = path.join(process.env.FRAMEWALL_SHARED ?? "../shared", "vectors/url/urltestdata.json");
if (!existsSync(vectors))
	skip("vectors of the standard", `${vectors} is not there`);
else
	check(JSON.parse(readFileSync(vectors, "utf8")).filter((test) => typeof test === "object" && test.input !== "" && test.input.isWellFormed() && !test.input.includes("\0")).map((test) => test.input), "standard");
rmSync(scratch, { recursive: true });
finish();
