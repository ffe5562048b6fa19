// What is saved: id PNGs in a zip, COCO run lengths, or a film with the masks drawn over it. All is made frame by frame.

import { Zip, ZipPassThrough } from "fflate";
import { BufferTarget, CanvasSource, getFirstEncodableVideoCodec, Mp4OutputFormat, Output } from "mediabunny";
import { QUALITY_HIGH, WebMOutputFormat } from "mediabunny";
import { coloured } from "../../tbd_lib/course/widgets/painting.js";
import { COLOURS, label } from "./drawing.js";
import { Coco, maskOf, pngOf } from "./masks.js";
import { idsOf } from "./tracker.js";

/**
 * @typedef {{names: string[], times: number[], width: number, height: number}} Video
 * @typedef {(done: number, all: number) => void} Progress
 */

/** Every frame that has a mask, in order: its number and the mask. */
async function* masked({ width, height }, masks, /** @type {Progress} */ progress) {
  const numbers = [...masks.keys()].sort((a, b) => a - b);
  for (const [done, number] of numbers.entries()) {
    yield [number, maskOf(masks.get(number), width * height)];
    progress(done + 1, numbers.length);
    await new Promise((resolve) => setTimeout(resolve));
  }
}

export async function zipOf(video, masks, progress) {
  const parts = [];
  const zip = new Zip((error, part) => {
    if (error) throw error;
    parts.push(part);
  });
  for await (const [number, mask] of masked(video, masks, progress)) {
    const file = new ZipPassThrough(`${video.names[number]}.png`);
    zip.add(file);
    file.push(pngOf(mask, video.width, video.height), true);
  }
  zip.end();
  return new Blob(parts, { type: "application/zip" });
}

export async function cocoOf(video, masks, progress) {
  const coco = new Coco();
  for await (const [number, mask] of masked(video, masks, progress)) {
    coco.add(video.names[number], mask, idsOf(mask), video.width, video.height);
  }
  return new Blob([coco.text()], { type: "application/json" });
}

/** A film, in the first codec that the browser encodes. @param {(number: number) => Promise<ImageBitmap>} frameOf */
export async function filmOf(video, masks, frameOf, progress) {
  const even = (side) => side + (side % 2);
  const canvas = new OffscreenCanvas(even(video.width), even(video.height));
  const codec = await getFirstEncodableVideoCodec(["vp9", "vp8", "avc"], { width: canvas.width, height: canvas.height });
  if (!codec) throw Object.assign(new Error("This browser cannot encode films. Save the masks instead."), { isInput: true });
  const format = codec === "avc" ? new Mp4OutputFormat() : new WebMOutputFormat();
  const output = new Output({ format, target: new BufferTarget() });
  const source = new CanvasSource(canvas, { codec, bitrate: QUALITY_HIGH });
  output.addVideoTrack(source);
  await output.start();
  const context = canvas.getContext("2d");
  const over = new OffscreenCanvas(video.width, video.height);
  const start = video.times[Math.min(...masks.keys())];
  for await (const [number, mask] of masked(video, masks, progress)) {
    const bitmap = await frameOf(number);
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    bitmap.close();
    over.getContext("2d").putImageData(coloured(mask, video.width, video.height, COLOURS), 0, 0);
    context.drawImage(over, 0, 0);
    label(context, mask, video.width, Math.max(1, video.height / 480));
    const next = video.times[number + 1] ?? 2 * video.times[number] - (video.times[number - 1] ?? 0);
    await source.add(video.times[number] - start, Math.max(next - video.times[number], 0.001));
  }
  await output.finalize();
  return { blob: new Blob([output.target.buffer], { type: format.mimeType }), suffix: format.fileExtension };
}
