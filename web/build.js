// Bundle the page into dist/: scripts, the runtime and its WebAssembly, models and a clip, all that it ever asks for.

import { cp, copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { constants, gzipSync } from "node:zlib";
import { build } from "esbuild";

const RUNTIME = "node_modules/onnxruntime-web/dist";
const CLIP = "cup-in-hand"; // of the sample: a real film
const SHARED = ["scan", "sketch", "crosshair", "line", "hue", "coloured"]; // of the drawing in the notebooks

/** Modules of the notebooks' drawing have no exports, since they are joined to one script there. */
const widgets = {
  name: "widgets",
  setup: ({ onLoad }) =>
    onLoad({ filter: /widgets[\\/]painting\.js$/ }, async ({ path }) => ({
      contents: `${await readFile(path, "utf8")}\nexport { ${SHARED.join(", ")} };`,
    })),
};

process.chdir(import.meta.dirname);
await rm("dist", { recursive: true, force: true });
await mkdir("dist", { recursive: true });
await build({
  entryPoints: ["src/page.js", "src/worker.js"],
  outdir: "dist",
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  legalComments: "linked",
  conditions: ["onnxruntime-web-use-extern-wasm"],
  plugins: [widgets],
});
for (const name of ["index.html", "style.css"]) await copyFile(`src/${name}`, `dist/${name}`);
await copyFile(`${RUNTIME}/ort-wasm-simd-threaded.mjs`, "dist/ort-wasm-simd-threaded.mjs");
const wasm = await readFile(`${RUNTIME}/ort-wasm-simd-threaded.wasm`);
await writeFile("dist/ort.wasm.gz", gzipSync(wasm, { level: constants.Z_BEST_COMPRESSION }));
await cp("build/models", "dist/models", { recursive: true });
await cp(`../data/sample/JPEGImages/480p/${CLIP}`, "dist/sample", { recursive: true });
