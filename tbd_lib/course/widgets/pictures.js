// Pictures that can be pointed at, and the marks that lie on all of them.

const HALO = { stroke: "rgba(0, 0, 0, 0.7)", fill: "none" }; // below every mark, so that it is seen on any picture
const RING = 8; // screen pixels: a cell that is smaller is marked by a ring

class PictureView {
  constructor(board, part) {
    this.board = board;
    this.image = make("img", { draggable: "false" });
    this.frame = make("div", { class: "tbd-picture" }, [this.image]);
    this.title = make("span");
    this.hint = make("span", { class: "tbd-hint" });
    this.scale = make("span", { class: "tbd-scale" });
    this.el = make("figure", {}, [make("figcaption", {}, [this.title, this.hint, this.scale]), this.frame]);
    if (part.points) this.listen();
  }

  update(part, picture) {
    this.part = part;
    this.title.textContent = part.title;
    this.image.alt = part.title;
    this.image.style.aspectRatio = `${part.size[1]} / ${part.size[0]}`;
    this.scale.replaceChildren(...(part.scale === null ? [] : ["0", make("i"), String(part.scale)]));
    if (picture !== this.shown) {
      const before = this.image.src;
      this.shown = picture;
      this.image.src = URL.createObjectURL(new Blob([bytes(picture)], { type: "image/jpeg" }));
      if (before) URL.revokeObjectURL(before);
    }
    if (!part.points) return;
    const first = this.board.parts.find((view) => view.part?.points) === this;
    const keys = `Arrow keys move the ${part.points}, Shift in larger steps, Enter holds it, Escape lets it go.`;
    this.frame.setAttribute("aria-label", `${part.title}. ${keys}`);
    if (first) this.hint.textContent = this.board.held ? "held: click elsewhere, or Esc" : "follows the pointer: click holds it";
    this.frame.tabIndex = first ? 0 : -1;
  }

  get cell() {
    return this.part.marks.find((mark) => mark.name === this.part.points)?.cell;
  }

  listen() {
    const on = (name, does) => this.frame.addEventListener(name, does.bind(this));
    filled(this.frame, { role: "application", class: "tbd-picture tbd-pointed", ...OWN_KEYS }, []);
    on("pointermove", (event) => event.pointerType === "mouse" && !this.board.held && this.choose(this.below(event), false));
    on("click", (event) => this.choose(this.below(event), true));
    on("keydown", this.key);
  }

  below(event) {
    const seen = this.image.getBoundingClientRect();
    const [x, y] = [(event.clientX - seen.left) / seen.width, (event.clientY - seen.top) / seen.height];
    return cellAt(this.part.extent, x, y);
  }

  choose(cell, hold) {
    const same = String(cell) === String(this.cell);
    if (same && !hold) return;
    this.board.courier.tell(hold ? "hold" : "point", { point: cell, hold });
    if (!same) this.board.lead(this.part.points, cell); // the mark is there at once, what it means follows
  }

  key(event) {
    const arrow = ARROWS[event.key];
    if (!arrow && !["Enter", " ", "Escape"].includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key === "Escape") return this.board.courier.tell("release", { release: true });
    if (!arrow) return !event.repeat && this.choose(this.cell, true);
    const next = neighbour(this.part.extent, this.cell, arrow, event.shiftKey);
    if (String(next) !== String(this.cell)) this.choose(next, true);
  }
}

/** Marks and lines in screen pixels: `views` are pictures, `origin` is the page's place of the drawing's corner. */
function marks(views, origin, styles) {
  const found = views.flatMap((view) => view.part.marks.map((mark) => ({ ...mark, box: boxOf(view, mark.cell, origin) })));
  const query = found.find((mark) => !mark.joined);
  const middle = ({ box: [x, y, width, height] }) => [x + width / 2, y + height / 2];
  const lines = found.filter((mark) => mark.joined && query).flatMap((mark) => {
    const [[x1, y1], [x2, y2]] = [middle(query), middle(mark)];
    return stroked("line", { x1, y1, x2, y2 }, styles[mark.name], 2);
  });
  return [...lines, ...found.flatMap((mark) => [...outline(mark, styles[mark.name]), name(mark, styles[mark.name])])];
}

function boxOf({ image, part }, cell, origin) {
  const seen = image.getBoundingClientRect();
  const [x, y, width, height] = rectOf(part.extent, cell);
  const [left, top] = [seen.left - origin.left, seen.top - origin.top];
  const at = [left + x * seen.width, top + y * seen.height, width * seen.width, height * seen.height];
  return [...at, left + seen.width / 2];
}

function outline({ box: [x, y, width, height] }, style) {
  if (width >= RING) return stroked("rect", { x, y, width, height }, style, 2.5);
  const [cx, cy] = [x + width / 2, y + height / 2];
  const cross = [[0, -1], [0, 1], [-1, 0], [1, 0]].map(([a, b]) => `M${cx + RING * a},${cy + RING * b}l${8 * a},${8 * b}`);
  return [...stroked("circle", { cx, cy, r: RING }, style, 2), ...stroked("path", { d: cross.join("") }, style, 2)];
}

function name({ name, below, box: [x, y, width, height, centre] }, [colour]) {
  const right = x + width / 2 > centre; // the name stands on the side where there is room
  const at = { x: right ? x + width : x, y: below ? y + height + 14 : y - 5, "text-anchor": right ? "end" : "start" };
  return shape("text", { ...at, fill: colour }, [name]);
}

/** A line of a colour and a dash, above a darker one. */
function stroked(tag, traits, [colour, dash], width) {
  const above = { fill: "none", stroke: colour, "stroke-width": width, "stroke-dasharray": dash };
  return [shape(tag, { ...traits, ...HALO, "stroke-width": width + 2 }), shape(tag, { ...traits, ...above })];
}
