// What is on the page: controls, the frame, and a sentence that says what goes on.

const WIDEST = 960, HIGHEST = 720; // screen pixels of the frame
const ENLARGED = 3; // times, at most, of a small one
const KINDS = { polygon: "Polygon", box: "Box" };

const button = (text, does, traits = {}) => {
  const made = make("button", { type: "button", ...OWN_KEYS, ...traits }, [text]);
  made.addEventListener("click", does);
  return made;
};

/** Put all of it on the page; the parts that a drawing has to reach. */
function build(el, drawing) {
  const { columns, rows } = drawing;
  const tools = {};
  for (const [kind, text] of Object.entries(KINDS)) tools[kind] = button(text, () => drawing.choose(kind));
  const remover = button("Remove", () => drawing.toggle(), { title: "Take away from the object instead" });
  const swatch = make("span", { class: "tbd-swatch", "aria-hidden": "true" });
  const number = make("input", { type: "number", min: 1, max: 254, value: 1, ...OWN_KEYS });
  const clearer = button("", () => drawing.clear());
  const controls = make("div", { class: "tbd-controls", role: "group", "aria-label": "Drawing tools" }, [
    make("span", { class: "tbd-tools", role: "group", "aria-label": "Tool" }, Object.values(tools)),
    remover,
    make("label", {}, ["Object", swatch, number]),
    button("Undo", () => drawing.undo(), { title: "Take the last corner or shape back (Ctrl+Z)" }),
    clearer,
  ]);
  const keys = "Arrow keys move the crosshair, Space sets a corner, Enter closes, Escape discards.";
  const label = `Frame of ${columns} by ${rows} pixels. ${keys}`;
  const canvas = make("canvas", { tabindex: 0, role: "application", "aria-label": label, ...OWN_KEYS });
  canvas.style.aspectRatio = `${columns} / ${rows}`;
  const frame = make("div", { class: "tbd-frame" }, [canvas]);
  const enlarged = Math.max(columns, Math.min(ENLARGED * columns, HIGHEST));
  frame.style.width = `${Math.min(WIDEST, enlarged, (HIGHEST * columns) / rows)}px`;
  const status = make("p", { class: "tbd-caption", role: "status", "aria-live": "polite" });
  el.append(make("div", { class: "tbd-drawing" }, [controls, frame, status]));
  return { tools, remover, swatch, number, clearer, canvas, status };
}

/** What to do next, with so many corners set. */
function instruction(tool, count, object, remove) {
  const back = "Backspace takes the last back.";
  if (tool === "box" && count) return "One corner; click or Space sets the other, Escape discards.";
  if (count > 2) return `${count} corners; Enter, a double click or the first corner closes. ${back}`;
  if (count) return `${count === 1 ? "1 corner" : `${count} corners`}; a polygon needs three. ${back}`;
  const does = tool === "box" ? "drag, or click two corners" : "click its corners";
  const whose = `${remove ? "to remove from" : "for"} object ${object}`;
  return `${KINDS[tool]} ${whose}: ${does}, or lead the crosshair with the arrow keys and press Space.`;
}
