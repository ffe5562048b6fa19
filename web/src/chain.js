// States of the tracker along a video, some of them kept, so that a frame that was corrected can be gone on from.

const KEPT = 32; // states at most; a state is a megabyte at 480 lines

export class Chain {
  /**
   * @param {number} first frame
   * @param {Uint32Array} given runs of the mask in it
   * @param {1 | -1} direction in time
   * @param {(chain: Chain, state: object | null, frame: number) => Promise<object>} advance gives the state after a frame
   */
  constructor(first, given, direction, advance) {
    Object.assign(this, { first, given, direction, advance });
    this.spacing = 1;
    this.states = new Map(); // after a frame, by its distance from the first
  }

  distance(frame) {
    return (frame - this.first) * this.direction;
  }

  /** Whether the state before this frame can be had. */
  reaches(frame) {
    const distance = this.distance(frame);
    return distance > 0 && this.states.has(0) && distance <= Math.max(...this.states.keys()) + 1;
  }

  /** Forget what was remembered after this frame and later ones. A frame before the first has no part in the chain. */
  forget(frame) {
    const from = this.distance(frame);
    if (from < 0) return;
    for (const distance of [...this.states.keys()]) if (distance >= from) this.states.delete(distance);
  }

  /** Keep the state after a frame: the latest, and so many others, evenly spread. */
  keep(frame, state) {
    this.states.set(this.distance(frame), state);
    const latest = Math.max(...this.states.keys());
    if (this.states.size > KEPT) this.spacing *= 2;
    for (const distance of [...this.states.keys()]) {
      if (distance !== latest && distance % this.spacing) this.states.delete(distance);
    }
  }

  /** The state before a frame, computed again from the nearest that is kept; null at the first frame. */
  async before(frame) {
    const wanted = this.distance(frame) - 1;
    if (wanted < 0) return null;
    let distance = Math.max(...[...this.states.keys()].filter((kept) => kept <= wanted));
    let state = this.states.get(distance);
    while (distance < wanted) {
      distance += 1;
      state = await this.advance(this, state, this.first + this.direction * distance);
    }
    return state;
  }
}
