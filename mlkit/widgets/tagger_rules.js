// What the Tagger's keys mean, what events add up to, and the events the journal lacks yet.
// No page is touched here: `node --test` runs it. tagger.py puts it before tagger.js, because
// a widget's module is loaded from a blob and cannot import its neighbour.

const AHEAD = 16; // items fetched before they are needed
const FIELDS = ["id", "at", "item", "kind", "value", "repeat", "vocabulary", "undoes"];
const INVERSE = { seen: "unseen", unseen: "seen", tag: "untag", untag: "tag", note: "note" };
export const RESERVED = { wrong: "label is wrong", flag: "flagged", broken: "broken file" };

// name, key, word on the button, what help says
export const ACTIONS = [
  ["next", "Enter", "Done, next", "done with this item: on to the next one not done"],
  ["previous", "ArrowLeft", "Back", "back one item, recording nothing"],
  ["forward", "ArrowRight", "Forward", "forward one item, recording nothing"],
  ["next-unseen", "u", "Next not done", "go to the next item that is not done"],
  ["play", " ", "Play", "play or pause the sound"],
  ["autoplay", "a", "Play by itself", "play each sound as it appears, or stop doing so"],
  ["wrong", "w", "Label is wrong", "the label is wrong, not the prediction"],
  ["flag", "f", "Flag", "flag, to come back to it"],
  ["broken", "x", "Broken file", "the file is broken"],
  ["new-tag", "t", "New tag", "give a new tag, or any tag by its name"],
  ["note", "n", "Note", "write a note"],
  ["undo", "z", "Undo", "take the last step back (also Backspace, Ctrl+Z)"],
  ["help", "?", "Keys", "show or hide this list (also h)"],
];
const KEYS = { ...Object.fromEntries(ACTIONS.map(([name, key]) => [key, name])), Backspace: "undo", h: "help" };
export const KEY_NAMES = { " ": "Space", ArrowLeft: "←", ArrowRight: "→", Enter: "Enter ↵" };

export function keyAction(event) {
  if (event.isComposing) return null;
  const letter = /^[a-z]$/i.test(event.key) ? event.key.toLowerCase()
    : /^Key[A-Z]$/.test(event.code) && event.key.charCodeAt(0) > 127 ? event.code[3].toLowerCase() : null;
  if (event.altKey) return null;
  if (event.ctrlKey || event.metaKey) return letter === "z" && !event.shiftKey ? { action: "undo" } : null;
  const digit = /^Digit([1-9])$/.exec(event.code) || (/^[1-9]$/.test(event.key) && /^Numpad([1-9])$/.exec(event.code));
  if (digit) return { action: "tag", place: Number(digit[1]) - 1, go: event.shiftKey };
  const action = KEYS[letter ?? event.key];
  return action ? { action } : null;
}

// What holds after these events; one that was taken back counts as never written.
export function fold(events) {
  const gone = new Set(events.map((event) => event.undoes).filter(Boolean));
  const said = { tags: [], seen: false, note: "" };
  for (const { id, kind, value, undoes } of events) {
    if (undoes || gone.has(id)) continue;
    if (kind === "seen" || kind === "unseen") said.seen = kind === "seen";
    if (kind === "note") said.note = value;
    if (kind === "tag" || kind === "untag") {
      said.tags = said.tags.filter((tag) => tag !== value);
      if (kind === "tag") said.tags.push(value);
    }
  }
  return said;
}

export function inverse(event) {
  const value = event.kind === "tag" || event.kind === "untag" ? event.value : "";
  return { kind: INVERSE[event.kind], value, undoes: event.id };
}

// The first place after `from` that is not done, round the end; -1 when all are.
export function nextUnseen(status, from) {
  for (let step = 1; step <= status.length; step += 1) {
    const place = (from + step) % status.length;
    if (!(status[place] & 1)) return place;
  }
  return -1;
}

// Places worth having, the most urgent first.
export function wanted(status, from) {
  const places = from >= 0 && from < status.length ? [from] : [];
  let place = from;
  while (places.length < AHEAD) {
    place = nextUnseen(status, place);
    if (place < 0 || places.includes(place)) break;
    places.push(place);
  }
  for (const near of [1, -1, 2, -2, 3, -3]) {
    const other = from + near;
    if (other >= 0 && other < status.length && !places.includes(other)) places.push(other);
  }
  return places;
}

export function cleanTag(text) {
  const tag = text.normalize("NFC").trim().replace(/\s+/g, " ");
  if (!tag) return { error: "A tag needs a name." };
  if (tag.length > 200) return { error: `A tag has at most 200 letters; this has ${tag.length}. A note (n) may be longer.` };
  if (/[\p{C}]/u.test(tag)) return { error: "A tag cannot hold characters that are not seen." };
  return { tag };
}

export function saveText({ pending, silent, error, kept }) {
  const left = pending ? `${pending} not yet saved` : "saved";
  const rest = kept || !pending ? "" : " This browser keeps nothing: leave the page open until all is saved.";
  if (error) return `${left}. ${error}${rest}`;
  if (silent) return `${left}. No answer from the kernel: it may be busy with a cell. Go on tagging; if it is gone, re-run the cell, nothing is lost.${rest}`;
  return left + (rest && `.${rest}`);
}

export const backoff = (attempt) => Math.min(2000 * 2 ** attempt, 30000);

// Events that the journal does not have yet: in memory, and each under a key of its own in the
// browser's storage, so that two tabs never overwrite each other's.
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
    return Array.from(this.events.values(), ({ event }) => Object.fromEntries(FIELDS.map((f) => [f, event[f]])));
  }
}
