// From each object's log-odds to one distribution, and to ids at the frame's size (tbd_lib/method/aggregate.py, tracker.py).

import { crop, resize } from "./geometry.js";

export const MOST_LOG_ODDS = Math.log((1 - 1e-7) / 1e-7);
const held = (x) => Math.min(Math.max(x, -MOST_LOG_ODDS), MOST_LOG_ODDS);

/** Background, then every object: a softmax over the objects' log-odds and the background's, minus the largest of them. */
export function aggregate(odds) {
  const count = odds.length;
  const places = odds[0].length;
  const maps = Array.from({ length: count + 1 }, () => new Float32Array(places));
  const row = new Float64Array(count + 1);
  for (let i = 0; i < places; i++) {
    let most = -Infinity;
    for (let k = 0; k < count; k++) {
      row[k + 1] = held(odds[k][i]);
      most = Math.max(most, odds[k][i]);
    }
    row[0] = held(-most);
    most = Math.max(row[0], held(most));
    let total = 0;
    for (let k = 0; k <= count; k++) total += row[k] = Math.exp(row[k] - most);
    for (let k = 0; k <= count; k++) maps[k][i] = row[k] / total;
  }
  return maps;
}

/** The most probable id of every pixel; a tie goes to the background, then to the earlier object. */
export function idsAt(maps, ids, work, [height, width]) {
  const [background, ...objects] = maps.map((map) => resize(crop(map, work), work, [height, width]));
  const mask = new Uint8Array(height * width);
  objects.forEach((chances, k) => {
    for (let i = 0; i < mask.length; i++) {
      if (chances[i] > background[i]) [background[i], mask[i]] = [chances[i], ids[k]];
    }
  });
  return mask;
}
