// Charts: lines along an axis. A frame is chosen by pointing at one, and the points of a line can be dragged.

const WIDTH = 440; // of the drawing; the page scales it
const EDGE = { left: 40, right: 12, top: 10, bottom: 38 };
const TOP = 1.02; // of the upright axis
const STEP = { plain: 0.05, fine: 0.01 }; // that an arrow key moves a point, and with Shift
const GHOST = ["color-mix(in srgb, currentColor 45%, transparent)", ""];

class ChartView {
  constructor(board, part) {
    this.board = board;
    this.height = Math.round(WIDTH * board.styles.aspect);
    this.title = make("span");
    this.legend = make("span", { class: "tbd-legend" });
    this.drawn = shape("g");
    this.points = shape("g");
    this.plot = shape("svg", { viewBox: `0 0 ${WIDTH} ${this.height}`, class: "tbd-chart" }, [this.drawn, this.points]);
    this.el = make("figure", {}, [make("figcaption", {}, [this.title, this.legend]), this.plot]);
    this.fields = [];
    if (part.dragged) this.offer(part.lines[part.dragged]);
    if (part.at !== null) this.scrub();
  }

  update(part) {
    this.part = part;
    const { lines, ghost, dragged } = part;
    const xs = Object.values(lines).flatMap(([along]) => along);
    const last = part.last ?? Math.max(...xs);
    this.x = ruler(Math.min(0, ...xs), last, EDGE.left, WIDTH - EDGE.right);
    this.y = ruler(part.least, TOP, this.height - EDGE.bottom, EDGE.top);
    const colours = Object.keys(lines).filter((name) => name !== ghost);
    const style = (name) => (name === ghost ? GHOST : this.board.styles.lines[colours.indexOf(name)]);
    this.title.textContent = part.title;
    const names = Object.keys(lines);
    this.legend.replaceChildren(...(names.length > 1 ? names.map((name) => entry(name, style(name))) : []));
    this.drawn.replaceChildren(
      ...this.axes(last),
      ...(part.at === null ? [] : [this.upright(part.at)]),
      ...Object.entries(lines).map(([name, line]) => this.line(line, style(name))),
    );
    this.cover?.setAttribute("aria-valuenow", part.at);
    this.cover?.setAttribute("aria-valuemin", part.first);
    this.cover?.setAttribute("aria-valuemax", last);
    if (dragged) this.place(lines[dragged], style(dragged));
  }

  // --- what is seen

  axes(last) {
    const [left, right, bottom] = [EDGE.left, WIDTH - EDGE.right, this.height - EDGE.bottom];
    const label = (x, y, text, anchor) => shape("text", { x, y, "text-anchor": anchor }, [text]);
    const across = ticks(this.part.least, 1, 5).flatMap((value) => {
      const y = this.y.place(value);
      return [shape("line", { x1: left, x2: right, y1: y, y2: y, class: "tbd-rule" }), label(left - 6, y + 4, value, "end")];
    });
    const along = ticks(0, last, 9, 1).map((value) => label(this.x.place(value), bottom + 16, value, "middle"));
    return [...across, ...along, label((left + right) / 2, this.height - 5, this.part.along, "middle")];
  }

  upright(at) {
    const x = this.x.place(at);
    return shape("line", { x1: x, x2: x, y1: EDGE.top, y2: this.height - EDGE.bottom, class: "tbd-now" });
  }

  line([along, values], [stroke, dash]) {
    const points = along.map((at, i) => `${this.x.place(at).toFixed(1)},${this.y.place(values[i]).toFixed(1)}`);
    return shape("polyline", { points: points.join(" "), stroke, "stroke-dasharray": dash, "stroke-width": 2.5, fill: "none" });
  }

  place([along, values], [colour]) {
    values.forEach((value, i) => {
      const text = value.toFixed(2);
      filled(this.points.children[i], { cx: this.x.place(along[i]), cy: this.y.place(value), fill: colour, "aria-valuenow": text }, []);
      if (document.activeElement !== this.fields[i]) this.fields[i].value = text;
    });
  }

  // --- what people do

  offer([along]) {
    const range = { "aria-valuemin": 0, "aria-valuemax": 1, "aria-orientation": "vertical" };
    this.fields = along.map((at, i) => {
      const label = `score at distance ${at}`;
      const point = shape("circle", { r: 7, tabindex: 0, role: "slider", "aria-label": label, ...range, ...OWN_KEYS });
      const field = make("input", { type: "number", min: 0, max: 1, step: STEP.plain, "aria-label": `${label}, typed`, ...OWN_KEYS });
      point.addEventListener("pointerdown", (event) => this.grip(event, i));
      point.addEventListener("pointermove", (event) => this.moving === i && this.drag(i, this.valueAt(event)));
      for (const ends of ["pointerup", "pointercancel"]) point.addEventListener(ends, () => (this.moving = null));
      point.addEventListener("keydown", (event) => this.key(event, i));
      field.addEventListener("change", () => Number.isFinite(field.valueAsNumber) && this.drag(i, field.valueAsNumber));
      this.points.append(point);
      return field;
    });
    const labelled = along.map((at, i) => make("label", {}, [String(at), this.fields[i]]));
    this.el.append(make("div", { class: "tbd-fields", role: "group", "aria-label": "Scores by distance" }, labelled));
  }

  grip(event, i) {
    if (event.button !== 0) return;
    event.target.setPointerCapture(event.pointerId);
    event.target.focus({ preventScroll: true });
    event.preventDefault();
    this.moving = i;
  }

  valueAt(event) {
    const seen = this.plot.getBoundingClientRect();
    return this.y.value(((event.clientY - seen.top) / seen.height) * this.height);
  }

  drag(i, value) {
    const settled = Math.round(100 * clamp(value, 0, 1)) / 100;
    this.part.lines[this.part.dragged][1][i] = settled;
    this.update(this.part);
    this.board.courier.tell(`drag ${i}`, { drag: [i, settled] });
  }

  key(event, i) {
    const now = this.part.lines[this.part.dragged][1][i];
    const by = event.shiftKey ? STEP.fine : STEP.plain;
    const [right, down] = ARROWS[event.key] ?? [0, 0];
    const ends = { Home: 0, End: 1 };
    if (!(event.key in ARROWS) && !(event.key in ends)) return;
    event.preventDefault();
    event.stopPropagation();
    this.drag(i, ends[event.key] ?? now + by * (right - down));
  }

  scrub() {
    const [width, height] = [WIDTH - EDGE.left - EDGE.right, this.height - EDGE.top - EDGE.bottom];
    const traits = { x: EDGE.left, y: EDGE.top, width, height, class: "tbd-cover", tabindex: 0, role: "slider" };
    this.cover = shape("rect", { ...traits, "aria-label": "frame", ...OWN_KEYS });
    this.plot.append(this.cover);
    const go = (frame) => {
      const at = clamp(Math.round(frame), this.part.first, this.x.value(WIDTH - EDGE.right));
      if (at !== this.part.at) this.board.courier.tell("scrub", { scrub: at });
      this.update({ ...this.part, at });
    };
    const point = (event) => {
      const seen = this.plot.getBoundingClientRect();
      go(this.x.value(((event.clientX - seen.left) / seen.width) * WIDTH));
    };
    this.cover.addEventListener("pointerdown", (event) => {
      this.cover.setPointerCapture(event.pointerId);
      point(event);
    });
    this.cover.addEventListener("pointermove", (event) => event.buttons && point(event));
    this.cover.addEventListener("keydown", (event) => {
      if (!(event.key in ARROWS)) return;
      event.preventDefault();
      event.stopPropagation();
      const [right, down] = ARROWS[event.key];
      go(this.part.at + right - down);
    });
  }
}

function entry(name, [stroke, dash]) {
  const traits = { x1: 0, x2: 26, y1: 5, y2: 5, stroke, "stroke-width": 2.5, "stroke-dasharray": dash };
  return make("span", {}, [shape("svg", { width: 26, height: 10, "aria-hidden": "true" }, [shape("line", traits)]), name]);
}
