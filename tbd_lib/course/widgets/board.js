// The board of an inspector: its sentence, pictures, charts and tables, and what people do to them. One module with
// elements.js, pointing.js, pictures.js and charts.js, which stand before this. Python answers (board.py).

/** Tells Python one thing at a time: what happens meanwhile waits, and of one kind only the latest is told. */
class Courier {
  constructor(model) {
    this.model = model;
    this.waiting = new Map();
    this.name = Math.random().toString(36).slice(2); // of this view: others have their own
    this.count = 0;
    this.underWay = null;
    this.more = false; // whether Python has more to show when nothing else is to be done
  }

  tell(kind, content) {
    this.waiting.delete(kind);
    this.waiting.set(kind, content);
    this.next();
  }

  next() {
    if (this.underWay) return;
    const [kind] = this.waiting.keys();
    const content = kind === undefined ? this.more && { more: true } : this.waiting.get(kind);
    if (!content) return;
    this.waiting.delete(kind);
    this.underWay = `${this.name} ${++this.count}`;
    this.model.send({ ...content, number: this.underWay });
  }

  answered(number) {
    if (number !== this.underWay) return;
    this.underWay = null;
    requestAnimationFrame(() => this.next()); // what came of it is seen first
  }
}

class TableView {
  constructor() {
    this.table = make("table");
    this.el = make("div", { class: "tbd-table" }, [this.table]);
  }

  update({ head, rows }) {
    const cells = (tag, row, traits = {}) => row.map((text) => make(tag, traits, [text]));
    const body = rows.map(([first, ...rest]) => make("tr", {}, [make("th", { scope: "row" }, [first]), ...cells("td", rest)]));
    this.table.replaceChildren(make("tr", {}, cells("th", head, { scope: "col" })), ...body);
  }
}

const VIEWS = { picture: PictureView, chart: ChartView, table: TableView };

class Board {
  constructor(model, el) {
    this.model = model;
    this.styles = model.get("styles");
    this.courier = new Courier(model);
    this.caption = make("p", { class: "tbd-caption", role: "status", "aria-live": "polite" });
    this.marks = shape("svg", { class: "tbd-marks", "aria-hidden": "true" });
    this.grid = make("div", { class: "tbd-parts" });
    this.style = make("style");
    this.root = make("div", { class: "tbd-board", role: "group" }, [this.caption, this.grid, this.style]);
    el.append(this.root);
    this.parts = [];
    this.kinds = "";
    this.changed = () => this.update();
    this.heard = ({ answered }) => this.courier.answered(answered);
    model.on("change", this.changed);
    model.on("msg:custom", this.heard);
    this.resized = new ResizeObserver(() => this.draw());
    this.resized.observe(this.grid);
    this.update();
  }

  end() {
    this.model.off("change", this.changed);
    this.model.off("msg:custom", this.heard);
    this.resized.disconnect();
    for (const view of this.parts) if (view.image) URL.revokeObjectURL(view.image.src);
  }

  update() {
    const scene = this.ahead(structuredClone(this.model.get("scene")));
    const pictures = this.model.get("pictures");
    this.held = scene.held;
    const kinds = scene.parts.map((part) => part.kind).join();
    if (kinds !== this.kinds) {
      this.parts = scene.parts.map((part) => new VIEWS[part.kind](this, part));
      this.grid.replaceChildren(...this.parts.map((view) => view.el), this.marks);
      this.kinds = kinds;
    }
    let picture = 0;
    scene.parts.forEach((part, i) => {
      this.parts[i].el.style.setProperty("--span", part.span);
      this.parts[i].update(part, part.kind === "picture" ? pictures[picture++] : undefined);
    });
    this.root.setAttribute("aria-label", scene.description);
    if (this.caption.textContent !== scene.caption) this.caption.textContent = scene.caption;
    this.style.replaceWith((this.style = hiding(this.model.get("stills"))));
    this.draw();
    this.courier.more = scene.more;
    this.courier.next();
  }

  /** A scene with what people have done meanwhile and Python has not heard: a key pressed next begins there. */
  ahead(scene) {
    const pointed = scene.parts.map((part) => part.points);
    for (const { drag, scrub, point } of this.courier.waiting.values()) {
      for (const part of scene.parts) {
        if (drag && part.dragged) part.lines[part.dragged][1][drag[0]] = drag[1];
        if (scrub !== undefined && Number.isFinite(part.at)) part.at = scrub;
      }
      if (point) place(scene.parts, pointed, point);
    }
    return scene;
  }

  /** Move a mark before Python has answered. */
  lead(name, cell) {
    place(this.parts.map((view) => view.part), [name], cell);
    this.draw();
  }

  draw() {
    const views = this.parts.filter((view) => view.part?.kind === "picture");
    this.marks.replaceChildren(...marks(views, this.grid.getBoundingClientRect(), this.styles.marks));
  }
}

/** Put the marks with these names at a cell. */
function place(parts, names, cell) {
  for (const part of parts) for (const mark of part?.marks ?? []) if (names.includes(mark.name)) mark.cell = cell;
}

export default {
  render({ model, el }) {
    const board = new Board(model, el);
    return () => board.end();
  },
};
