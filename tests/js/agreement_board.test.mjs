import assert from "node:assert/strict";
import test from "node:test";

import { load } from "./load.mjs";

const { begin, due, percent, place, plural } = await load("agreement_board.js");

test("it asks when it runs, is seen, and the last answer is old enough", () => {
  const fresh = { running: true, hidden: false, asked: 0, heard: 0 };
  assert.equal(due(fresh, 3000, 100_000), true);
  assert.equal(due({ ...fresh, running: false }, 3000, 100_000), false);
  assert.equal(due({ ...fresh, hidden: true }, 3000, 100_000), false);
  const answered = { ...fresh, asked: 100_000, heard: 100_200 };
  assert.equal(due(answered, 3000, 102_900), false);
  assert.equal(due(answered, 3000, 103_000), true);
});

test("one question at a time: a slow answer is waited for, a lost one is not", () => {
  const waiting = { running: true, hidden: false, asked: 100_000, heard: 99_000 };
  assert.equal(due(waiting, 500, 110_000), false);
  assert.equal(due(waiting, 500, 115_000), true);
});

test("alpha has its place on a line from chance to always, and below chance where it must", () => {
  assert.equal(place(0.25, 0), 25);
  assert.equal(place(1.2, 0), 100);
  assert.equal(place(-0.3, 0), 0);
  assert.equal(place(0, -1), 50);
  assert.equal(begin([{ alpha: 0.4, low: 0.1 }]), 0);
  assert.equal(begin([{ alpha: 0.1, low: -0.12 }, { alpha: null, low: null }]), -0.2);
  assert.equal(begin([]), 0);
});

test("words", () => {
  assert.equal(percent(0.567), "57 %");
  assert.equal(plural(1, "person", "people"), "1 person");
  assert.equal(plural(1200, "person", "people"), "1,200 people");
});
