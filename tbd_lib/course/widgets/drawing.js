// Polygons and boxes on a frame, by mouse, touch or keyboard. What is drawn goes to Python as shapes (tbd_lib/video/annotations.py)
// and is painted here at once. Corners are pixels of the frame, whatever size it is shown at. One module with
// elements.js, painting.js and page.js, which stand before this.

const NEAR = 10; // screen pixels within which the first corner, or the same place again, is meant
const TWICE = 400; // milliseconds between the presses of a double click
const DRAGGED = 4; // screen pixels from which on a press is a drag
const STRIDE = 10; // frame pixels that the crosshair moves with Shift

const apart = (a, b) => Math.hypot(a.x - b.x, a.y - b.y);

class Drawing {
  constructor(model, el) {
    this.model = model;
    this.columns = model.get("columns");
    this.rows = model.get("rows");
    this.colours = bytes(model.get("colours"));
    this.start = bytes(model.get("start"));
    this.shapes = model.get("shapes");
    this.past = []; // earlier shapes, for Undo
    this.tool = "polygon";
    this.remove = false;
    this.object = 1;
    this.corners = []; // of the shape that is being drawn: pixels
    this.cursor = [this.columns >> 1, this.rows >> 1]; // the pixel below pointer or crosshair
    this.pointed = false; // whether pointer or crosshair is on the frame
    this.keyboard = false; // whether it is the crosshair, which keys lead
    this.pressed = null; // where and when the pointer went down
    this.released = null;
    this.overlay = make("canvas", { width: this.columns, height: this.rows });
    Object.assign(this, build(el, this));
    this.style = make("style");
    el.append(this.style);
    this.show();
    this.explain();
    this.listen();
    this.hide();
    this.paint();
    this.load();
  }

  // --- what is there

  listen() {
    const on = (name, does) => this.canvas.addEventListener(name, does.bind(this));
    on("pointerdown", this.press);
    on("pointermove", this.move);
    on("pointerup", this.release);
    on("pointercancel", this.cancel);
    on("pointerleave", this.leave);
    on("keydown", this.key);
    on("focus", this.focus);
    on("blur", this.leave);
    this.number.addEventListener("input", () => this.follow(this.number.valueAsNumber));
    this.number.addEventListener("change", () => (this.number.value = this.object)); // a number that was refused goes
    this.changed = () => this.take(this.model.get("shapes"));
    this.heard = ({ refused }) => refused && this.say(`Not taken: ${refused}`);
    this.displayed = () => this.hide();
    this.model.on("change:shapes", this.changed);
    this.model.on("change:stills", this.displayed);
    this.model.on("msg:custom", this.heard);
    this.resized = new ResizeObserver(() => this.draw());
    this.resized.observe(this.canvas);
  }

  async load() {
    this.picture = await createImageBitmap(new Blob([bytes(this.model.get("picture"))], { type: "image/jpeg" }));
    this.draw();
  }

  end() {
    this.model.off("change:shapes", this.changed);
    this.model.off("change:stills", this.displayed);
    this.model.off("msg:custom", this.heard);
    this.resized.disconnect();
  }

  hide() {
    this.style.replaceWith((this.style = hiding(this.model.get("stills"))));
  }

  // --- what people do

  choose(tool) {
    this.tool = tool;
    this.discard();
  }

  toggle() {
    this.remove = !this.remove;
    this.discard();
  }

  follow(number) {
    if (!(Number.isInteger(number) && number >= 1 && number <= 254)) return this.say("An object's number is 1 to 254.");
    this.object = number;
    this.show();
    this.redraw();
  }

  press(event) {
    if (event.button !== 0 || !event.isPrimary) return;
    this.canvas.focus({ preventScroll: true });
    this.canvas.setPointerCapture(event.pointerId);
    this.point(event);
    this.pressed = { x: event.clientX, y: event.clientY, begins: this.tool === "box" && !this.corners.length };
    if (this.pressed.begins) this.corner(this.cursor);
    this.draw();
  }

  move(event) {
    this.point(event);
    this.draw();
  }

  release(event) {
    if (!this.pressed) return;
    const here = { x: event.clientX, y: event.clientY, time: event.timeStamp };
    const { begins } = this.pressed;
    const dragged = apart(this.pressed, here) > DRAGGED;
    this.point(event);
    this.pressed = null;
    if (this.tool === "box") {
      if (!begins || dragged) this.corner(this.cursor);
      return;
    }
    const again = this.released && here.time - this.released.time < TWICE && apart(this.released, here) < NEAR;
    const closes = this.corners.length > 2 && apart(this.place(this.corners[0]), here) < NEAR;
    this.released = again || closes ? null : here;
    if (closes || (again && this.corners.length)) this.close();
    else this.corner(this.cursor);
  }

  cancel() {
    if (this.pressed?.begins) this.corners = [];
    this.pressed = null;
    this.leave();
  }

  leave() {
    if (this.pressed) return;
    this.pointed = false;
    this.draw();
  }

  focus() {
    this.keyboard = this.pointed = this.canvas.matches(":focus-visible");
    this.draw();
  }

  key(event) {
    const [x, y] = this.cursor;
    const acts = {
      " ": () => this.corner([x, y]),
      Enter: () => (this.tool === "box" ? this.corner([x, y]) : this.close()),
      Escape: () => this.discard(),
      Backspace: () => this.back(),
    };
    const arrow = ARROWS[event.key];
    const undoes = event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey);
    if (!arrow && !undoes && !(event.key in acts)) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.repeat && !arrow) return;
    this.keyboard = this.pointed = true;
    const by = event.shiftKey ? STRIDE : 1;
    const [right, down] = arrow ?? [0, 0];
    this.cursor = [clamp(x + by * right, 0, this.columns - 1), clamp(y + by * down, 0, this.rows - 1)];
    if (arrow) this.explain(`Column ${this.cursor[0]}, row ${this.cursor[1]}.`);
    else if (undoes) this.undo();
    else acts[event.key]();
    this.draw();
  }

  // --- what becomes of it

  corner([x, y]) {
    this.corners.push([x, y]);
    if (this.tool === "polygon" || this.corners.length < 2) return this.redraw();
    const [xs, ys] = [0, 1].map((axis) => this.corners.map((corner) => corner[axis]));
    this.add([Math.min(...xs), Math.min(...ys)], [Math.max(...xs) + 1, Math.max(...ys) + 1]); // both pixels are in it
  }

  close() {
    if (this.corners.length > 2) this.add(...this.corners);
    else this.explain();
  }

  back() {
    this.corners.pop();
    this.redraw();
  }

  discard() {
    this.corners = [];
    this.released = null;
    this.show();
    this.redraw();
  }

  redraw() {
    this.explain();
    this.draw();
  }

  add(...corners) {
    this.corners = [];
    this.send([...this.shapes, { object: this.object, kind: this.tool, corners, remove: this.remove }]);
    this.explain(this.remove ? `Removed from object ${this.object}. ` : `Object ${this.object}: ${this.tool} added.`);
  }

  undo() {
    if (this.corners.length) return this.back();
    if (!this.past.length && !this.shapes.length) return this.say("Nothing to undo.");
    const before = this.past.pop() ?? this.shapes.slice(0, -1);
    this.send(before);
    this.past.pop(); // what was undone is not to be undone
    this.explain("Undone.");
  }

  clear() {
    const { object } = this;
    const begun = this.start.includes(object); // what lies beneath all shapes is taken away beneath them
    const whole = { object, kind: "box", corners: [[0, 0], [this.columns, this.rows]], remove: true };
    this.corners = [];
    this.send([...(begun ? [whole] : []), ...this.shapes.filter((shape) => shape.object !== object)]);
    this.explain(`Object ${object} cleared.`);
  }

  send(shapes) {
    this.model.set("shapes", shapes); // "change:shapes" follows, here and in every other view
    this.model.save_changes();
  }

  take(shapes) {
    this.past.push(this.shapes);
    this.shapes = shapes;
    this.paint();
    this.draw();
  }

  // --- what is seen

  point(event) {
    const seen = this.canvas.getBoundingClientRect();
    const x = Math.floor(((event.clientX - seen.left) / seen.width) * this.columns);
    const y = Math.floor(((event.clientY - seen.top) / seen.height) * this.rows);
    this.cursor = [clamp(x, 0, this.columns - 1), clamp(y, 0, this.rows - 1)];
    this.pointed = true;
    this.keyboard = false;
  }

  place([x, y]) {
    const seen = this.canvas.getBoundingClientRect();
    const [across, down] = [(x + 0.5) / this.columns, (y + 0.5) / this.rows];
    return { x: seen.left + across * seen.width, y: seen.top + down * seen.height };
  }

  show() {
    for (const [kind, button] of Object.entries(this.tools)) button.setAttribute("aria-pressed", kind === this.tool);
    this.remover.setAttribute("aria-pressed", this.remove);
    this.swatch.style.backgroundColor = hue(this.colours, this.object);
    this.clearer.textContent = `Clear object ${this.object}`;
    this.canvas.style.touchAction = this.tool === "box" ? "none" : "manipulation"; // a finger can scroll past
  }

  explain(done = "") {
    const next = instruction(this.tool, this.corners.length, this.object, this.remove);
    this.say(done && !this.corners.length ? done : `${done} ${next}`.trim());
  }

  say(text) {
    this.status.textContent = text;
  }

  paint() {
    const ids = idsOf(this.columns, this.rows, this.start, this.shapes);
    this.overlay.getContext("2d").putImageData(coloured(ids, this.columns, this.rows, this.colours), 0, 0);
  }

  draw() {
    const { canvas, columns, rows } = this;
    const width = Math.round(canvas.clientWidth * devicePixelRatio);
    if (!width) return; // not on the page yet
    if (canvas.width !== width) [canvas.width, canvas.height] = [width, Math.round((width * rows) / columns)];
    const context = canvas.getContext("2d");
    context.setTransform(width / columns, 0, 0, canvas.height / rows, 0, 0);
    if (this.picture) context.drawImage(this.picture, 0, 0, columns, rows);
    context.imageSmoothingEnabled = width < columns; // pixels are to be seen as they are
    context.drawImage(this.overlay, 0, 0);
    context.imageSmoothingEnabled = true;
    const unit = (devicePixelRatio * columns) / width; // a screen pixel
    const colour = this.remove ? "white" : hue(this.colours, this.object);
    const points = this.pointed ? [...this.corners, this.cursor] : this.corners;
    if (this.corners.length) sketch(context, this.tool, points, this.corners.length, colour, unit);
    if (this.keyboard && this.pointed) crosshair(context, this.cursor, columns, rows, unit);
  }
}

export default {
  render({ model, el }) {
    const drawing = new Drawing(model, el);
    return () => drawing.end();
  },
};
