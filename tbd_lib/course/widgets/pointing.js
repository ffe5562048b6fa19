// Places: from a picture's or a chart's own units to shares of its width and height, and back. Nothing here knows the page.

const LARGE = { cells: 4, pixels: 10 }; // what an arrow key moves with Shift, on a grid of few and of many places
const FINE = 60; // columns from which on a grid is one of pixels

/** The cell below a place, of those that the picture shows at least in part. Extent: left, right, bottom, top. */
function cellAt([left, right, bottom, top], x, y) {
  const row = Math.floor(top + y * (bottom - top));
  const column = Math.floor(left + x * (right - left));
  return [clamp(row, Math.floor(top), Math.ceil(bottom) - 1), clamp(column, Math.floor(left), Math.ceil(right) - 1)];
}

/** Where a cell is: left, top, width and height. */
function rectOf([left, right, bottom, top], [row, column]) {
  const [width, height] = [1 / (right - left), 1 / (bottom - top)];
  return [(column - left) * width, (row - top) * height, width, height];
}

/** The cell that an arrow key leads to. */
function neighbour(extent, [row, column], [right, down], large) {
  const [left, last, bottom, top] = extent;
  const by = large ? (last - left > FINE ? LARGE.pixels : LARGE.cells) : 1;
  return [
    clamp(row + by * down, Math.floor(top), Math.ceil(bottom) - 1),
    clamp(column + by * right, Math.floor(left), Math.ceil(last) - 1),
  ];
}

/** Places along an axis at which it is marked: multiples of a round number, `least` or more, at most `most` of them. */
function ticks(from, to, most, least = 0) {
  const rough = Math.max((to - from) / most, least);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((times) => times * power >= rough * 0.999);
  const count = Math.floor((to - from) / step + 1e-6);
  const first = Math.ceil(from / step - 1e-6) * step;
  return Array.from({ length: count + 1 }, (_, i) => Number((first + i * step).toFixed(6))).filter((at) => at <= to + 1e-9);
}

/** What maps quantities from one range onto another, and back. */
function ruler(from, to, start, end) {
  const slope = (end - start) / (to - from);
  return { place: (value) => start + (value - from) * slope, value: (place) => from + (place - start) / slope };
}
