import assert from "node:assert/strict";
import test from "node:test";

import { SHARED, load } from "./load.mjs";

const whole = await load(...SHARED, "tagger.js");
const { ACTIONS, Outbox, backoff, cleanTag, fold, inverse, keysOf, nextUnseen, saveText, wanted } = whole;
const keyAction = (event) => whole.keyAction(event, keysOf(ACTIONS));

const key = (name, more = {}) => ({ key: name, code: "", ...more });

test("the files together are one module with a render function", () => {
  assert.equal(typeof whole.default.render, "function");
});

test("digits go by their place on the keyboard, letters by what they say", () => {
  assert.deepEqual(keyAction(key("&", { code: "Digit1" })), { action: "digit", place: 0, go: undefined });
  assert.deepEqual(keyAction(key("!", { code: "Digit1", shiftKey: true })), { action: "digit", place: 0, go: true });
  assert.equal(keyAction(key("7", { code: "Numpad7", shiftKey: false })).place, 6);
  assert.equal(keyAction(key("End", { code: "Numpad1" })), null, "NumLock off: not a digit");
  assert.equal(keyAction(key("0", { code: "Digit0" })), null);
  assert.equal(keyAction(key("N", { code: "KeyN" })).action, "note");
  assert.equal(keyAction(key("w", { code: "KeyZ" })).action, "wrong", "AZERTY: the letter counts");
  assert.equal(keyAction(key("т", { code: "KeyN" })).action, "note", "Cyrillic: the place counts");
  assert.equal(keyAction(key(" ", { code: "Space" })).action, "play");
});

test("keys with Control, Alt or Meta are the browser's, but for undo", () => {
  for (const held of ["ctrlKey", "metaKey"]) {
    assert.deepEqual(keyAction(key("z", { [held]: true })), { action: "undo" });
    assert.equal(keyAction(key("z", { [held]: true, shiftKey: true })), null);
    assert.equal(keyAction(key("f", { [held]: true })), null);
  }
  assert.equal(keyAction(key("1", { code: "Digit1", altKey: true })), null);
  assert.equal(keyAction(key("n", { isComposing: true })), null);
  assert.equal(keyAction(key("q")), null);
});

test("no two actions share a key", () => {
  const keys = ACTIONS.map(([, k]) => k);
  assert.equal(new Set([...keys, "Backspace", "h"]).size, keys.length + 2);
});

const event = (id, kind, value = "", undoes = null) => ({ id, kind, value, undoes });

test("what holds is worked out from the events; undone ones never happened", () => {
  assert.deepEqual(fold([event("1", "tag", "a"), event("2", "tag", "b"), event("3", "untag", "a"), event("4", "seen")]),
    { tags: ["b"], seen: true, note: "" });
  // Given twice, taken back once: it was given before, so it stays.
  assert.deepEqual(fold([event("1", "tag", "a"), event("2", "tag", "a"), event("3", "untag", "a", "2")]).tags, ["a"]);
  assert.equal(fold([event("1", "note", "x"), event("2", "note", "y"), event("3", "note", "", "2")]).note, "x");
  assert.equal(fold([event("1", "seen"), event("2", "unseen", "", "1")]).seen, false);
  // An undo that was itself taken back.
  assert.equal(fold([event("1", "seen"), event("2", "unseen", "", "1"), event("3", "seen", "", "2")]).seen, true);
});

test("the inverse of an event names it", () => {
  assert.deepEqual(inverse(event("7", "tag", "a")), { kind: "untag", value: "a", undoes: "7" });
  assert.deepEqual(inverse(event("7", "note", "long")), { kind: "note", value: "", undoes: "7" });
  assert.deepEqual(inverse(event("7", "seen")), { kind: "unseen", value: "", undoes: "7" });
});

test("the next one not done, round the end", () => {
  const status = Uint8Array.from([1, 0, 3, 2, 1]);
  assert.equal(nextUnseen(status, -1), 1);
  assert.equal(nextUnseen(status, 1), 3);
  assert.equal(nextUnseen(status, 3), 1);
  assert.equal(nextUnseen(Uint8Array.from([1, 1]), 0), -1);
  assert.equal(nextUnseen(new Uint8Array(), -1), -1);
});

test("what is fetched: this item, those to come, the neighbours, never more than some twenty", () => {
  const status = new Uint8Array(10000).fill(1, 0, 500);
  const places = wanted(status, 500);
  assert.deepEqual(places.slice(0, 4), [500, 501, 502, 503]);
  assert.ok(places.includes(499) && places.includes(497));
  assert.ok(places.length <= 24);
  assert.equal(new Set(places).size, places.length);
  assert.deepEqual(wanted(Uint8Array.from([0]), 0), [0]);
  assert.deepEqual(wanted(Uint8Array.from([1, 1]), -1), [0, 1]);
  assert.deepEqual(wanted(new Uint8Array(), -1), []);
});

test("a tag's name is cleaned, or refused in words", () => {
  assert.deepEqual(cleanTag("  car   noise "), { tag: "car noise" });
  assert.deepEqual(cleanTag("e\u0301"), { tag: "\u00e9" });
  assert.match(cleanTag(" ").error, /name/);
  assert.match(cleanTag("x".repeat(10000)).error, /at most 200 .* 10000/);
  assert.match(cleanTag("a\u0000b").error, /not seen/);
});

test("the words on saving", () => {
  assert.equal(saveText({ pending: 0, kept: true }), "saved");
  assert.equal(saveText({ pending: 3, kept: true }), "3 not yet saved");
  assert.match(saveText({ pending: 3, silent: true, kept: true }), /^3 not yet saved\..*re-run the cell, nothing is lost/);
  assert.match(saveText({ pending: 3, error: "The disk is full.", kept: true }), /^3 not yet saved\. The disk is full\.$/);
  assert.match(saveText({ pending: 3, kept: false }), /keeps nothing/);
  const error = "postgresql://ada@host/class cannot be reached (refused). Nothing of this write was kept.";
  assert.equal(saveText({ pending: 8, error, kept: true }), "8 not yet saved: the database is away. They wait in this browser. Go on.");
  assert.match(saveText({ pending: 8, error, kept: false }), /^8 not yet saved: the database is away\. Go on\. This browser keeps nothing/);
  assert.match(saveText({ pending: 0, error, kept: true }), /^The database is away\./);
});

test("asking again gets rarer, up to half a minute", () => {
  assert.deepEqual([0, 1, 2, 10].map(backoff), [2000, 4000, 8000, 30000]);
});

class Storage extends Map {
  get length() { return this.size; }
  key(place) { return [...this.keys()][place]; }
  getItem(name) { return this.get(name) ?? null; }
  setItem(name, text) { if (this.full) throw new Error("quota"); this.set(name, text); }
  removeItem(name) { this.delete(name); }
}
const complete = (id, at = "2026-01-01T00:00:00.000Z") => ({ id, at, item: "i", kind: "tag", value: "a", repeat: 0, vocabulary: ["a"], undoes: null });

test("what the journal lacks is kept in the browser, in order, and leaves one by one", () => {
  const storage = new Storage([["other program", "{}"], ["p:broken", "{"], ["p:odd", '{"id": 1}']]);
  const first = new Outbox(storage, "p:");
  for (const id of ["c", "a", "b"]) first.put(complete(id));
  assert.deepEqual(new Outbox(storage, "p:").list().map(({ id }) => id), ["c", "a", "b"]);
  assert.deepEqual(new Outbox(storage, "q:").list(), []);
  // Another tab, open at the same time, puts its own: neither overwrites the other's.
  const second = new Outbox(storage, "p:");
  second.put(complete("d", "2026-01-02T00:00:00.000Z"));
  first.drop(["a", "c", "unknown"]);
  assert.deepEqual(new Outbox(storage, "p:").list().map(({ id }) => id), ["b", "d"]);
  assert.ok(storage.has("other program"));
  assert.deepEqual(Object.keys(second.list()[0]).sort(), Object.keys(complete("x")).sort());
});

test("a full or forbidden storage is told, and the events stay in memory", () => {
  const storage = Object.assign(new Storage(), { full: true });
  const full = new Outbox(storage, "p:");
  full.put(complete("a"));
  assert.equal(full.kept, false);
  assert.equal(full.list().length, 1);
  const none = new Outbox(null, "p:");
  none.put(complete("a"));
  none.drop(["a"]);
  assert.equal(none.kept, false);
  assert.deepEqual(none.list(), []);
});
