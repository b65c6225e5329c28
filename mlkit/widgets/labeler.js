// The Labeler: a digit says which class the item is and goes on. It never learns the item's name,
// nor that an item comes a second time. What it shares with the Tagger stands in surface.js and
// the files before it; labeler.py joins them.

// name, key, word on the button, what help says
export const ACTIONS = [
  ["skip", "s", "Skip", "leave this item open: it comes again at the end (also Enter)"],
  ["previous", "ArrowLeft", "Back", "back one item: its label is shown, another key replaces it"],
  ["forward", "ArrowRight", "Forward", "forward one item, recording nothing"],
  ["play", " ", "Play", "play or pause the sound"],
  ["autoplay", "a", "Play by itself", "play each sound as it appears, or stop doing so"],
  ["class", "c", "Class by name", "choose a class by its first letters (also /)"],
  ["note", "n", "Note", "write a note"],
  ["flag", "f", "Flag", "flag, to come back to it"],
  ["broken", "x", "Broken file", "the file is broken: on to the next"],
  ["guide", "g", "Guide", "show or hide the guide"],
  ["undo", "z", "Undo", "take the last step back (also Backspace, Ctrl+Z)"],
  ["help", "?", "Keys", "show or hide this list (also h)"],
];

// How long an item was on the screen, over all looks at it; hidden time does not count.
export class Clock {
  constructor() { this.before = 0; this.since = null; }
  start(now) { this.since ??= now; }
  stop(now) { this.before = this.elapsed(now); this.since = null; }
  elapsed(now) { return this.before + (this.since === null ? 0 : now - this.since); }
}

// The classes that what was typed may mean, the likeliest first.
export function matching(labels, typed) {
  const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().trim();
  const want = plain(typed), rank = (label) => (plain(label) === want ? 0 : plain(label).startsWith(want) ? 1 : 2);
  return labels.filter((label) => plain(label).includes(want)).sort((a, b) => rank(a) - rank(b));
}

class Labeler extends Surface {
  begin() {
    Object.assign(this, { name: "Labeler", listed: "classes", actions: ACTIONS, keys: keysOf(ACTIONS, { Enter: "skip", "/": "class" }) });
    Object.assign(this, { digits: 10, labels: [], version: null, limit: null, clocks: new Map(), undoable: ["label", "note", "tag", "untag"] });
    this.onDigits = [["1 … 9, 0", "that class, and on to the next item", "the class"]];
    this.brokenHint = "Press x to tag it “broken file” and go on.";
    this.onVisible = () => this.watch();
    document.addEventListener("visibilitychange", this.onVisible);
    this.counting = setInterval(() => this.drawClock(), 100);
  }

  destroy() {
    clearInterval(this.counting);
    document.removeEventListener("visibilitychange", this.onVisible);
    super.destroy();
  }

  moves(group) { return group("move", "previous", "forward", "skip", "undo", "play", "autoplay"); }

  above(part) {
    part("clock", "div", { role: "timer", "aria-label": "time left", hidden: "" });
    this.clock.append(part("left"));
    return [this.clock];
  }

  side(part, group) {
    part("guide", "details", { hidden: "" });
    this.guide.append(part("guide-title", "summary"), part("guide-text"));
    return [this.list, this.entry, group("about the item", "class", "note", "flag", "broken"), this.guide];
  }

  nameOf() { return "the item to label"; }
  endText(total) { return `All ${total} items are labelled. ← looks at them again.`; }
  mine(event) { return (event.guide ?? null) === this.version; }
  stamp() { return { vocabulary: [], guide: this.version }; }

  // After the item labelled last: those skipped before it come at the end.
  startPlace() { return nextUnseen(this.status, this.history.findLast(({ pos }) => pos >= 0)?.pos ?? -1); }

  bits({ kind, undoes }, said, before) {
    if (!said) return kind !== "label" ? before : undoes ? before & ~1 : before | 1;
    return (said.label || said.tags.includes(RESERVED.broken) ? 1 : 0) | (said.tags.length ? 4 : 0);
  }

  onWords({ labels, version, time_limit_s, guide }) {
    Object.assign(this, { labels, version, limit: time_limit_s });
    if (this.guided === guide) return;
    this.guided = guide;
    this.guide.hidden = guide === null;
    this["guide-text"].textContent = guide ?? "";
    this["guide-title"].replaceChildren("Guide ", make("span", { className: "mlkit-quiet" }, `version ${version}`));
    this.guide.open = this.root.clientWidth > 650; // where the buttons stand beside the item
  }

  drawOwn(said, unsaved, item) {
    this.drawList(this.labels, "label", "");
    for (const node of this.list.children) this.press(node, said.label === node.dataset.label, unsaved.has(node.dataset.label));
    if (item) this.truth.replaceChildren(said.label ? make("span", {}, "labelled ", make("strong", {}, said.label)) : "");
    this.button("class").hidden = this.labels.length <= this.digits; // the keys c and / work always
    this.drawClock();
  }

  // ---- time

  enter(item) {
    if (!this.clocks.has(item.item)) this.clocks.set(item.item, new Clock());
    this.painted = null;
    if (this.late(item)) this.cover();
    const ready = item.node.decode?.().catch(() => {}) ?? Promise.resolve();
    // The frame after the one in which it is painted.
    ready.then(() => requestAnimationFrame(() => requestAnimationFrame(() => {
      if (this.current !== item) return;
      this.painted = item.item;
      this.watch();
    })));
  }

  exit(item) {
    this.painted = null;
    if (item) this.clocks.get(item.item)?.stop(performance.now());
  }

  watch() {
    const clock = this.clocks.get(this.painted), now = performance.now();
    if (clock && document.hidden) clock.stop(now);
    else if (clock) clock.start(now);
  }

  elapsed(item) { return this.clocks.get(item.item)?.elapsed(performance.now()) ?? 0; }
  late(item) { return this.limit && item.media.kind !== "broken" && this.elapsed(item) >= 1000 * this.limit; }

  drawClock() {
    const item = this.current;
    this.clock.hidden = !this.limit || !item || item.media.kind === "broken";
    if (this.clock.hidden) return;
    const left = Math.max(0, this.limit - this.elapsed(item) / 1000);
    this.left.style.width = `${(100 * left) / this.limit}%`;
    this.clock.setAttribute("aria-label", `time left: ${Math.ceil(left)} s`);
    if (this.late(item) && !this.root.classList.contains("mlkit-late")) this.cover();
    this.root.classList.toggle("mlkit-late", !!this.late(item));
  }

  cover() {
    this.current.sound?.pause();
    this.media.replaceChildren(make("p", { className: "mlkit-message mlkit-cover" }, "Time is up. Which class was it?"));
    this.say("Time is up. Which class was it?");
    this.root.classList.add("mlkit-late");
  }

  play(toggle = false) {
    if (this.current && this.late(this.current)) this.say("Time is up: answer from what you heard.");
    else super.play(toggle);
  }

  // ---- what a person does

  onDigit(place) {
    if (this.labels[place] === undefined) this.say(`There is no class ${place + 1}.`);
    else this.give(this.labels[place]);
  }

  onPick({ label }) { if (label !== undefined) this.give(label); }

  give(label) {
    const item = this.current;
    if (!item) { this.sayWait(); return; }
    if (item.said.label !== label) this.record([{ kind: "label", value: label, duration_s: Math.round(this.elapsed(item)) / 1000 }], item);
    this.go(nextUnseen(this.status, this.pos));
    this.say(`${label}, ${this.counted}`);
  }

  toggle(tag) {
    const place = this.pos;
    super.toggle(tag);
    const said = this.current?.said;
    if (tag === RESERVED.broken && said?.tags.includes(tag)) this.go(nextUnseen(this.status, place));
  }

  actOwn(action) {
    if (action === "skip") this.skip();
    else if (action === "class" && this.current) this.askClass();
    else if (action === "guide" && !this.guide.hidden) { this.guide.open = !this.guide.open; this.draw(); }
  }

  skip() {
    if (!this.current) { this.sayWait(); return; }
    const next = nextUnseen(this.status, this.pos);
    if (next === this.pos) { this.say("It is the last one open."); return; }
    const open = !(this.status[this.pos] & 1);
    this.go(next);
    this.say(open ? "skipped: it comes again at the end" : `on to the next, ${this.counted}`);
  }

  askClass() {
    const show = (found) => { for (const node of this.list.children) { node.hidden = !found.includes(node.dataset.label); node.classList.toggle("mlkit-first", node.dataset.label === found[0]); } };
    const none = (typed) => this.say(`There is no class “${typed.trim()}”.`);
    const changed = (typed) => {
      const found = typed.trim() ? matching(this.labels, typed) : this.labels;
      show(found);
      if (found.length) this.say(""); else none(typed);
    };
    const done = (typed) => {
      const [found] = typed.trim() ? matching(this.labels, typed) : [];
      if (!found) { none(typed); return; }
      this.leave();
      this.give(found);
    };
    this.ask({ name: "Class", hint: "The class's first letters; Enter gives it", ok: "Give class", done, changed });
  }

  leave() {
    for (const node of this.list.children) { node.hidden = false; node.classList.remove("mlkit-first"); }
    super.leave();
  }
}

export default {
  render({ model, el }) {
    const view = new Labeler(model, el);
    return () => view.destroy();
  },
};
