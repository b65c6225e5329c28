import assert from "node:assert/strict";
import test from "node:test";

import { SHARED, load } from "./load.mjs";

const { ACTIONS, Clock, Outbox, fold, keyAction, keysOf, matching, ...whole } = await load(...SHARED, "labeler.js");
const keys = keysOf(ACTIONS, { Enter: "skip", "/": "class" });

test("the files together are one module with a render function", () => {
  assert.equal(typeof whole.default.render, "function");
});

test("no two actions share a key, and none is a digit", () => {
  const used = ACTIONS.map(([, key]) => key);
  assert.equal(new Set([...used, "Backspace", "h", "Enter", "/"]).size, used.length + 4);
  assert.ok(!used.some((key) => /^\d$/.test(key)));
});

test("digits are classes, Enter and s leave an item open", () => {
  const act = (key, code = "") => keyAction({ key, code }, keys);
  assert.deepEqual(act("1", "Digit1"), { action: "digit", place: 0, go: undefined });
  const tenth = (code) => keyAction({ key: "0", code }, keys, 10)?.place;
  assert.deepEqual([tenth("Digit0"), tenth("Numpad0"), act("0", "Digit0")], [9, 9, null]);
  for (const key of ["Enter", "s"]) assert.deepEqual(act(key), { action: "skip" });
  for (const key of ["c", "/"]) assert.deepEqual(act(key), { action: "class" });
  assert.deepEqual(act("z"), { action: "undo" });
});

test("a clock counts only while it runs", () => {
  const clock = new Clock();
  assert.equal(clock.elapsed(5), 0, "not painted yet");
  clock.start(10);
  clock.start(12); // painted again: it runs already
  assert.equal(clock.elapsed(15), 5);
  clock.stop(20); // the page is hidden
  assert.equal(clock.elapsed(1000), 10);
  clock.stop(1000);
  clock.start(1000);
  assert.equal(clock.elapsed(1003), 13);
});

test("classes by their first letters, the likeliest first", () => {
  const labels = ["longsleeve", "t-shirt", "shirt", "Éclair", "skirt", "short shirt"];
  assert.deepEqual(matching(labels, "shirt"), ["shirt", "t-shirt", "short shirt"]);
  assert.deepEqual(matching(labels, "S"), ["shirt", "skirt", "short shirt", "longsleeve", "t-shirt"]);
  assert.deepEqual(matching(labels, " ecl"), ["Éclair"]);
  assert.deepEqual(matching(labels, "xyz"), []);
});

const event = (id, value, undoes = null) => ({ id, kind: "label", value, undoes });

test("the last label holds; taken back, the one before it does", () => {
  assert.equal(fold([event("1", "a"), event("2", "b")]).label, "b");
  assert.equal(fold([event("1", "a"), event("2", "b"), event("3", "", "2")]).label, "a");
  assert.ok(!fold([event("1", "a"), event("3", "", "1")]).label);
});

test("what a label carries besides is kept in the browser too", () => {
  const kept = new Map();
  const storage = { get length() { return kept.size; }, key: (n) => [...kept.keys()][n], getItem: (k) => kept.get(k), setItem: (k, v) => kept.set(k, v), removeItem: (k) => kept.delete(k) };
  const whole = { id: "1", at: "2026-01-01T00:00:00.000Z", item: "i", kind: "label", value: "a", repeat: 0, vocabulary: [], undoes: null, guide: "v1", duration_s: 1.25 };
  new Outbox(storage, "p:").put(whole);
  assert.deepEqual(new Outbox(storage, "p:").list(), [whole]);
});
