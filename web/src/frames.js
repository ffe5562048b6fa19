// A video's frames by number, decoded when they are asked for: a film by WebCodecs, or pictures. Never more than BLOCK are held.

import { ALL_FORMATS, BlobSource, EncodedPacketSink, Input, VideoSampleSink } from "mediabunny";

/** What cannot be used, in words for the page. */
export class InputError extends Error {}

const LONGEST = 1920; // pixels; a frame with a longer side is worked on, and its masks are saved, reduced to it
const LEAST = 16;
const BLOCK = 8; // frames decoded together on the way backwards, since a film can only be decoded forwards
const CODECS = { avc: "H.264", hevc: "H.265", vp8: "VP8", vp9: "VP9", av1: "AV1" };
const PROBES = { avc: "avc1.42001e", hevc: "hvc1.1.6.L93.B0", vp8: "vp8", vp9: "vp09.00.10.08", av1: "av01.0.04M.08" };
const EXPECTED = "Choose an MP4, MOV, WebM or MKV film, or pictures (JPEG, PNG, WebP).";

/** Which codecs this browser decodes, as people call them. */
async function decodable() {
  const found = [];
  for (const [name, codec] of Object.entries(PROBES)) {
    if ((await VideoDecoder.isConfigSupported({ codec })).supported) found.push(CODECS[name]);
  }
  return found.join(", ") || "none";
}

/** The size that frames are given: their own, or reduced so that no side is longer than LONGEST. */
function bounded(width, height, name) {
  if (Math.min(width, height) < LEAST) {
    throw new InputError(`${name} is ${width}x${height} pixels. A frame needs at least ${LEAST} on each side.`);
  }
  const scale = Math.min(1, LONGEST / Math.max(width, height));
  return { width: Math.round(width * scale), height: Math.round(height * scale), full: { width, height } };
}

/** Draws pictures to one canvas and reads their pixels. */
class Reader {
  constructor({ width, height }) {
    Object.assign(this, { width, height });
    this.context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
    this.context.imageSmoothingQuality = "high";
  }

  pixels(draw) {
    this.context.clearRect(0, 0, this.width, this.height);
    draw(this.context, this.width, this.height);
    return this.context.getImageData(0, 0, this.width, this.height);
  }
}

/** A film. */
class Film {
  static async open(file) {
    if (!("VideoDecoder" in self)) throw new InputError(`This browser cannot decode films (it lacks WebCodecs). Choose pictures.`);
    const input = new Input({ source: new BlobSource(file), formats: ALL_FORMATS });
    let track;
    try {
      track = await input.getPrimaryVideoTrack();
    } catch {
      throw new InputError(`${file.name} is not a film that this page can read. ${EXPECTED}`);
    }
    if (!track) throw new InputError(`${file.name} holds no pictures. ${EXPECTED}`);
    if (!(await track.canDecode())) {
      const codec = CODECS[track.codec] ?? track.codec ?? "an unknown codec";
      throw new InputError(`${file.name} is coded as ${codec}, which this browser cannot decode. It decodes: ${await decodable()}.`);
    }
    const size = bounded(track.displayWidth, track.displayHeight, file.name);
    const times = [];
    for await (const packet of new EncodedPacketSink(track).packets(undefined, undefined, { metadataOnly: true })) {
      times.push(packet.timestamp);
    }
    return new Film(file.name, input, new VideoSampleSink(track), size, times.sort((a, b) => a - b));
  }

  constructor(name, input, sink, size, times) {
    Object.assign(this, size, { name, input, sink, times, count: times.length });
    this.names = times.map((_, i) => String(i).padStart(5, "0"));
    this.reader = new Reader(size);
    this.block = new Map(); // frames by number
    this.next = -1; // the number of the frame that the running decoder gives next
    this.last = -1;
  }

  /** @returns {Promise<ImageData>} */
  async get(number) {
    const backwards = number === this.last - 1;
    this.last = number;
    if (this.block.has(number)) return this.block.get(number);
    this.block.clear();
    if (number !== this.next) await this.seek(backwards ? Math.max(0, number - BLOCK + 1) : number);
    while (this.next <= number) this.block.set(this.next, await this.decode());
    const found = this.block.get(number);
    if (!backwards) this.block = new Map([[number, found]]);
    return found;
  }

  async seek(number) {
    await this.running?.return();
    this.running = this.sink.samples(this.times[number]);
    this.next = number;
  }

  /** Let go of what the decoder holds. */
  async close() {
    await this.running?.return();
    this.input.dispose();
  }

  async decode() {
    const { value: sample, done } = await this.running.next();
    if (done) throw new InputError(`${this.name} breaks off at frame ${this.next + 1} of ${this.count}.`);
    this.next += 1;
    const pixels = this.reader.pixels((context, width, height) => sample.draw(context, 0, 0, width, height));
    sample.close();
    return pixels;
  }
}

const stem = (file) => file.name.replace(/\.[^.]*$/, "");
const path = (file) => file.webkitRelativePath || file.name;

/** A set of pictures of one size, in the order of the numbers in their names. */
class Pictures {
  static async open(files) {
    const sorted = [...files].sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
    const known = new Map(); // by the name that a mask is saved with
    for (const file of sorted) {
      const other = known.get(stem(file));
      if (other) throw new InputError(`${path(other)} and ${path(file)} would have masks of one name. Choose the frames of one video.`);
      known.set(stem(file), file);
    }
    const first = await decoded(sorted[0]);
    const size = bounded(first.width, first.height, sorted[0].name);
    first.close();
    return new Pictures(sorted, size);
  }

  constructor(files, size) {
    Object.assign(this, size, { files, count: files.length, name: files[0].webkitRelativePath?.split("/")[0] || files[0].name });
    this.names = files.map(stem);
    this.times = files.map((_, i) => i / 24);
    this.reader = new Reader(size);
  }

  close() {}

  async get(number) {
    const picture = await decoded(this.files[number]);
    const { width, height } = this.full;
    if (picture.width !== width || picture.height !== height) {
      const found = `${picture.width}x${picture.height}`;
      throw new InputError(`${this.files[number].name} is ${found} pixels, the first picture ${width}x${height}. All need one size.`);
    }
    const pixels = this.reader.pixels((context, ...sides) => context.drawImage(picture, 0, 0, ...sides));
    picture.close();
    return pixels;
  }
}

async function decoded(file) {
  try {
    return await createImageBitmap(file);
  } catch {
    throw new InputError(`${file.name} is no picture that this browser can read. ${EXPECTED}`);
  }
}

const isPicture = (file) => file.type.startsWith("image/") && file.type !== "image/gif";
const isFilm = (file) => file.type.startsWith("video/") || /\.mkv$/i.test(file.name); // MKV has no type in every browser

/** A film, or pictures. @param {File[]} files */
export async function openFrames(files) {
  const pictures = files.filter(isPicture);
  const films = files.filter(isFilm);
  if (pictures.length && films.length) throw new InputError("A film and pictures were chosen together. Choose either.");
  if (films.length > 1) throw new InputError(`${films.length} films were chosen. Choose one.`);
  if (pictures.length) return Pictures.open(pictures);
  if (!files.length) throw new InputError(`No file was chosen. ${EXPECTED}`);
  return Film.open(films[0] ?? files[0]);
}
