// Id masks: how they are held, and the forms in which they are saved (tbd_lib/video/masks.py and outputs.py read them back).

import { zlibSync } from "fflate";
import constants from "../build/constants.json";

const { palette } = constants;

const LENGTH = 24; // bits of a run's length; the upper 8 hold its id

/** A mask as runs of equal ids, row by row. @returns {Uint32Array} */
export function runsOf(mask) {
  const runs = [];
  for (let i = 0, start = 0; i < mask.length; i = start) {
    while (start < mask.length && mask[start] === mask[i]) start++;
    runs.push(((mask[i] << LENGTH) | (start - i)) >>> 0);
  }
  return Uint32Array.from(runs);
}

/** The mask of these runs. @param {Uint32Array} runs @param {number} places how many pixels it has */
export function maskOf(runs, places) {
  const mask = new Uint8Array(places);
  let at = 0;
  for (const run of runs) mask.fill(run >>> LENGTH, at, (at += run & ((1 << LENGTH) - 1)));
  return mask;
}

// --- PNG

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n >>> 0;
});

function chunk(kind, data) {
  const made = new Uint8Array(data.length + 12);
  const view = new DataView(made.buffer);
  view.setUint32(0, data.length);
  made.set(new TextEncoder().encode(kind), 4);
  made.set(data, 8);
  let crc = 0xffffffff;
  for (const byte of made.subarray(4, -4)) crc = CRC[(crc ^ byte) & 255] ^ (crc >>> 8);
  view.setUint32(data.length + 8, ~crc >>> 0);
  return made;
}

/** A palette PNG whose pixels are the ids, in the benchmarks' colours. */
export function pngOf(mask, width, height) {
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, 3, 0, 0, 0], 8); // 8 bits, palette
  const rows = new Uint8Array(height * (width + 1)); // each begins with its filter, 0 for none
  for (let y = 0; y < height; y++) rows.set(mask.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
  const parts = [
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    chunk("IHDR", header),
    chunk("PLTE", Uint8Array.from(palette.flat())),
    chunk("IDAT", zlibSync(rows)),
    chunk("IEND", new Uint8Array()),
  ];
  const png = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  parts.reduce((at, part) => (png.set(part, at), at + part.length), 0);
  return png;
}

/** Ids of a picture's pixels: colours of the palette, or greys; one object where it is black and white. */
export function idsOfPicture({ data }) {
  const table = new Map(palette.map(([r, g, b], id) => [(r << 16) | (g << 8) | b, id]));
  const codes = Uint32Array.from({ length: data.length / 4 }, (_, i) =>
    data[4 * i + 3] < 128 ? 0 : (data[4 * i] << 16) | (data[4 * i + 1] << 8) | data[4 * i + 2],
  );
  const colours = [...new Set(codes)];
  const isWhite = colours.every((code) => code === 0 || code === 0xffffff);
  const isGrey = colours.every((code) => code === (code & 255) * 0x010101);
  if (!isWhite && !isGrey && !colours.every((code) => table.has(code))) return null;
  return Uint8Array.from(codes, (code) => (isWhite ? Number(code > 0) : isGrey ? (code & 255) % 255 : table.get(code) % 255));
}

// --- COCO

/** Lengths of runs down the columns, outside first, as COCO's tools pack them into letters. */
function packed(counts) {
  let text = "";
  counts.forEach((count, i) => {
    let x = i > 2 ? count - counts[i - 2] : count;
    for (let more = true; more; ) {
      let letter = x & 31;
      x >>= 5;
      more = letter & 16 ? x !== -1 : x !== 0;
      if (more) letter |= 32;
      text += String.fromCharCode(letter + 48);
    }
  });
  return text;
}

/** An object's annotation: run lengths, area and box. */
function annotation(mask, width, height, id) {
  const counts = [];
  let [run, inside, area] = [0, false, 0];
  let [left, top, right, bottom] = [width, height, 0, 0];
  for (let x = 0; x < width; x++) {
    for (let y = 0; y < height; y++) {
      const here = mask[y * width + x] === id;
      if (here !== inside) {
        counts.push(run);
        [run, inside] = [0, here];
      }
      run++;
      if (!here) continue;
      area++;
      [left, right] = [Math.min(left, x), x + 1];
      [top, bottom] = [Math.min(top, y), Math.max(bottom, y + 1)];
    }
  }
  const segmentation = { size: [height, width], counts: packed([...counts, run]) };
  return { segmentation, area, bbox: [left, top, right - left, bottom - top] };
}

/** Images and annotations in the form of COCO's instances. @param {{name: string, mask: Uint8Array}[]} frames */
export class Coco {
  images = [];
  annotations = [];
  categories = new Map();

  add(name, mask, ids, width, height) {
    const image = this.images.push({ id: this.images.length + 1, file_name: name, height, width });
    for (const id of ids) {
      this.categories.set(id, { id, name: `object ${id}` });
      const about = { id: this.annotations.length + 1, image_id: image, category_id: id, track_id: id, iscrowd: 0 };
      this.annotations.push({ ...about, ...annotation(mask, width, height, id) });
    }
  }

  text() {
    const { images, annotations } = this;
    const categories = [...this.categories.values()].sort((a, b) => a.id - b.id);
    return JSON.stringify({ annotations, images, categories });
  }
}
