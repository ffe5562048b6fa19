// How drawn shapes look: which pixels are inside, in which colour, and the lines of a shape that is not finished.

const OPACITY = 0.45; // as in tbd_lib/video/overlay.py
const DARK = "rgba(0, 0, 0, 0.65)"; // below every line, so that it is seen on any picture

const hue = (colours, id) => `rgb(${colours.subarray(3 * id, 3 * id + 3).join(", ")})`;

/** Call `fill(row, from, to)` for the pixels inside a shape: its outline counts, as it does for Pillow. */
function scan({ kind, corners }, fill) {
  if (kind === "box") {
    const [[left, top], [right, bottom]] = corners;
    for (let y = top; y < bottom; y++) fill(y, left, right - 1);
    return;
  }
  const edges = corners.map((corner, i) => [corner, corners[(i + 1) % corners.length]]);
  const heights = corners.map((corner) => corner[1]);
  const last = Math.max(...heights);
  for (let y = Math.floor(Math.min(...heights)); y <= last; y++) {
    const crossings = [];
    for (const [[x0, y0], [x1, y1]] of edges) {
      const lowest = Math.max(y0, y1);
      if (y0 === y1 && y0 === y) fill(y, Math.min(x0, x1), Math.max(x0, x1));
      if (y0 === y1 || y < Math.min(y0, y1) || y > lowest) continue;
      const x = x0 + ((y - y0) * (x1 - x0)) / (y1 - y0);
      crossings.push(x, ...(y === lowest && y < last ? [x] : []));
    }
    crossings.sort((a, b) => a - b);
    for (let i = 1; i < crossings.length; i += 2) {
      const from = Math.floor(crossings[i - 1] + 0.5);
      fill(y, from, Math.max(from, Math.ceil(crossings[i] - 0.5)));
    }
  }
}

/** The id of every pixel, row by row. Python has the last word on pixels that an edge cuts. */
function idsOf(columns, rows, start, shapes) {
  const ids = start.length ? start.slice() : new Uint8Array(columns * rows);
  for (const shape of shapes) {
    scan(shape, (y, from, to) => {
      if (y < 0 || y >= rows) return;
      const first = y * columns + Math.max(Math.ceil(from), 0);
      const end = y * columns + Math.min(Math.floor(to) + 1, columns);
      if (!shape.remove) ids.fill(shape.object, first, Math.max(first, end));
      else for (let i = first; i < end; i++) if (ids[i] === shape.object) ids[i] = 0;
    });
  }
  return ids;
}

/** Ids as a picture to lay over the frame: objects filled, and round them a line in their full colour. */
function coloured(ids, columns, rows, colours) {
  const picture = new ImageData(columns, rows);
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i];
    if (!id) continue;
    const x = i % columns;
    const beside = x && x < columns - 1 && ids[i - 1] === id && ids[i + 1] === id;
    const inner = beside && ids[i - columns] === id && ids[i + columns] === id;
    picture.data.set(colours.subarray(3 * id, 3 * id + 3), 4 * i);
    picture.data[4 * i + 3] = inner ? 255 * OPACITY : 255;
  }
  return picture;
}

/** A line, `unit` times `width` wide, above a darker one. */
function line(context, path, colour, width, unit) {
  for (const [style, wide] of [[DARK, width + 2], [colour, width]]) {
    context.strokeStyle = style;
    context.lineWidth = wide * unit;
    context.stroke(path);
  }
}

/** A shape that is not finished: `set` of its points are corners, a last one may be pointer or crosshair. */
function sketch(context, kind, points, set, colour, unit) {
  const path = new Path2D();
  const centres = points.map(([x, y]) => [x + 0.5, y + 0.5]);
  const [[x0, y0], [x1, y1]] = [centres[0], centres[centres.length - 1]];
  const [left, top, width, height] = [Math.min(x0, x1), Math.min(y0, y1), Math.abs(x1 - x0), Math.abs(y1 - y0)];
  if (kind === "box") path.rect(left - 0.5, top - 0.5, width + 1, height + 1);
  else centres.forEach(([x, y]) => path.lineTo(x, y));
  context.fillStyle = colour;
  context.globalAlpha = OPACITY / 2;
  context.fill(path);
  context.globalAlpha = 1;
  line(context, path, colour, 2, unit);
  centres.slice(0, set).forEach(([x, y], i) => {
    const dot = new Path2D();
    dot.arc(x, y, (i ? 3.5 : 5.5) * unit, 0, 2 * Math.PI); // larger for the first corner, which closes the polygon
    context.fillStyle = i ? colour : "white";
    line(context, dot, "white", 1.5, unit);
    context.fill(dot);
  });
}

/** Lines through a pixel, and its border. */
function crosshair(context, [x, y], columns, rows, unit) {
  const path = new Path2D();
  path.moveTo(0, y + 0.5);
  path.lineTo(columns, y + 0.5);
  path.moveTo(x + 0.5, 0);
  path.lineTo(x + 0.5, rows);
  path.rect(x, y, 1, 1);
  line(context, path, "white", 1, unit);
}
