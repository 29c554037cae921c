// Makes web/dist of web/dashboard: node web/build.mjs [FOLDER]. What it is made with is installed by tests/web/run.sh --install.
import path from "node:path";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url)), modules = path.join(here, "../tests/web/node_modules");
const { build } = createRequire(path.join(modules, "x.js"))("esbuild");
await build({
	entryPoints: { app: path.join(here, "dashboard/app.jsx") }, outdir: process.argv[2] ?? path.join(here, "dist"), bundle: true, minify: true,
	jsxFactory: "h", jsxFragment: "Fragment", inject: [path.join(here, "dashboard/h.js")], nodePaths: [modules], legalComments: "inline", target: "es2022", logLevel: "warning",
});
