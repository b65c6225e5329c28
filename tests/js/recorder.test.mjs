import assert from "node:assert/strict";
import test from "node:test";

import { load } from "./load.mjs";

const PARTS = ["keys.js", "events.js", "outbox.js", "media.js", "frame.js", "microphone.js", "takebox.js", "recorder.js"];
const { ACTIONS, Ender, STATES, TakeBox, clockText, default: widget, joined, keyAction, keysOf, loudness, nextOpen, troubleText, verdict } = await load(...PARTS);

test("the files together are one module with a render function", () => {
  assert.equal(typeof widget.render, "function");
});

test("no two actions share a key", () => {
  const keys = keysOf(ACTIONS, { Enter: "record" });
  assert.equal(new Set([...ACTIONS.map(([, key]) => key), "Backspace", "h", "Enter"]).size, ACTIONS.length + 3);
  assert.equal(keyAction({ key: " ", code: "Space" }, keys, 0).action, "play");
  assert.equal(keyAction({ key: "7", code: "Digit7" }, keys, 0), null);
  assert.equal(keyAction({ key: "z", code: "KeyZ", ctrlKey: true }, keys, 0).action, "undo");
});

test("every state has a shape of its own", () => {
  const shapes = Object.values(STATES).map(([shape]) => shape);
  assert.equal(new Set(shapes).size, shapes.length);
});

test("each trouble says what to do, and where the example speaker is", () => {
  const said = [
    troubleText("NotAllowedError"), troubleText("NotFoundError"), troubleText("NotReadableError"), troubleText("Ended"), troubleText("Silent"),
    troubleText("AbortError", { detail: "no reason" }), troubleText("", { can: false }), troubleText("", { secure: false, can: false, host: "lab.example:8888" }),
  ];
  assert.equal(new Set(said).size, said.length);
  for (const text of said) assert.match(text, /datasets\.load_example_voice\(\) is an example speaker/);
  assert.match(said[0], /allow the microphone/);
  assert.match(said[3], /all finished ones are/);
  assert.match(said[5], /AbortError: no reason/);
  assert.match(said[7], /over http from lab\.example:8888.*ssh -L 8888:localhost:8888.*https/);
});

test("loudness is that of the formula", () => {
  const square = loudness(Float32Array.from([0.5, -0.5, 0.5, -0.5]));
  assert.ok(Math.abs(square.rms - 20 * Math.log10(0.5)) < 1e-4);
  assert.equal(square.rms.toFixed(6), square.peak.toFixed(6));
  const sine = loudness(Float32Array.from({ length: 48000 }, (_, n) => Math.sin((2 * Math.PI * 100 * n) / 48000)));
  assert.ok(Math.abs(sine.rms + 3.0103) < 0.01 && Math.abs(sine.peak) < 0.01);
  assert.deepEqual(loudness(new Float32Array()), { rms: -100, peak: -100 });
});

test("the meter says in words and shapes what is wrong", () => {
  const said = [0, -10, -40, -70].map((peak) => verdict(peak));
  assert.deepEqual(said.map(([name]) => name), ["loud", "good", "quiet", "silent"]);
  assert.equal(new Set(said.map(([, shape]) => shape)).size, 4);
  assert.equal(verdict(-70, true)[2], "read it now");
});

const ended = (ender, levels, seconds = 0.02) => levels.findIndex((rms) => ender.push(rms, seconds));
const level = (rms, seconds) => Array.from({ length: Math.round(seconds / 0.02) }, () => rms);

test("a take ends after a moment of silence, and not before somebody has spoken", () => {
  assert.equal(ended(new Ender(), level(-65, 20)), -1);
  const spoken = [...level(-65, 1), ...level(-20, 0.5), ...level(-65, 3)];
  assert.ok(Math.abs(ended(new Ender(), spoken) * 0.02 - 2.3) < 0.05);
  const noisy = [...level(-40, 1), ...level(-15, 0.5), ...level(-40, 3)];
  assert.ok(Math.abs(ended(new Ender(-40), noisy) * 0.02 - 2.3) < 0.05);
});

test("a click is no voice, and a pause between two words no end", () => {
  assert.equal(ended(new Ender(), [...level(-65, 0.5), ...level(-10, 0.04), ...level(-65, 3)]), -1);
  const words = [...level(-20, 0.4), ...level(-65, 0.5), ...level(-20, 0.4), ...level(-65, 2)];
  assert.ok(Math.abs(ended(new Ender(), words) * 0.02 - 2.1) < 0.05);
});

test("parts are joined in their order", () => {
  assert.deepEqual([...joined([Float32Array.of(1, 2), new Float32Array(), Float32Array.of(3)])], [1, 2, 3]);
  assert.equal(joined([]).length, 0);
});

test("the next open prompt is found round the end", () => {
  assert.equal(nextOpen([true, false, true], 0), 2);
  assert.equal(nextOpen([true, false, true], 2), 0);
  assert.equal(nextOpen([false, true], -1), 1);
  assert.equal(nextOpen([false, false], 0), -1);
  assert.equal(nextOpen([], -1), -1);
});

test("the clock reads as minutes and seconds", () => {
  assert.deepEqual([0, 1.26, 9.99, 75.04].map(clockText), ["0:00.0", "0:01.3", "0:10.0", "1:15.0"]);
});

test("a browser without a database keeps takes in memory, and says so", async () => {
  const box = new TakeBox({ open() { throw new Error("private window"); } }, "me");
  await box.open();
  await box.put({ id: "b", at: "2", label: "yes", take: 1 });
  await box.put({ id: "a", at: "1", label: "yes", take: 1 });
  assert.equal(box.kept, false);
  assert.deepEqual(box.list().map(({ id }) => id), ["a", "b"]);
  assert.equal(box.at("yes", 1).id, "b");
  assert.equal(box.at("no", 1), undefined);
  await box.drop(["a"]);
  await box.clear();
  assert.equal(box.list().length, 0);
});
