// The work: decoding, tracking, and what the inspector shows. The page holds the masks, so that they outlive this worker.

import * as ort from "onnxruntime-web/wasm";
import { Chain } from "./chain.js";
import { Engine, GRAPHS } from "./engine.js";
import { InputError, openFrames } from "./frames.js";
import { maskOf, runsOf } from "./masks.js";
import { answer } from "./rpc.js";
import { bestMatches, lookInto } from "./scores.js";
import { Tracker } from "./tracker.js";

const QUANTISED = ["encode", "halves"];

/** @type {import("./frames.js").Film} */ let frames;
/** @type {Engine} */ let engine;
/** @type {Tracker} */ let tracker;
let chains = {}; // by direction
let given = new Map(); // runs of masks that were drawn, by frame
let stopped = false;
let inspected = null;
let lastJob = Promise.resolve();

/** One after the other: the decoder and the model each do one thing at a time. */
function queued(work) {
  const job = lastJob.then(work);
  lastJob = job.catch(() => {});
  return job;
}

/** A file that `make web` has compressed. */
async function fetched(name) {
  const answered = await fetch(new URL(name, self.location.href));
  if (!answered.ok) throw new Error(`${name}: ${answered.status}`);
  return new Uint8Array(await new Response(answered.body.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer());
}

async function load(precision, threads) {
  if (!ort.env.wasm.wasmBinary) {
    ort.env.wasm.numThreads = self.crossOriginIsolated ? threads : 1;
    ort.env.wasm.wasmPaths = { mjs: new URL("ort-wasm-simd-threaded.mjs", self.location.href).href };
    ort.env.wasm.wasmBinary = await fetched("ort.wasm.gz");
  }
  const sessions = {};
  for (const name of GRAPHS) {
    const suffix = precision === "int8" && QUANTISED.includes(name) ? ".int8" : "";
    const graph = await fetched(`models/${name}${suffix}.onnx.gz`);
    sessions[name] = await ort.InferenceSession.create(graph, { executionProviders: ["wasm"], logSeverityLevel: 3 });
  }
  const former = Object.values(engine?.sessions ?? {});
  engine = new Engine(sessions, ort.Tensor);
  for (const session of former) await session.release(); // their memory is WebAssembly's, which is not collected
}

/** A chain's step to a frame, from the state before it. */
async function step(chain, state, frame, pixels) {
  const runs = frame === chain.first ? chain.given : given.get(frame);
  return tracker.step(state, pixels, runs ? maskOf(runs, frames.width * frames.height) : null, frame);
}

const advance = async (chain, state, frame) => (await step(chain, state, frame, await frames.get(frame))).state;

async function track({ from, direction, first }) {
  if (!chains[direction]?.reaches(from)) chains[direction] = new Chain(from, first, direction, advance);
  const chain = chains[direction];
  let state = await chain.before(from);
  let done = 0;
  const all = direction > 0 ? frames.count - from : from + 1;
  const start = performance.now();
  for (let frame = from; frame >= 0 && frame < frames.count && !stopped; frame += direction) {
    const pixels = await frames.get(frame);
    const found = await step(chain, state, frame, pixels);
    state = found.state;
    chain.keep(frame, state);
    done += 1;
    const bitmap = await createImageBitmap(pixels);
    const rate = (1000 * done) / (performance.now() - start);
    self.postMessage({ event: "step", frame, runs: runsOf(found.mask), bitmap, done, all, rate }, [bitmap]);
    await new Promise((resolve) => setTimeout(resolve)); // so that a call, to stop above all, is heard
  }
  return { done, stopped };
}

answer(
  {
    /** Get the model ready: what is computed with, on how many threads, at which size, with the distance score or not. */
    prepare: (options) =>
      queued(async () => {
        if (!engine || options.precision !== engine.precision) {
          await load(options.precision, options.threads);
          engine.precision = options.precision;
        }
        engine.distanceScore = options.distanceScore;
        tracker = new Tracker(engine, options.shortSide);
        [chains, inspected] = [{}, null];
        return { threads: ort.env.wasm.numThreads };
      }),
    open: (files) =>
      queued(async () => {
        const opened = await openFrames(files);
        await opened.get(0);
        await frames?.close();
        frames = opened;
        [chains, inspected, given] = [{}, null, new Map()];
        const { name, names, times, width, height, full } = frames;
        return { name, names, times, width, height, full };
      }),
    frame: (number) => queued(async () => ({ bitmap: await createImageBitmap(await frames.get(number)) })),
    /** A mask was drawn, or taken away where `runs` is null. */
    draw: (frame, runs) => {
      if (runs) given.set(frame, runs);
      else given.delete(frame);
      for (const chain of Object.values(chains)) chain.forget(frame);
      inspected = null;
    },
    track: (job) => queued(() => track(job)),
    /** Whether to stop before the next frame. It is heard at once, also while the model is made ready. */
    stop: (isWanted) => {
      stopped = isWanted;
    },
    inspect: (frame) =>
      queued(async () => {
        const chain = [chains[1], chains[-1]].find((candidate) => candidate?.reaches(frame));
        if (!chain) return null;
        const state = await chain.before(frame);
        const features = await tracker.encode(await frames.get(frame));
        inspected = await lookInto(engine, tracker, features, state);
        const [h, w] = features.key.dims.slice(2);
        const objects = inspected.objects.map(({ id, entered, scores }) => ({ id, entered, scores }));
        return { frame, before: frame - chain.direction, grid: [h, w], objects };
      }),
    matches: (object, cell) => queued(async () => inspected && bestMatches(inspected, object, cell)),
  },
  InputError,
);
