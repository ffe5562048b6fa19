// The method's verbs: every number of matching, update and decoding comes from the exported graphs (tbd_lib/engines/export.py).

/**
 * @typedef {import("onnxruntime-common").Tensor} Tensor
 * @typedef {{s4: Tensor, s8: Tensor, s16: Tensor, key: Tensor, halves: Tensor[]}} Features
 * @typedef {{firstKey: Tensor, firstMask: Tensor, prevMask: Tensor, area: Tensor, overall: Tensor, short: Tensor,
 *   long: Tensor}} Templates of objects that entered in one frame; axis 1 of all but the key counts them
 */

export const GRAPHS = ["encode", "halves", "distances", "affinity", "local_affinity", "match", "decode", "start", "update"];

/** A part of a tensor along axis 1. */
export function take(tensor, objects) {
  const [, count, ...rest] = tensor.dims;
  const size = tensor.data.length / count;
  const part = new Float32Array(objects.length * size);
  objects.forEach((object, i) => part.set(tensor.data.subarray(object * size, (object + 1) * size), i * size));
  return new tensor.constructor("float32", part, [1, objects.length, ...rest]);
}

/** Templates of some of the objects. */
export const takeObjects = (templates, objects) =>
  Object.fromEntries(
    Object.entries(templates).map(([name, value]) => [name, name === "firstKey" ? value : take(value, objects)]),
  );

export class Engine {
  /** @param {Record<string, import("onnxruntime-common").InferenceSession>} sessions by graph */
  constructor(sessions, Tensor) {
    this.sessions = sessions;
    this.Tensor = Tensor;
    this.distanceScore = true;
    this.table = null;
  }

  /** A graph's outputs, in its order. */
  async run(name, ...inputs) {
    const session = this.sessions[name];
    const given = Object.fromEntries(session.inputNames.map((input, i) => [input, inputs[i]]));
    const found = await session.run(given);
    return session.outputNames.map((output) => found[output]);
  }

  tensor(data, ...dims) {
    return new this.Tensor("float32", data, dims);
  }

  /** @returns {Promise<Features>} of an image, three planes of rows and columns that are multiples of 16 */
  async encode(image, [rows, columns]) {
    const [s4, s8, s16, key] = await this.run("encode", this.tensor(image, 1, 3, rows, columns));
    return { key, halves: await this.run("halves", s4, s8, s16) };
  }

  /** Templates of objects that are given in this frame. */
  async start({ key }, foregrounds, size) {
    const [mask, area, coarse] = await this.run("start", key, this.regions(foregrounds, size));
    return { firstKey: key, firstMask: mask, prevMask: mask, area, overall: coarse, short: coarse, long: coarse };
  }

  /** Ten score maps of every object: one map tensor each. `near` is the same for all objects of a frame. */
  async match({ key }, near, templates) {
    const [far] = await this.run("affinity", key, templates.firstKey);
    return this.each(templates, async (t) => {
      const [scores] = await this.run("match", key, far, near, t.firstMask, t.prevMask, t.overall, t.short, t.long);
      return scores;
    });
  }

  /** The affinity with the previous frame times the distance score, or times 1 where that is switched off. */
  async near({ key }, prevKey) {
    return (await this.run("local_affinity", key, prevKey, await this.distances(key)))[0];
  }

  /** The weight of every pair of places of the grid. */
  async distances(key) {
    const places = key.dims[2] * key.dims[3];
    const about = `${key.dims} ${this.distanceScore}`;
    if (this.table?.about !== about) {
      const ones = () => this.tensor(new Float32Array(places * places).fill(1), places, places);
      this.table = { about, value: this.distanceScore ? (await this.run("distances", key))[0] : ones() };
    }
    return this.table.value;
  }

  /** Foreground against background of every object, at the padded size. */
  async logOdds({ halves }, templates, scores) {
    return this.each(templates, async (t, i) => {
      const [{ data }] = await this.run("decode", ...halves, scores[i], t.prevMask);
      const places = data.length / 2;
      return Float32Array.from({ length: places }, (_, at) => data[places + at] - data[at]);
    });
  }

  /** Templates after this frame, in which the objects have these probabilities. */
  async update({ key }, templates, foregrounds, size) {
    const { area, overall, short, long } = templates;
    const after = await this.run("update", key, this.regions(foregrounds, size), area, overall, short, long);
    return { firstKey: templates.firstKey, firstMask: templates.firstMask, prevMask: after[0], area: after[1],
      overall: after[2], short: after[3], long: after[4] }; // prettier-ignore
  }

  /** Background and foreground of every object. */
  regions(foregrounds, [rows, columns]) {
    const places = rows * columns;
    const regions = new Float32Array(2 * places * foregrounds.length);
    foregrounds.forEach((plane, k) => {
      const start = 2 * k * places;
      for (let i = 0; i < places; i++) regions[start + i] = 1 - plane[i];
      regions.set(plane, start + places);
    });
    return this.tensor(regions, 1, foregrounds.length, 2, rows, columns);
  }

  /** `work` on every object's templates, one after the other: memory does not grow with their number. */
  async each(templates, work) {
    const found = [];
    for (let i = 0; i < templates.area.dims[1]; i++) found.push(await work(takeObjects(templates, [i]), i));
    return found;
  }
}
