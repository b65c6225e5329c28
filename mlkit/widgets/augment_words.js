// The keys and words of the augmentation preview, and what follows from them. No page is touched
// here: `node --test` runs it.

// name, key, word on the button, what help says
export const ACTIONS = [
  ["play", " ", "Play result", "play or pause the result"],
  ["original", "o", "Original", "show or play the original; shown before the answer, the answer is not blind"],
  ["again", "r", "Draw again", "draw all values anew for the same item"],
  ["next", "Enter", "Next item", "next item"],
  ["unsure", "c", "Can't tell", "nobody could tell from this: counts as an answer, never as a right one"],
  ["find", "/", "Find a label", "type a part of a label; Enter answers with the first that has it"],
  ["yes", "y", "Yes", "realistic: this could have come from the world"],
  ["no", "n", "No", "not realistic"],
  ["left", "ArrowLeft", "Copy before", "look at the copy before, in a row of copies"],
  ["right", "ArrowRight", "Copy after", "look at the copy after"],
  ["undo", "z", "Take back", "take the last answer back (also Backspace, Ctrl+Z)"],
  ["help", "?", "Keys", "show or hide this list (also h)"],
];

const GUIDE = "augment preview", REALISTIC = "augment preview: realistic?", CANT_TELL = "can't tell";
const KEYED = 10; // labels with a key of their own
const KNOWN = { // why an answer is not blind
  label: "Not blind: the label of this item was shown before.",
  original: "Not blind: the original was shown.",
  drawing: "Not blind: another drawing of this item was shown.",
};
const COMING = "Not yet: the next item is still on its way.";
const WAIT_MS = 60, SLOW_MS = 400; // after the last move of a slider; before it says that it works

// The label on a digit: labels that are digits are on their own keys, others in their order.
export function onDigit(labels, digit) {
  if (labels.every((label) => /^[0-9]$/.test(label))) return labels.find((label) => label === String(digit));
  return labels[digit === 0 ? 9 : digit - 1];
}

export function keyOf(labels, place) {
  return [1, 2, 3, 4, 5, 6, 7, 8, 9, 0].map(String).find((digit) => onDigit(labels, Number(digit)) === labels[place]) ?? "";
}

// Labels with this in them, those that begin with it first; nothing typed is in all of them.
export function matching(labels, typed) {
  const text = typed.trim().toLowerCase(), place = (label) => label.toLowerCase().indexOf(text);
  return [...labels.filter((label) => place(label) === 0), ...labels.filter((label) => place(label) > 0)];
}

// Right, wrong, or neither; no sign where nobody knows.
export function markOf(said, label) {
  if (label === null) return "";
  return said === CANT_TELL ? " ?" : said === label ? " ✓" : " ✗";
}

// After the label is known no answer takes the place of a blind one.
export function wordsOn(answer, about) {
  const kept = about?.blind && about.answer && about.answer !== answer;
  return kept ? `${answer} is noted, but your blind answer ${about.answer} counts; the label is known by now.` : `you said ${answer}`;
}

// Rows of one length, as far as it goes: six are never five and one.
export const columnsOf = (count, most) => Math.ceil(count / Math.ceil(count / most));

// What the list of keys names: no row of copies for a sound, nothing to play of a picture.
export function actionsOf(kind, copies, labels) {
  const idle = [kind !== "audio" && "play", copies < 2 && "left", copies < 2 && "right", labels.length <= KEYED && "find"];
  return ACTIONS.filter(([name]) => !idle.includes(name));
}

// A step of a slider: about a hundredth of the range, as 1, 2 or 5 and zeros.
export function stepOf(low, high) {
  const raw = (high - low) / 100, power = 10 ** Math.floor(Math.log10(raw));
  return [1, 2, 5, 10].map((n) => n * power).find((n) => n >= raw * 0.999);
}

// As many digits as the slider's step can tell apart.
export function shown(value, step) {
  return value.toFixed(Math.max(0, Math.min(6, -Math.floor(Math.log10(step) + 1e-9))));
}

// One wish is under way at a time; of those that come meanwhile the latest follows it.
export class Latest {
  constructor(send) { Object.assign(this, { send, busy: false, waiting: null }); }
  want(wish) { if (this.busy) this.waiting = { ...this.waiting, ...wish }; else { this.busy = true; this.send(wish); } }
  arrived() { const wish = this.waiting; this.waiting = null; this.busy = false; if (wish) this.want(wish); }
  drop() { this.waiting = null; this.busy = false; }
}
