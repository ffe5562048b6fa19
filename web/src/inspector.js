// The ten score maps of a frame, and for the cell under the pointer the template that matches best, with its three factors.

const KINDS = ["global", "local", "overall", "short", "long"];
const REGIONS = ["background", "foreground"];
const MEANING = {
  global: "cells of the frame in which it was outlined",
  local: "cells of the frame before",
  overall: "one vector of all frames so far",
  short: "one vector of the recent past",
  long: "one vector of the long run",
};
const STOPS = [[0, 32, 77], [87, 92, 109], [165, 156, 116], [255, 233, 69]]; // dark blue to yellow: also in every colour blindness

/** The colour of a score, 0 to 1. */
function heat(value) {
  const at = Math.min(Math.max(value, 0), 1) * (STOPS.length - 1);
  const low = Math.min(Math.floor(at), STOPS.length - 2);
  return STOPS[low].map((channel, i) => channel + (STOPS[low + 1][i] - channel) * (at - low));
}

const element = (tag, traits = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), traits);
  made.append(...children);
  return made;
};

export class Inspector {
  /** @param {HTMLElement} root with .maps, .stored, table and select @param {(name: string, ...values) => Promise} call */
  constructor(root, call, pointed) {
    Object.assign(this, { root, call, pointed, cell: -1, looked: null, padding: [0, 0], frames: {} });
    this.maps = root.querySelector(".maps");
    this.table = root.querySelector("tbody");
    this.select = root.querySelector("select");
    this.note = root.querySelector(".note");
    this.stored = [...root.querySelectorAll(".stored canvas")];
    this.select.addEventListener("change", () => this.paint());
  }

  /** Look into a frame; `looked` is what the worker says of it, null where nothing was tracked. */
  async show(video, looked, padding) {
    Object.assign(this, { looked, video, padding });
    const empty = !looked?.objects.length;
    this.root.classList.toggle("empty", empty);
    this.note.textContent = empty
      ? "Track at least two frames, and step to one that was tracked, not the one in which the objects were outlined."
      : "Point at a place of the frame or of a map, or move the crosshair on the frame by keys.";
    this.pointed(null);
    if (empty) return;
    const chosen = this.select.value;
    const options = looked.objects.map(({ id }) => element("option", { value: String(id), textContent: `object ${id}` }));
    this.select.replaceChildren(...options);
    if (looked.objects.some(({ id }) => String(id) === chosen)) this.select.value = chosen;
    await this.paint();
  }

  get object() {
    return this.looked.objects.find(({ id }) => String(id) === this.select.value);
  }

  async paint() {
    const { looked } = this;
    const [h, w] = looked.grid;
    const { scores, id, entered } = this.object;
    if (this.cell < 0) {
      const local = scores.subarray(3 * h * w, 4 * h * w);
      this.cell = local.indexOf(Math.max(...local)); // where the object is, until somebody points elsewhere
    }
    const figures = REGIONS.toReversed().flatMap((region) =>
      KINDS.map((kind) => {
        const map = 2 * KINDS.indexOf(kind) + REGIONS.indexOf(region);
        const canvas = element("canvas", { width: w, height: h, role: "img" });
        const mean = scores.subarray(map * h * w, (map + 1) * h * w).reduce((a, b) => a + b, 0) / (h * w);
        canvas.setAttribute("aria-label", `${kind} score of the ${region}, ${mean.toFixed(2)} on average`);
        const picture = new ImageData(w, h);
        for (let i = 0; i < h * w; i++) picture.data.set([...heat(scores[map * h * w + i]), 255], 4 * i);
        canvas.getContext("2d").putImageData(picture, 0, 0);
        canvas.addEventListener("pointermove", ({ offsetX, offsetY }) => {
          const at = (offset, size, count) => Math.min(Math.floor((offset / size) * count), count - 1);
          this.point(at(offsetY, canvas.clientHeight, h), at(offsetX, canvas.clientWidth, w));
        });
        return element("figure", {}, canvas, element("figcaption", { textContent: `${kind}, ${region}` }));
      }),
    );
    this.maps.replaceChildren(...figures);
    const frames = {};
    for (const [kind, number] of [["global", entered], ["local", looked.before]]) {
      frames[kind] = (await this.call("frame", number)).bitmap;
      this.stored[Number(kind === "local")].setAttribute("aria-label", `Frame ${number + 1}: best ${kind} matches of object ${id}`);
    }
    Object.values(this.frames).forEach((bitmap) => bitmap.close());
    this.frames = frames;
    if (looked === this.looked) await this.explain();
  }

  /** The cell at a pixel of the frame. */
  pointPixel([x, y]) {
    if (!this.looked?.objects.length) return;
    const [top, left, scale] = this.padding;
    const [h, w] = this.looked.grid;
    const at = (pixel, margin, count) => Math.min(Math.floor(((pixel + 0.5) * scale + margin) / 16), count - 1);
    this.point(at(y, top, h), at(x, left, w));
  }

  point(row, column) {
    const cell = row * this.looked.grid[1] + column;
    if (cell === this.cell) return;
    this.cell = cell;
    this.explain();
  }

  /** A cell's place on the frame: left, top, width and height in its pixels. */
  place(cell) {
    const [top, left, scale] = this.padding;
    const column = cell % this.looked.grid[1];
    const row = Math.floor(cell / this.looked.grid[1]);
    return [(16 * column - left) / scale, (16 * row - top) / scale, 16 / scale, 16 / scale];
  }

  async explain() {
    const { looked } = this;
    const [h, w] = looked.grid;
    this.cell = Math.min(this.cell, h * w - 1);
    const cell = this.cell;
    const { id, scores } = this.object;
    const found = await this.call("matches", id, cell);
    if (!found || looked !== this.looked || cell !== this.cell || !this.frames.local) return;
    const rows = KINDS.flatMap((kind) =>
      [1, 0].map((region) => {
        const score = scores[(2 * KINDS.indexOf(kind) + region) * h * w + cell];
        const match = found[kind]?.[region];
        const where = match ? `row ${Math.floor(match.cell / w)}, column ${match.cell % w}` : MEANING[kind];
        const near = match && (kind === "local" ? match.near.toFixed(2) : "not used");
        const cells = [where, match?.share.toFixed(2) ?? "", (match?.cosine ?? score).toFixed(2), near ?? "", score.toFixed(2)];
        const head = element("th", { scope: "row", textContent: `${kind}, ${REGIONS[region]}` });
        return element("tr", {}, head, ...cells.map((text) => element("td", { textContent: text })));
      }),
    );
    this.table.replaceChildren(...rows);
    this.pointed(this.place(cell));
    ["global", "local"].forEach((kind, i) => this.mark(this.stored[i], this.frames[kind], found[kind]));
  }

  /** The stored frame with both best matches: a solid rectangle for the foreground's, a dashed one for the background's. */
  mark(canvas, bitmap, matches) {
    Object.assign(canvas, { width: bitmap.width, height: bitmap.height });
    const context = canvas.getContext("2d");
    context.drawImage(bitmap, 0, 0);
    matches.forEach(({ cell }, region) => {
      for (const [style, width] of [["black", 6], ["white", 3]]) {
        context.strokeStyle = style;
        context.lineWidth = (width * bitmap.width) / 600;
        context.setLineDash(region ? [] : [context.lineWidth * 2, context.lineWidth * 2]);
        context.strokeRect(...this.place(cell));
      }
    });
  }
}
