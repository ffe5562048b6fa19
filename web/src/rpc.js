// Calls from the page to the worker: each is answered, with a value or with the reason why there is none.

export class Caller {
  /**
   * @param {Worker} worker
   * @param {(event: object) => void} heard takes what the worker says unasked
   * @param {(hasAnswered: boolean) => void} failed is called when the worker has broken down
   */
  constructor(worker, heard, failed) {
    this.worker = worker;
    this.waiting = new Map();
    this.count = 0;
    this.hasAnswered = false;
    worker.addEventListener("message", ({ data }) => {
      this.hasAnswered = true;
      if (!("id" in data)) return heard(data);
      const { resolve, reject } = this.waiting.get(data.id);
      this.waiting.delete(data.id);
      if ("error" in data) reject(Object.assign(new Error(data.error), { isInput: data.isInput }));
      else resolve(data.value);
    });
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      for (const { reject } of this.waiting.values()) reject(new Error(event.message || "the worker stopped"));
      this.waiting.clear();
      failed(this.hasAnswered);
    });
  }

  /** What a method of the worker gives, once it has. */
  call(name, ...values) {
    const id = ++this.count;
    this.worker.postMessage({ id, name, values });
    return new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject }));
  }
}

/** Answer calls with methods of this object. */
export function answer(methods, InputError) {
  self.addEventListener("message", async ({ data: { id, name, values } }) => {
    try {
      const value = await methods[name](...values);
      self.postMessage({ id, value }, value?.bitmap ? [value.bitmap] : []);
    } catch (error) {
      self.postMessage({ id, error: error?.message ?? String(error), isInput: error instanceof InputError });
    }
  });
}
