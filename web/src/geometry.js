// Sizes and resizing, as tbd_lib/tracking/geometry.py and PyTorch's interpolation have them. Planes are Float32Array, row by row.

/**
 * @typedef {[number, number]} Size rows and columns, in pixels
 * @typedef {{data: Uint8ClampedArray, width: number, height: number}} Pixels red, green, blue and alpha, 0 to 255
 */

export const STRIDE = 16;

/** The nearest whole number; of two the even one, as Python rounds. */
const rounded = (x) => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x));

/** @returns {Size} the size at which a frame is worked on; null keeps the frame's own */
export function workingSize([height, width], shortSide) {
  const scale = shortSide === null ? 1 : shortSide / Math.min(height, width);
  return [rounded(height * scale), rounded(width * scale)];
}

/** @returns {Size} the next multiples of 16 */
export const paddedSize = (size) => size.map((side) => Math.ceil(side / STRIDE) * STRIDE);

/** Rows on top and columns on the left that padding adds: half of what is missing, rounded up. */
export const margins = (size) => paddedSize(size).map((side, axis) => Math.ceil((side - size[axis]) / 2));

/** Reflect at the borders until both sides are multiples of 16. */
export function pad(plane, [height, width]) {
  const [rows, columns] = paddedSize([height, width]);
  const [top, left] = margins([height, width]);
  const mirrored = (i, length) => (i < 0 ? -i : i < length ? i : 2 * length - 2 - i);
  const from = Int32Array.from({ length: columns }, (_, x) => mirrored(x - left, width));
  const padded = new Float32Array(rows * columns);
  for (let y = 0; y < rows; y++) {
    const start = mirrored(y - top, height) * width;
    for (let x = 0; x < columns; x++) padded[y * columns + x] = plane[start + from[x]];
  }
  return padded;
}

/** Undo `pad`. */
export function crop(plane, size) {
  const [top, left] = margins(size);
  const columns = paddedSize(size)[1];
  const cropped = new Float32Array(size[0] * size[1]);
  for (let y = 0; y < size[0]; y++) {
    const start = (top + y) * columns + left;
    cropped.set(plane.subarray(start, start + size[1]), y * size[1]);
  }
  return cropped;
}

/** For every place of a resized axis: the first place that it is made of, and the weight of each from there on. */
function triangles(from, to) {
  const scale = from / to;
  const support = Math.max(scale, 1); // wider where places are joined: that is "antialias"
  return Array.from({ length: to }, (_, i) => {
    const centre = scale * (i + 0.5);
    const first = Math.max(Math.trunc(centre - support + 0.5), 0);
    const end = Math.min(Math.trunc(centre + support + 0.5), from);
    const raw = Array.from({ length: end - first }, (_, j) => Math.max(0, 1 - Math.abs((first + j - centre + 0.5) / support)));
    const total = raw.reduce((a, b) => a + b, 0);
    return { first, weights: Float32Array.from(raw, (weight) => weight / total) };
  });
}

/** Bilinear with antialiasing, over columns and then over rows. `plane` may hold several values a pixel, `step` apart. */
export function resize(plane, [height, width], [rows, columns], step = 1, offset = 0) {
  if (step === 1 && height === rows && width === columns) return plane;
  const across = new Float32Array(height * columns);
  triangles(width, columns).forEach(({ first, weights }, x) => {
    for (let y = 0; y < height; y++) {
      let sum = 0;
      let at = (y * width + first) * step + offset;
      for (let j = 0; j < weights.length; j++, at += step) sum += weights[j] * plane[at];
      across[y * columns + x] = sum;
    }
  });
  if (height === rows) return across;
  const resized = new Float32Array(rows * columns);
  triangles(height, rows).forEach(({ first, weights }, y) => {
    const row = resized.subarray(y * columns, (y + 1) * columns);
    for (let j = 0; j < weights.length; j++) {
      const start = (first + j) * columns;
      for (let x = 0; x < columns; x++) row[x] += weights[j] * across[start + x];
    }
  });
  return resized;
}

/** The frame as the model takes it: three planes in [0, 1], at the working size, padded. @param {Pixels} pixels */
export function imageOf(pixels, work) {
  const [rows, columns] = paddedSize(work);
  const image = new Float32Array(3 * rows * columns);
  for (let channel = 0; channel < 3; channel++) {
    const plane = resize(pixels.data, [pixels.height, pixels.width], work, 4, channel);
    image.set(pad(plane, work), channel * rows * columns);
  }
  for (let i = 0; i < image.length; i++) image[i] /= 255;
  return image;
}

/** Where a mask has this id, as 0 and 1: the nearest pixel of each place of the working size, padded. */
export function foregroundOf(mask, [height, width], id, work) {
  const nearest = (to, from) => Int32Array.from({ length: to }, (_, i) => Math.min(Math.floor(((i + 0.5) * from) / to), from - 1));
  const [ys, xs] = [nearest(work[0], height), nearest(work[1], width)];
  const plane = new Float32Array(work[0] * work[1]);
  ys.forEach((from, y) => xs.forEach((x, at) => (plane[y * work[1] + at] = Number(mask[from * width + x] === id))));
  return pad(plane, work);
}
