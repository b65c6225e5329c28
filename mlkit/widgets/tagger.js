// The Tagger: digits give tags, Enter says that the item was looked at. What it shares with the
// Labeler stands in surface.js and the files before it; tagger.py joins them.

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

export function cleanTag(text) {
  const tag = text.normalize("NFC").trim().replace(/\s+/g, " ");
  if (!tag) return { error: "A tag needs a name." };
  if (tag.length > 200) return { error: `A tag has at most 200 letters; this has ${tag.length}. A note (n) may be longer.` };
  if (/[\p{C}]/u.test(tag)) return { error: "A tag cannot hold characters that are not seen." };
  return { tag };
}

class Tagger extends Surface {
  begin() {
    Object.assign(this, { name: "Tagger", listed: "tags", actions: ACTIONS, keys: keysOf(ACTIONS) });
    Object.assign(this, { digits: 9, tags: [], unchecked: {}, undoable: ["seen", "unseen", "tag", "untag", "note"] });
    this.onDigits = [["1 … 9", "give or take off that tag", "the tag"], ["Shift + 1 … 9", "give that tag and go on", "Shift + click"]];
    this.brokenHint = "Press x to tag it “broken file”, Enter to go on.";
  }

  moves(group) { return group("move", "previous", "forward", "next-unseen", "play", "autoplay"); }

  side(part, group) {
    part("unchecked-list");
    return [this.list, group("more", "new-tag", "note"), this.entry, group("about the item", "wrong", "flag", "broken"),
      this["unchecked-list"], group("finish", "next", "undo")];
  }

  enter(item) {
    const pair = (name, value) => make("span", {}, `${name} `, make("strong", {}, value));
    this.truth.replaceChildren(pair("label", item.label), ...(item.prediction === null ? [] : [pair("predicted", item.prediction)]),
      make("span", { className: "mlkit-id" }, item.item));
  }

  wordsFor(item) { return `label ${item.label}${item.prediction === null ? "" : `, predicted ${item.prediction}`}, ${item.item}: ${super.wordsFor(item)}`; }

  drawOwn(said, unsaved) {
    this.drawList(this.tags, "tag", "No tags yet: press t to make the first.");
    for (const node of this.list.querySelectorAll(".mlkit-tag")) this.press(node, said.tags.includes(node.dataset.tag), unsaved.has(node.dataset.tag));
    const rows = Object.entries(this.unchecked).map(([tag, n]) => make("div", {},
      `${n} ${n === 1 ? "item" : "items"} not yet checked for `, make("em", {}, tag), " ",
      make("button", { type: "button", className: "mlkit-button", "aria-label": `Check now for ${tag}`, dataset: { check: tag } }, "Check now")));
    this["unchecked-list"].replaceChildren(...rows);
  }

  onDigit(place, go) {
    if (this.current && this.tags[place] === undefined) this.say(`There is no tag ${place + 1}.`);
    else this.toggle(this.tags[place], go);
  }

  onPick({ check }) { if (check !== undefined) this.send({ op: "check", tag: check }); }

  actOwn(action) {
    if (action === "next") this.finish();
    else if (this.current) this.askTag(this.current);
  }

  finish() {
    const item = this.current;
    if (!item) { this.sayWait(); return; }
    this.record([{ kind: "seen", value: "" }], item);
    this.go(nextUnseen(this.status, this.pos));
    this.say(`done, ${this.counted}`);
  }

  askTag(item) {
    const done = (text) => {
      const { tag, error } = cleanTag(text);
      if (error) { this.say(error); return; }
      this.leave();
      if (!this.tags.includes(tag) && !isReserved(tag)) this.tags = [...this.tags, tag];
      if (item.said.tags.includes(tag)) this.say(`has ${tag} already`); else this.toggle(tag);
    };
    this.ask({ name: "Tag", hint: "A tag, new or not; Enter gives it", ok: "Give tag", done });
  }

  stamp() { return { vocabulary: [...this.tags] }; }

  // Done; has tags; has one of the reserved tags.
  bits({ kind }, said, before) {
    const done = kind === "seen" ? 1 : kind === "unseen" ? 0 : before & 1;
    if (!said) return (before & ~1) | done;
    return done | (said.tags.length ? 2 : 0) | (said.tags.some(isReserved) ? 4 : 0);
  }

  onWords(message) {
    this.tags = message.op === "state" ? message.tags : [...new Set([...message.tags, ...this.tags])];
    this.unchecked = message.unchecked;
  }
}

export default {
  render({ model, el }) {
    const view = new Tagger(model, el);
    return () => view.destroy();
  },
};
