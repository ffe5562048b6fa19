// Outlining objects on a frame by mouse, touch or keyboard: brush, polygon or box, to add or to erase.

import { coloured, crosshair, hue, line, scan, sketch } from "../../tbd_lib/course/widgets/painting.js";
import constants from "../build/constants.json";

export const COLOURS = Uint8Array.from(constants.colours.flat());
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const NEAR = 10; // screen pixels within which the first corner is meant
const LARGE = 10; // pixels of the frame that the crosshair moves with Shift

const clamp = (value, least, most) => Math.min(Math.max(value, least), most);

/** Every object's number, white on black, in the middle of its pixels: colours are not all that tells objects apart. */
export function label(context, mask, columns, unit) {
  const middles = new Map();
  mask.forEach((id, i) => {
    if (!id) return;
    const sum = middles.get(id) ?? middles.set(id, [0, 0, 0]).get(id);
    sum[0] += i % columns;
    sum[1] += Math.floor(i / columns);
    sum[2] += 1;
  });
  context.font = `bold ${14 * unit}px sans-serif`;
  [context.textAlign, context.textBaseline, context.lineJoin] = ["center", "middle", "round"];
  for (const [id, [x, y, count]] of middles) {
    context.lineWidth = 4 * unit;
    context.strokeStyle = "black";
    context.strokeText(id, x / count, y / count);
    context.fillStyle = "white";
    context.fillText(id, x / count, y / count);
  }
}

export class Drawing {
  tool = "brush";
  erase = false;
  object = 1;
  radius = 8; // of the brush, in pixels of the frame
  locked = false; // while tracking
  corners = [];
  cursor = [0, 0];
  pen = false; // whether the brush is down
  seen = null; // how the cursor is seen: by "pointer", "keyboard", or not at all
  mark = null; // a rectangle that the inspector shows

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {{changed: (mask: Uint8Array, object: number) => void, say: (text: string) => void, undo: () => void,
   *   moved: (pixel: number[]) => void}} page
   */
  constructor(canvas, page) {
    Object.assign(this, { canvas, page });
    const on = (name, act) => canvas.addEventListener(name, act.bind(this));
    on("pointerdown", this.press);
    on("pointermove", this.move);
    on("pointerup", this.release);
    on("pointercancel", this.leave);
    on("pointerleave", this.leave);
    on("blur", this.leave);
    on("keydown", this.key);
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  /** Show a frame with its mask. */
  show(bitmap, mask) {
    const first = this.bitmap?.width !== bitmap.width || this.bitmap?.height !== bitmap.height;
    this.bitmap?.close();
    Object.assign(this, { bitmap, mask: mask.slice(), columns: bitmap.width, rows: bitmap.height });
    if (first) this.cursor = [this.columns >> 1, this.rows >> 1];
    this.corners = [];
    this.pen = false;
    this.paint();
  }

  choose(settings) {
    if (this.pen) this.lift(); // a stroke belongs to the object and the size with which it was begun
    Object.assign(this, settings);
    this.corners = [];
    this.canvas.style.touchAction = this.tool === "polygon" ? "manipulation" : "none";
    this.draw();
  }

  // --- pointer and keys

  press(event) {
    if (event.button || !event.isPrimary || !this.bitmap) return;
    this.canvas.focus({ preventScroll: true });
    this.point(event);
    if (this.locked) return;
    this.canvas.setPointerCapture(event.pointerId);
    if (this.tool === "brush") this.lower();
    else if (this.tool === "box") this.corner();
    else if (this.corners.length > 2 && this.isNearFirst(event)) this.close();
    else this.corner();
    this.draw();
  }

  move(event) {
    if (!event.isPrimary || !this.bitmap) return;
    const before = this.cursor;
    this.point(event);
    if (this.pen) this.stroke(before);
    this.draw();
  }

  release(event) {
    if (!event.isPrimary || !this.canvas.hasPointerCapture(event.pointerId)) return; // of another finger or button
    if (this.pen) this.lift();
    const [first] = this.corners;
    const dragged = this.tool === "box" && first && Math.hypot(first[0] - this.cursor[0], first[1] - this.cursor[1]) > 2;
    if (dragged) this.corner();
  }

  leave(event) {
    if (event.isPrimary === false) return; // another finger; the loss of the focus is no pointer's
    if (this.pen) this.lift();
    this.seen = null;
    this.draw();
  }

  key(event) {
    if (!this.bitmap) return;
    const undoes = event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey);
    const acts = {
      " ": () => (this.tool === "brush" ? (this.pen ? this.lift() : this.lower()) : this.corner()),
      Enter: () => (this.tool === "polygon" ? this.close() : this.tool === "box" ? this.corner() : this.pen && this.lift()),
      Escape: () => this.discard(),
      Backspace: () => this.corners.pop(),
    };
    const arrow = ARROWS[event.key];
    if (!arrow && !undoes && !(event.key in acts)) return;
    event.preventDefault();
    if (event.repeat && !arrow) return;
    this.seen = "keyboard";
    if (arrow) this.step(arrow, event.shiftKey ? LARGE : 1);
    else if (this.locked) this.page.say("Stop tracking before you draw.");
    else if (undoes) this.page.undo();
    else acts[event.key]();
    this.draw();
  }

  step([right, down], by) {
    const before = this.cursor;
    this.cursor = [clamp(before[0] + by * right, 0, this.columns - 1), clamp(before[1] + by * down, 0, this.rows - 1)];
    if (this.pen) this.stroke(before);
    this.page.say(`Column ${this.cursor[0]}, row ${this.cursor[1]}.`);
    this.page.moved(this.cursor);
  }

  point(event) {
    const box = this.canvas.getBoundingClientRect();
    const at = (offset, length, count) => clamp(Math.floor((offset / length) * count), 0, count - 1);
    this.cursor = [at(event.clientX - box.left, box.width, this.columns), at(event.clientY - box.top, box.height, this.rows)];
    this.seen = "pointer";
    this.page.moved(this.cursor);
  }

  isNearFirst(event) {
    const box = this.canvas.getBoundingClientRect();
    const [x, y] = this.corners[0];
    const left = box.left + ((x + 0.5) * box.width) / this.columns;
    const top = box.top + ((y + 0.5) * box.height) / this.rows;
    return Math.hypot(left - event.clientX, top - event.clientY) < NEAR;
  }

  // --- shapes

  lower() {
    if (!this.pen) this.unpainted = this.mask.slice();
    this.pen = true;
    this.page.say(this.erase ? "Erasing: move, then lift the brush." : "Painting: move, then lift the brush.");
    this.stroke(this.cursor);
  }

  lift() {
    this.pen = false;
    this.changed();
  }

  /** Give up what was begun: a stroke, or the corners so far. */
  discard() {
    if (!this.pen && !this.corners.length) return;
    if (this.pen) this.mask = this.unpainted;
    this.pen = false;
    this.corners = [];
    this.paint();
    this.page.say("Discarded.");
  }

  /** Paint all pixels nearer than the radius to the line from `before` to the cursor. */
  stroke([x0, y0]) {
    const [x1, y1] = this.cursor;
    const length = Math.hypot(x1 - x0, y1 - y0);
    for (let i = 0; i <= length; i += Math.max(1, Math.min(length, this.radius / 2))) {
      const [x, y] = length ? [x0 + ((x1 - x0) * i) / length, y0 + ((y1 - y0) * i) / length] : [x1, y1];
      this.dab(x, y);
    }
    this.dab(x1, y1);
    this.paint();
  }

  dab(x, y) {
    for (let row = Math.ceil(y - this.radius); row <= y + this.radius; row++) {
      const half = Math.sqrt(this.radius ** 2 - (row - y) ** 2);
      this.fill(row, Math.ceil(x - half), Math.floor(x + half));
    }
  }

  fill(row, from, to) {
    if (row < 0 || row >= this.rows) return;
    for (let x = Math.max(from, 0); x <= Math.min(to, this.columns - 1); x++) {
      const i = row * this.columns + x;
      if (!this.erase) this.mask[i] = this.object;
      else if (this.mask[i] === this.object) this.mask[i] = 0;
    }
  }

  corner() {
    this.corners.push([...this.cursor]);
    if (this.tool === "polygon" || this.corners.length < 2) {
      const next = this.tool === "box" ? "Choose the opposite corner." : "Enter, or the first corner again, closes the polygon.";
      return this.page.say(`Corner ${this.corners.length} set. ${next}`);
    }
    const [xs, ys] = [0, 1].map((axis) => this.corners.map((corner) => corner[axis]));
    this.add([[Math.min(...xs), Math.min(...ys)], [Math.max(...xs) + 1, Math.max(...ys) + 1]]); // prettier-ignore
  }

  close() {
    if (this.corners.length > 2) this.add(this.corners);
    else this.page.say("A polygon needs three corners or more.");
  }

  add(corners) {
    scan({ kind: this.tool, corners }, (row, from, to) => this.fill(row, Math.ceil(from), Math.floor(to)));
    this.corners = [];
    this.paint();
    this.changed();
  }

  changed() {
    this.page.changed(this.mask, this.object);
    this.page.say(`Object ${this.object}: ${this.erase ? "erased" : "added"}.`);
  }

  // --- what is seen

  paint() {
    this.overlay = new OffscreenCanvas(this.columns, this.rows);
    this.overlay.getContext("2d").putImageData(coloured(this.mask, this.columns, this.rows, COLOURS), 0, 0);
    this.draw();
  }

  draw() {
    const { canvas, columns, rows } = this;
    const width = Math.round(canvas.clientWidth * devicePixelRatio);
    if (!width || !this.bitmap) return;
    const height = Math.round((width * rows) / columns);
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const context = canvas.getContext("2d");
    const unit = (devicePixelRatio * columns) / width; // a screen pixel, in pixels of the frame
    context.setTransform(width / columns, 0, 0, height / rows, 0, 0);
    context.drawImage(this.bitmap, 0, 0);
    context.imageSmoothingEnabled = width < columns;
    context.drawImage(this.overlay, 0, 0);
    context.imageSmoothingEnabled = true;
    label(context, this.mask, columns, unit);
    const colour = this.erase ? "white" : hue(COLOURS, this.object);
    const points = this.seen ? [...this.corners, this.cursor] : this.corners;
    if (this.corners.length) sketch(context, this.tool, points, this.corners.length, colour, unit);
    if (this.mark) {
      const cell = new Path2D();
      cell.rect(...this.mark);
      line(context, cell, "white", 2, unit);
    }
    if (this.seen === "keyboard") crosshair(context, this.cursor, columns, rows, unit);
    if (this.seen && this.tool === "brush" && !this.locked) {
      const ring = new Path2D();
      ring.arc(this.cursor[0] + 0.5, this.cursor[1] + 0.5, this.radius, 0, 2 * Math.PI);
      line(context, ring, colour, 1.5, unit);
    }
  }
}
