import assert from "node:assert/strict";
import test from "node:test";

import { SHARED, load } from "./load.mjs";

const { ACTIONS, Latest, actionsOf, columnsOf, default: widget, keyAction, keyOf, keysOf, markOf, matching, onDigit, shown, stepOf, wordsOn } = await load(...SHARED, "augment_words.js", "augment_preview.js");

test("the files together are one module with a render function", () => {
  assert.equal(typeof widget.render, "function");
});

test("no two actions share a key, and none is a digit", () => {
  const keys = ACTIONS.map(([, key]) => key);
  assert.equal(new Set([...keys, "Backspace", "h"]).size, keys.length + 2);
  assert.ok(!keys.some((key) => /^[0-9]$/.test(key)));
  assert.equal(keyAction({ key: "o", code: "KeyO" }, keysOf(ACTIONS)).action, "original");
});

test("a spoken digit is answered with its own key", () => {
  const digits = ["0", "1", "2", "3", "7"];
  assert.equal(onDigit(digits, 0), "0");
  assert.equal(onDigit(digits, 7), "7");
  assert.equal(onDigit(digits, 9), undefined);
  assert.deepEqual(digits.map((_, place) => keyOf(digits, place)), digits);
});

test("other labels are on the keys in their order, the tenth on 0", () => {
  const labels = Array.from({ length: 12 }, (_, n) => `class ${n}`);
  assert.equal(onDigit(labels, 1), "class 0");
  assert.equal(onDigit(labels, 0), "class 9");
  assert.deepEqual([0, 8, 9, 10].map((place) => keyOf(labels, place)), ["1", "9", "0", ""]);
});

test("a slider moves in steps a person can read", () => {
  assert.equal(stepOf(5, 30), 0.5);
  assert.equal(stepOf(0, 1), 0.01);
  assert.equal(stepOf(-2, 2), 0.05);
  assert.equal(stepOf(300, 3400), 50);
  assert.equal(shown(12.34567, 0.5), "12.3");
  assert.equal(shown(0.756, 0.01), "0.76");
  assert.equal(shown(1234.5, 50), "1235");
});

test("of wishes that come while one is under way the latest follows", () => {
  const sent = [], latest = new Latest((wish) => sent.push(wish));
  latest.want({ snr: 1 });
  latest.want({ snr: 2 });
  latest.want({ snr: 3, rate: 1 });
  latest.want({ snr: 4 });
  assert.deepEqual(sent, [{ snr: 1 }]);
  latest.arrived();
  assert.deepEqual(sent, [{ snr: 1 }, { snr: 4, rate: 1 }]);
  latest.arrived();
  latest.arrived();
  latest.want({ snr: 5 });
  assert.deepEqual(sent.slice(2), [{ snr: 5 }]);
});

test("who cannot tell has a sign of their own", () => {
  assert.equal(markOf("can't tell", "seven"), " ?");
  assert.equal(markOf("seven", "seven"), " ✓");
  assert.equal(markOf("nine", "seven"), " ✗");
  assert.equal(markOf("nine", null), "");
});

test("an answer after a blind one is told that it does not count", () => {
  assert.equal(wordsOn("3", null), "you said 3");
  assert.equal(wordsOn("3", { answer: null, blind: null }), "you said 3");
  assert.equal(wordsOn("3", { answer: "5", blind: false }), "you said 3");
  assert.equal(wordsOn("5", { answer: "5", blind: true }), "you said 5");
  assert.match(wordsOn("3", { answer: "5", blind: true }), /your blind answer 5 counts/);
});

test("the list of keys says what Enter does and what can't tell counts as", () => {
  const help = Object.fromEntries(ACTIONS.map(([name, , , text]) => [name, text]));
  assert.equal(help.next, "next item");
  assert.match(help.unsure, /counts as an answer, never as a right one/);
});

test("the list names the keys that do something here", () => {
  const names = (...given) => actionsOf(...given).map(([name]) => name);
  const few = ["a", "b"], many = Array.from({ length: 11 }, (_, n) => `class ${n}`);
  const sound = names("audio", 1, few);
  assert.ok(sound.includes("play"));
  for (const name of ["left", "right", "find"]) assert.ok(!sound.includes(name), name);
  const pictures = names("image", 6, many);
  assert.ok(!pictures.includes("play"));
  for (const name of ["left", "right", "find"]) assert.ok(pictures.includes(name), name);
});

test("a label is found by a part of it, those that begin with it first", () => {
  const labels = ["t-shirt", "shirt", "skirt", "SHoes"];
  assert.deepEqual(matching(labels, "sh"), ["shirt", "SHoes", "t-shirt"]);
  assert.deepEqual(matching(labels, " irt "), ["t-shirt", "shirt", "skirt"]);
  assert.deepEqual(matching(labels, ""), labels);
  assert.deepEqual(matching(labels, "x"), []);
});

test("rows of copies are of one length as far as it goes", () => {
  assert.deepEqual([1, 3, 6, 7, 8, 12, 24].map((n) => columnsOf(n, 6)), [1, 3, 6, 4, 4, 6, 6]);
  assert.deepEqual([4, 6, 8].map((n) => columnsOf(n, 5)), [4, 3, 4]); // six: not five and one
  for (let most = 2; most <= 8; most += 1) for (let n = 1; n <= 24; n += 1) {
    const columns = columnsOf(n, most), rows = Math.ceil(n / columns);
    assert.ok(columns <= most);
    assert.equal(rows, Math.ceil(n / most), "no row more than there must be");
    assert.ok(n - (rows - 1) * columns >= columns - rows + 1, `${n} in rows of ${columns}`);
  }
});
