// Takes that the kernel has not acknowledged: in memory, and in the browser's database, so that a
// killed kernel or a reloaded page loses none. (localStorage holds five megabytes of text.)

const BOX = "mlkit-takes";

const asked = (request) => new Promise((done, failed) => { request.onsuccess = () => done(request.result); request.onerror = () => failed(request.error); });

export class TakeBox {
  constructor(factory, whose) { Object.assign(this, { factory, whose, takes: new Map(), kept: true }); }

  // What an earlier page left; a browser without a database keeps takes in memory alone.
  async open() {
    try {
      const request = this.factory.open(BOX, 1);
      request.onupgradeneeded = () => request.result.createObjectStore("takes", { keyPath: "id" });
      this.base = await asked(request);
      for (const take of await asked(this.store("readonly").getAll())) if (take.whose === this.whose && !this.takes.has(take.id)) this.takes.set(take.id, take);
    } catch { this.kept = false; }
  }

  store(mode) { return this.base.transaction("takes", mode).objectStore("takes"); }

  async put(take) {
    this.takes.set(take.id, { ...take, whose: this.whose });
    try { await asked(this.store("readwrite").put({ ...take, whose: this.whose })); } catch { this.kept = false; }
  }

  async drop(ids) {
    ids.forEach((id) => this.takes.delete(id));
    try { const store = this.store("readwrite"); await Promise.all(ids.map((id) => asked(store.delete(id)))); } catch { /* nothing was kept */ }
  }

  list() { return [...this.takes.values()].sort((a, b) => (a.at < b.at ? -1 : 1)); }
  at(label, take) { return this.list().findLast((one) => one.label === label && one.take === take); }
  clear() { return this.drop([...this.takes.keys()]); }
  close() { this.base?.close(); }
}

// The first place after `from` that is open, round the end; -1 when none is.
export const nextOpen = (open, from) => {
  for (let step = 1; step <= open.length; step += 1) if (open[(from + step) % open.length]) return (from + step) % open.length;
  return -1;
};

// What the badge says: a shape, a word.
export const STATES = {
  off: ["◇", "Microphone off"], asking: ["…", "Waiting for the microphone"], ready: ["○", "Ready"],
  recording: ["●", "Recording"], saving: ["◌", "Saving"], done: ["✓", "All kept"],
};

// The prompt on the screen, as words.
export const promptWords = (prompt, slot, kept) => (prompt ? `Read: ${prompt.text}, take ${slot[1]}${kept ? ", kept already" : ""}` : "No prompt is left.");

export const clockText = (seconds) => `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(1).padStart(4, "0")}`;
