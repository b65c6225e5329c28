import assert from "node:assert/strict";
import test from "node:test";

import { load } from "./load.mjs";

const { CONTROLS, NOTES, apart, default: widget, layout, line, lines, logScale, middle, reading, roundUp, said, scale, steps, weekTicks } = await load("simulator_plot.js", "simulator_panels.js", "simulator.js");

test("the files together are one module with a render function", () => {
  assert.equal(typeof widget.render, "function");
});

test("a setting is said as a person says it", () => {
  assert.equal(said("over_weeks", 0), "at once");
  assert.equal(said("over_weeks", 1), "1 week");
  assert.equal(said("label_delay_days", 30), "30 days");
  assert.equal(said("canary", 0), "shadow");
  assert.equal(said("canary", 0.05), "5 %");
  assert.equal(said("canary", 1), "all at once");
  assert.equal(said("inputs_above", 0.2), "PSI 0.20");
  assert.equal(said("accuracy_below", 0.86), "86 %");
  assert.equal(said("labels_week", 400), "400");
  assert.equal(said("retrain", "alarm"), "when an alarm rings");
});

test("every control is shown once", () => {
  const keys = CONTROLS.flatMap(([, rows]) => rows.map(([key]) => key));
  assert.equal(new Set(keys).size, keys.length);
  assert.equal(keys.length, 12);
});

test("each note stands below a control that there is", () => {
  const keys = CONTROLS.flatMap(([, rows]) => rows.map(([key]) => key));
  for (const key of Object.keys(NOTES)) assert.ok(keys.includes(key), key);
});

test("a week lies in the middle of its seven days", () => {
  assert.deepEqual([middle(0), middle(25)], [3.5, 178.5]);
});

test("the lines have names of their own, narrow too", () => {
  const words = lines(result, { people: 0.95, below: 0.8 }).map((one) => one.words[1]);
  assert.equal(new Set(words).size, words.length);
  assert.ok(words.includes("alarm below"));
});

test("scales meet their ends", () => {
  const x = scale(0, 182, 50, 414);
  assert.deepEqual([x(0), x(91), x(182)], [50, 232, 414]);
  const y = logScale(0.01, 1, 100, 0);
  assert.deepEqual([y(0.01), y(1), y(0.0001), y(50)], [100, 0, 100, 0]);
  assert.ok(Math.abs(y(0.1) - 50) < 1e-9);
});

test("a line has a gap where a value is missing", () => {
  const same = (value) => value;
  assert.equal(line([null, 1, 2, null, 3], same, same), "M1 1L2 2M4 3");
  assert.equal(line([null, null], same, same), "");
});

test("steps hold until the next value and close at the ground", () => {
  const same = (value) => value;
  assert.equal(steps([0, 0, 1, 1], same, same), "M0 0V0H2V1H4V0Z");
});

test("labels keep their order and their distance, inside the panel", () => {
  for (const wanted of [[10, 11, 12, 90], [95, 96, 97, 98], [5, 5, 5, 5], [50, 10, 30, 70]]) {
    const found = apart(wanted, 15, 0, 100);
    const sorted = wanted.map((_, n) => n).sort((a, b) => wanted[a] - wanted[b]).map((n) => found[n]);
    for (let n = 1; n < sorted.length; n += 1) assert.ok(sorted[n] - sorted[n - 1] >= 15 - 1e-9, `${found}`);
    assert.ok(Math.min(...found) >= 0 && Math.max(...found) <= 100, `${found}`);
  }
  assert.deepEqual(apart([10, 60], 15, 0, 100), [10, 60], "what has room stays");
});

test("weeks are written where there is room", () => {
  for (const room of [200, 340, 490, 740, 1200]) {
    const ticks = weekTicks(26, room);
    const gap = ((ticks[1] - ticks[0]) * room) / 26;
    assert.ok(gap >= 28, `${room}: ${gap}`);
    assert.ok(ticks.every((week) => week >= 1 && week <= 26));
  }
  assert.equal(weekTicks(26, 1200).length, 26);
});

test("a round number is no less, and not much more", () => {
  for (const value of [1, 7, 99, 101, 650, 1400]) {
    assert.ok(roundUp(value) >= value && roundUp(value) <= 2 * value, `${value}`);
  }
});

test("panels lie below one another on one axis, narrow and wide", () => {
  for (const width of [300, 450, 660, 1000]) {
    const at = layout(width), panels = Object.values(at.panels);
    for (let n = 1; n < panels.length; n += 1) assert.ok(panels[n].title - 12 >= panels[n - 1].bottom - 4);
    assert.ok(at.bottom < at.height && at.right - at.left > 150);
    assert.ok(at.right < width - 50, "room for the names of the lines");
  }
});

const result = {
  days: Object.fromEntries(["accuracy_served", "accuracy_old", "accuracy_best"].map((name) => [name, Array(14).fill(0.9)])),
  weeks: { inputs: [0.004, 0.51], seen: [null, 0.88], labels_paid: [0, 320] },
  alarms: [{ day: 13, what: "inputs", true: true }], events: [{ day: 8, action: "promote", why: "not worse." }],
};
result.days.accuracy_new = [...Array(7).fill(null), ...Array(7).fill(0.95)];
result.days.share_new = [...Array(7).fill(0), ...Array(7).fill(0.2)];

test("a week is read out with what happened in it", () => {
  assert.equal(reading(result, 1), "Week 1. Right: users got 90 %, old 90 %; too few labels came; drift 0.004.");
  assert.equal(reading(result, 2), "Week 2. Right: users got 90 %, old 90 %, new 95 %; of the labels that came 88 %; drift 0.510; a new version for 20 % of users; 320 labels asked; true alarm (inputs); promote: not worse.");
});

test("a line that never began has no end to be named at", () => {
  const never = { ...result, days: { ...result.days, accuracy_new: Array(14).fill(null) } };
  const ends = Object.fromEntries(lines(never, { people: 0.95, below: 0.8 }).map(({ name, end }) => [name, end]));
  assert.equal(ends.new, null);
  assert.equal(ends.people, 0.95);
  assert.equal(ends.served, 0.9);
});
