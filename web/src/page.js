// The page: it holds the masks, shows them, and hears what people do. The work is the worker's (worker.js).

import { COLOURS, Drawing } from "./drawing.js";
import { margins, workingSize } from "./geometry.js";
import { Inspector } from "./inspector.js";
import { idsOfPicture, maskOf, runsOf } from "./masks.js";
import { Caller } from "./rpc.js";
import { cocoOf, filmOf, zipOf } from "./saving.js";
import { idsOf } from "./tracker.js";
import { hue } from "../../tbd_lib/course/widgets/painting.js";

const SAMPLE = 39; // frames of the clip in sample/
const OUT_OF_MEMORY = /memory|alloc|unreachable/i;
const $ = (id) => document.getElementById(id);
const counted = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

let video = null; // what the worker says of it: name, names, times, width, height, full
let files = [];
let frame = 0;
let masks = new Map(); // runs of every frame's mask, drawn or tracked
let given = new Map(); // by frame: ids that were drawn there
let undone = []; // what Undo goes back to
let isSaved = true; // whether the masks are as they were saved
let isBusy = false;
let focused = null; // the element to go back to
let isPrepared = false;
let caller = started();

const drawing = new Drawing($("canvas"), {
  changed: (mask, object) => {
    changed(mask, object);
    if (inspects()) attempt(inspect); // the worker has forgotten what it found
  },
  say,
  undo,
  moved: (pixel) => inspects() && inspector.pointPixel(pixel),
});
const inspector = new Inspector($("inspector"), (...call) => caller.call(...call), (mark) => {
  drawing.mark = mark;
  drawing.draw();
});

function started() {
  return new Caller(new Worker("worker.js", { type: "module" }), stepped, restart);
}

/** After the worker broke down, as it does when memory runs out: masks are here, and all else is opened again. */
async function restart(hasAnswered = true) {
  caller.worker.terminate();
  if (!hasAnswered) return ($("problem").textContent = "The page's files could not be loaded. Load it again.");
  caller = started();
  isPrepared = false;
  if (!video) return;
  await caller.call("open", files);
  for (const [number, ids] of given) caller.call("draw", number, drawnOf(number, ids));
}

function say(text) {
  $("status").textContent = text;
}

const maskAt = (number) => {
  const places = video.width * video.height;
  return masks.has(number) ? maskOf(masks.get(number), places) : new Uint8Array(places);
};
const drawnOf = (number, ids) => runsOf(maskAt(number).map((id) => (ids.has(id) ? id : 0)));
const inspects = () => $("inspector").open && !isBusy;

/** Do something that can fail, and say in place why it did; what was done before stays. */
async function attempt(work) {
  $("problem").textContent = "";
  const used = caller;
  try {
    return await work();
  } catch (error) {
    $("problem").textContent = error.isInput ? error.message : explained(error.message);
    say("");
    if (OUT_OF_MEMORY.test(error.message) && caller === used) restart(); // what has run out of it computes no more
  }
  return null;
}

function explained(reason) {
  const advice = OUT_OF_MEMORY.test(reason)
    ? "Memory ran out: choose a shorter side of fewer pixels, or close other tabs."
    : `It did not work: ${reason}.`;
  return `${advice} The masks so far are kept, and can be saved.`;
}

/** Nothing but Stop can be pressed while something is computed; the focus goes there, and back to where it was. */
function busy(now, stops = false) {
  if (now && !isBusy) focused = document.activeElement;
  isBusy = now;
  drawing.choose({ locked: now });
  for (const control of document.querySelectorAll("button, input, select")) {
    if (!control.closest("#inspector")) control.disabled = now;
  }
  $("stop").disabled = !(now && stops);
  $("progress").hidden = !now;
  $("progress").removeAttribute("value");
  if (now && stops) $("stop").focus({ preventScroll: true });
  if (now) return;
  focused?.focus({ preventScroll: true });
  [document.title, $("rate").textContent] = ["Try it: track an object in your video", ""];
}

function progressed(done, all, text) {
  $("progress").value = done / all;
  $("rate").textContent = text;
  document.title = `${Math.round((100 * done) / all)} %`; // so that it is seen from another tab
}

// --- video and frames

const hasUnsaved = () => masks.size > 0 && !isSaved;

async function open(chosen, about) {
  if (hasUnsaved() && !confirm("The masks of this video are not saved and will be lost. Open another video?")) return;
  busy(true);
  say("Opening the video …");
  const isOpen = await attempt(async () => {
    const opened = await caller.call("open", chosen);
    [video, files, frame, masks, given, undone] = [opened, chosen, 0, new Map(), new Map(), []];
    isPrepared = false;
    const { width, height, full, names } = video;
    const size = `${width}x${height}`;
    const bound = `The film has ${full.width}x${full.height}; it is worked on, and masks are saved, at ${size}.`;
    const found = `${about ?? video.name}: ${counted(names.length, "frame")} of ${size} pixels.`;
    $("about").textContent = full.width === width ? found : `${found} ${bound}`;
    for (const id of ["work", "save", "inspector"]) $(id).hidden = false;
    $("frame").max = names.length;
    await show(0);
    say("Outline an object on this frame, or on any other. Then track.");
    return true;
  });
  busy(false);
  if (isOpen) prepare(); // while the object is outlined
}

async function prepare() {
  const options = {
    precision: $("precision").value,
    shortSide: Number($("side").value),
    distanceScore: $("distance").checked,
    threads: Math.min(navigator.hardwareConcurrency || 1, 4),
  };
  isPrepared = true;
  return attempt(() =>
    caller.call("prepare", options).catch((error) => {
      isPrepared = false;
      throw error;
    }),
  );
}

async function show(number) {
  frame = number;
  const { bitmap } = await caller.call("frame", number);
  if (number !== frame) return bitmap.close();
  shown(bitmap);
  if (inspects()) await inspect();
}

function shown(bitmap) {
  drawing.show(bitmap, maskAt(frame));
  $("frame").value = frame + 1;
  const ids = idsOf(drawing.mask);
  const about = ids.length ? `object ${ids.join(", ")}` : "no mask";
  $("number").textContent = `${frame + 1} / ${video.names.length}`;
  $("frame").setAttribute("aria-valuetext", `frame ${frame + 1} of ${video.names.length}, ${about}`);
  $("canvas").setAttribute("aria-label", `Frame ${frame + 1} to draw on: ${about}`);
}

const goTo = (number) => attempt(() => show(Math.min(Math.max(number, 0), video.names.length - 1)));

// --- drawing

function changed(mask, ...objects) {
  const runs = runsOf(mask);
  undone.push({ frame, before: masks.get(frame), after: runs, ids: given.get(frame) });
  masks.set(frame, runs);
  given.set(frame, new Set([...(given.get(frame) ?? []), ...objects]));
  isSaved = false;
  caller.call("draw", frame, drawnOf(frame, given.get(frame)));
}

/** The runs of a frame's mask without the last drawing on it; what was tracked there since stays. */
function withoutDrawing({ frame: number, before, after }) {
  if (masks.get(number) === after) return before;
  const tracked = maskAt(number);
  const earlier = before ? maskOf(before, tracked.length) : new Uint8Array(tracked.length);
  const drawn = given.get(number);
  const mask = tracked.map((id, i) => (drawn.has(id) || drawn.has(earlier[i]) ? earlier[i] : id));
  return before || idsOf(mask).length ? runsOf(mask) : undefined;
}

async function undo() {
  const last = undone.pop();
  if (!last) return say("Nothing to undo.");
  const put = (map, value) => (value ? map.set(last.frame, value) : map.delete(last.frame));
  put(masks, withoutDrawing(last));
  put(given, last.ids);
  isSaved = false;
  caller.call("draw", last.frame, last.ids ? drawnOf(last.frame, last.ids) : null);
  await goTo(last.frame);
  say("Undone.");
}

async function readMask(file) {
  await attempt(async () => {
    const picture = await createImageBitmap(file).catch(() => null);
    const refused = (text) => Object.assign(new Error(`${file.name} ${text}`), { isInput: true });
    if (!picture) throw refused("is no picture that this browser can read. Choose a PNG.");
    const { width, height, full } = video;
    const fits = [video, full].some((size) => size.width === picture.width && size.height === picture.height);
    if (!fits) throw refused(`has ${picture.width}x${picture.height} pixels. A mask needs ${width}x${height}, as the frame.`);
    const context = new OffscreenCanvas(width, height).getContext("2d");
    context.imageSmoothingEnabled = false;
    context.drawImage(picture, 0, 0, width, height);
    const mask = idsOfPicture(context.getImageData(0, 0, width, height));
    if (!mask) throw refused("has colours that are not the benchmarks' palette, so that nothing tells which is which object.");
    const ids = idsOf(mask);
    if (!ids.length) throw refused("is all background.");
    changed(mask, ...ids);
    await show(frame);
    say(`${counted(ids.length, "object")} from ${file.name}.`);
  });
}

function chooseTool(name) {
  drawing.choose({ tool: name });
  for (const button of document.querySelectorAll("[data-tool]")) button.setAttribute("aria-pressed", button.dataset.tool === name);
}

function chooseObject() {
  const id = $("object").valueAsNumber;
  if (!(Number.isInteger(id) && id >= 1 && id <= 254)) return say("An object's number is 1 to 254.");
  drawing.choose({ object: id });
  $("swatch").style.backgroundColor = hue(COLOURS, id);
}

// --- tracking

async function track(direction) {
  if (!idsOf(maskAt(frame)).length) return say("Outline an object on this frame first.");
  const all = direction > 0 ? video.names.length - frame : frame + 1;
  if (all < 2) return say(`No frames ${direction > 0 ? "after" : "before"} this one.`);
  busy(true, true);
  say("Tracking …");
  caller.call("stop", false);
  const prepared = isPrepared || (await prepare());
  const found = prepared && (await attempt(() => caller.call("track", { from: frame, direction, first: masks.get(frame) })));
  const rate = $("rate").textContent;
  busy(false);
  const speed = rate && `, ${rate.split(", ").pop()}`;
  if (found) say(`${found.stopped ? "Stopped" : "Done"}: ${counted(found.done, "frame")} tracked${speed}.`);
  if (inspects()) await attempt(inspect);
}

/** The worker has tracked a frame. */
function stepped({ frame: number, runs, bitmap, done, all, rate }) {
  masks.set(number, runs);
  isSaved = false;
  frame = number;
  shown(bitmap);
  progressed(done, all, `${done} of ${all}, ${rate.toFixed(1)} frames per second`);
}

async function inspect() {
  const work = workingSize([video.height, video.width], Number($("side").value));
  await inspector.show(video, await caller.call("inspect", frame), [...margins(work), work[0] / video.height]);
}

/** What is computed with has changed: the model is made ready again, and tracking begins anew. */
async function reset() {
  if ((await prepare()) && masks.size) say("Track again to see what this changes.");
  if (inspects()) await attempt(inspect);
}

// --- saving

async function save(kind) {
  if (!masks.size) return say("Nothing to save yet: no frame has a mask.");
  busy(true);
  say("Saving …");
  await attempt(async () => {
    const progress = (done, all) => progressed(done, all, `${done} of ${all}`);
    if (kind === "zip") download(await zipOf(video, masks, progress), "masks.zip");
    if (kind === "coco") download(await cocoOf(video, masks, progress), "coco.json");
    if (kind === "film") {
      const { blob, suffix } = await filmOf(video, masks, async (n) => (await caller.call("frame", n)).bitmap, progress);
      download(blob, `overlay${suffix}`);
    } else isSaved = true; // a film does not hold the masks
    say("Saved.");
  });
  busy(false);
}

function download(blob, name) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

// --- what people do

async function openSample() {
  const fetched = await attempt(() =>
    Promise.all(
      Array.from({ length: SAMPLE }, async (_, i) => {
        const name = `${String(i).padStart(5, "0")}.jpg`;
        return new File([await (await fetch(`sample/${name}`)).blob()], name, { type: "image/jpeg" });
      }),
    ),
  );
  if (fetched) await open(fetched, "The sample clip, a hand that turns a cup");
}

const on = (id, event, act) => $(id).addEventListener(event, act);
const chosen = (input, act) => {
  const list = [...input.files];
  input.value = ""; // so that the same file can be chosen again
  if (list.length) act(list);
};
on("sample", "click", openSample);
on("files", "change", ({ target }) => chosen(target, open));
on("folder", "change", ({ target }) => chosen(target, open));
on("mask", "change", ({ target }) => chosen(target, ([file]) => readMask(file)));
for (const button of document.querySelectorAll("[data-tool]")) button.addEventListener("click", () => chooseTool(button.dataset.tool));
on("erase", "click", ({ target }) => {
  drawing.choose({ erase: !drawing.erase });
  target.setAttribute("aria-pressed", drawing.erase);
});
on("radius", "input", ({ target }) => drawing.choose({ radius: target.valueAsNumber }));
on("object", "input", chooseObject);
on("undo", "click", undo);
on("frame", "input", ({ target }) => goTo(target.valueAsNumber - 1));
on("previous", "click", () => goTo(frame - 1));
on("next", "click", () => goTo(frame + 1));
on("forwards", "click", () => track(1));
on("backwards", "click", () => track(-1));
on("stop", "click", () => caller.call("stop", true));
for (const id of ["side", "precision", "distance"]) on(id, "change", reset);
for (const kind of ["zip", "coco", "film"]) on(kind, "click", () => save(kind));
on("inspector", "toggle", () => (inspects() ? attempt(inspect) : inspector.pointed(null)));
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  if (!isBusy && event.dataTransfer.files.length) open([...event.dataTransfer.files]);
});
addEventListener("beforeunload", (event) => hasUnsaved() && event.preventDefault());
chooseObject();
