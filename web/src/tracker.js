// All objects together, one frame at a time: sizes, ids and state, as tbd_lib/tracking/tracker.py has them.

import { aggregate, idsAt, MOST_LOG_ODDS } from "./aggregate.js";
import { takeObjects } from "./engine.js";
import { foregroundOf, imageOf, paddedSize, workingSize } from "./geometry.js";

/**
 * @typedef {{ids: number[], entered: number, templates: import("./engine.js").Templates}} Cohort objects that entered in the same frame
 * @typedef {{key: import("./engine.js").Tensor, cohorts: Cohort[]}} State all that is remembered between two frames
 */

/** Ids of the objects in a mask, in ascending order. */
export function idsOf(mask) {
  const seen = new Uint8Array(256);
  for (let i = 0; i < mask.length; i++) seen[mask[i]] = 1;
  return Array.from(seen.keys()).filter((id) => id && seen[id]);
}

/** The cohorts without some objects; one that is left empty goes. */
function without(cohorts, gone) {
  return cohorts.flatMap((cohort) => {
    const kept = [...cohort.ids.keys()].filter((n) => !gone.includes(cohort.ids[n]));
    if (kept.length === cohort.ids.length) return [cohort];
    const left = () => ({ ...cohort, ids: kept.map((n) => cohort.ids[n]), templates: takeObjects(cohort.templates, kept) });
    return kept.length ? [left()] : [];
  });
}

export class Tracker {
  /** @param {import("./engine.js").Engine} engine @param {number | null} shortSide at which to work; null is the frame's own */
  constructor(engine, shortSide) {
    this.engine = engine;
    this.shortSide = shortSide;
  }

  /** @param {import("./geometry.js").Pixels} pixels */
  work(pixels) {
    return workingSize([pixels.height, pixels.width], this.shortSide);
  }

  async encode(pixels) {
    const work = this.work(pixels);
    return this.engine.encode(imageOf(pixels, work), paddedSize(work));
  }

  /**
   * Segment the next frame.
   *
   * @param {State | null} state after the frame before; null where no object is known yet
   * @param {import("./geometry.js").Pixels} pixels of the frame
   * @param {Uint8Array | null} given mask of objects that enter here, or that are corrected: they start anew
   * @param {number} number of the frame: where objects that are given here are said to have entered
   * @returns {Promise<{state: State, mask: Uint8Array}>}
   */
  async step(state, pixels, given, number) {
    const frame = [pixels.height, pixels.width];
    const work = this.work(pixels);
    const padded = paddedSize(work);
    const features = await this.encode(pixels);
    const added = given ? idsOf(given) : [];
    const known = without(state?.cohorts ?? [], added);
    const odds = (await this.matched(features, state, known)).flatMap((part) => part.odds);
    let cohorts = known;
    if (added.length) {
      const foregrounds = added.map((id) => foregroundOf(given, frame, id, work));
      const templates = await this.engine.start(features, foregrounds, padded);
      cohorts = [...known, { ids: added, entered: number, templates }];
      odds.push(...foregrounds.map((plane) => plane.map((inside) => (inside ? MOST_LOG_ODDS : -MOST_LOG_ODDS))));
    }
    if (!odds.length) return { state: { key: features.key, cohorts }, mask: new Uint8Array(frame[0] * frame[1]) };
    const maps = aggregate(odds);
    if (state) cohorts = await this.updated(features, cohorts, maps.slice(1), padded); // the very first masks stand as given
    const ids = known.flatMap((cohort) => cohort.ids);
    const mask = idsAt(maps.slice(0, 1 + ids.length), ids, work, frame);
    given?.forEach((id, i) => id && (mask[i] = id));
    return { state: { key: features.key, cohorts }, mask };
  }

  /** Score maps and log-odds of known objects, cohort by cohort; without log-odds if these are not asked for. */
  async matched(features, state, cohorts, decoded = true) {
    const near = cohorts.length ? await this.engine.near(features, state.key) : null;
    const found = [];
    for (const { ids, templates } of cohorts) {
      const scores = await this.engine.match(features, near, templates);
      found.push({ ids, scores, odds: decoded ? await this.engine.logOdds(features, templates, scores) : [] });
    }
    return found;
  }

  async updated(features, cohorts, foregrounds, padded) {
    const after = [];
    let first = 0;
    for (const { ids, entered, templates } of cohorts) {
      const part = foregrounds.slice(first, (first += ids.length));
      after.push({ ids, entered, templates: await this.engine.update(features, templates, part, padded) });
    }
    return after;
  }
}
