// Events that the journal does not have yet, and the words on saving. No page is touched here.

const FIELDS = ["id", "at", "item", "kind", "value", "repeat", "vocabulary", "undoes", "guide", "duration_s"];

const storage = () => { try { return window.localStorage; } catch { return null; } };

// A database that cannot be reached: what to do comes first, and the driver's words are folded.
export const away = (error) => /cannot be reached \(/.test(error || "");

export function saveText({ pending, silent, error, kept }) {
  const left = pending ? `${pending} not yet saved` : "saved";
  const rest = kept || !pending ? "" : " This browser keeps nothing: leave the page open until all is saved.";
  if (away(error)) return pending ? `${left}: the database is away. ${kept ? "They wait in this browser. Go on." : "Go on."}${rest}` : "The database is away. What you give from now on waits in this browser. Go on.";
  if (error) return `${left}. ${error}${rest}`;
  if (silent) return `${left}. No answer from the kernel: it may be busy with a cell. Go on as before; if it is gone, re-run the cell, nothing is lost.${rest}`;
  return left + (rest && `.${rest}`);
}

export const backoff = (attempt) => Math.min(2000 * 2 ** attempt, 30000);

// In memory, and each event under a key of its own in the browser's storage, so that two tabs
// never overwrite each other's.
export class Outbox {
  constructor(storage, prefix) {
    Object.assign(this, { storage, prefix, events: new Map(), kept: true, count: 0 });
    try {
      const keys = Array.from({ length: storage.length }, (_, place) => storage.key(place));
      for (const key of keys.filter((k) => k.startsWith(prefix)).sort()) this.restore(key);
    } catch { this.kept = false; }
  }
  restore(key) {
    try {
      const event = JSON.parse(this.storage.getItem(key));
      if (typeof event.id === "string" && typeof event.item === "string" && event.kind in INVERSE) this.events.set(event.id, { event, key });
    } catch { /* another program's entry: left alone */ }
  }
  put(event) {
    this.count += 1;
    const key = `${this.prefix}${event.at}:${String(this.count).padStart(6, "0")}:${event.id}`;
    this.events.set(event.id, { event, key });
    try { this.storage.setItem(key, JSON.stringify(event)); this.kept = true; } catch { this.kept = false; }
  }
  drop(ids) {
    for (const id of ids) {
      const entry = this.events.get(id);
      if (!entry) continue;
      this.events.delete(id);
      try { this.storage.removeItem(entry.key); } catch { /* nothing was kept */ }
    }
  }
  list() {
    return Array.from(this.events.values(), ({ event }) => Object.fromEntries(FIELDS.filter((f) => f in event).map((f) => [f, event[f]])));
  }
}
