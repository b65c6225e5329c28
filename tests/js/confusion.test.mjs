import assert from "node:assert/strict";
import test from "node:test";

import { load } from "./load.mjs";

const { neighbour, next, shade } = await load("confusion.js");

test("a second click lets go", () => {
  assert.deepEqual(next([-1, -1], [2, 3]), [2, 3]);
  assert.deepEqual(next([2, 3], [2, 3]), [-1, -1]);
  assert.deepEqual(next([2, 3], [2, -1]), [2, -1]);
});

test("arrow keys go over the cells that are empty, and stop at the border", () => {
  const there = new Set(["-1 0", "-1 2", "0 -1", "0 0", "0 2", "2 2"]);
  const has = { rows: 3, columns: 3, at: (row, column) => there.has(`${row} ${column}`) };
  assert.deepEqual(neighbour(has, [0, 0], [0, 1]), [0, 2]);
  assert.deepEqual(neighbour(has, [0, 2], [1, 0]), [2, 2]);
  assert.deepEqual(neighbour(has, [0, 0], [-1, 0]), [-1, 0]);
  assert.equal(neighbour(has, [0, 2], [0, 1]), null);
  assert.equal(neighbour(has, [-1, 0], [-1, 0]), null);
});

test("the deepest colour is the largest count, and a small one can still be seen", () => {
  assert.equal(shade(40, 40), 100);
  assert.equal(shade(10, 40), 50);
  assert.equal(shade(0, 0), 0);
});
