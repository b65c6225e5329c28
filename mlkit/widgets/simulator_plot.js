// Where things lie in the Simulator's picture, and in what words. No page is touched here:
// `node --test` runs it. simulator.py joins it with simulator.js.

export const WORDS = {
  kind: { none: "nothing", data: "what comes in (data)", concept: "what is right (concept)", both: "both" },
  first_version: { sound: "is sound", faulty: "reads lengths wrongly" },
  retrain: { never: "never", "every 4 weeks": "every 4 weeks", "every 13 weeks": "every 13 weeks", alarm: "when an alarm rings" },
};
// key, label; what the world does, then what you do
export const CONTROLS = [
  ["The world", [["kind", "What changes"], ["onset_week", "From week"], ["over_weeks", "Growing over"], ["size", "How much"], ["label_delay_days", "A label comes after"], ["first_version", "The first new version"]]],
  ["Your policy", [["retrain", "Train a new version"], ["inputs_above", "Alarm: inputs drift above"], ["accuracy_below", "Alarm: right answers below"],
    ["labels_week", "Labels asked each week"], ["labels_retrain", "Labels asked to train"], ["canary", "Users on new at first"]]],
];
// Said below a slider, so that the two ways to a label can be compared.
export const NOTES = {
  label_delay_days: "by itself; 3 in 100 ever do",
  labels_week: "each is there the next day",
  labels_retrain: "all are there after 3 days",
};
const plural = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;
const percent = (share) => `${Math.round(100 * share)} %`;

// A setting as a person says it.
export function said(key, value) {
  if (WORDS[key]) return WORDS[key][value];
  if (key === "onset_week") return `${value}`;
  if (key === "over_weeks") return value === 0 ? "at once" : plural(value, "week");
  if (key === "label_delay_days") return value === 0 ? "0 days" : plural(value, "day");
  if (key === "inputs_above") return `PSI ${value.toFixed(2)}`;
  if (key === "canary") return value === 0 ? "shadow" : value === 1 ? "all at once" : percent(value);
  return key.startsWith("labels") ? `${value}` : percent(value);
}

export const scale = (from, to, low, high) => (value) => low + ((high - low) * (value - from)) / (to - from);
export function logScale(from, to, low, high) {
  const line = scale(Math.log(from), Math.log(to), low, high);
  return (value) => line(Math.log(Math.min(to, Math.max(from, value))));
}

const place = (value) => Number(value.toFixed(1));

// A line through the values that are there; a gap where one is missing.
export function line(values, x, y) {
  let text = "", drawn = false;
  values.forEach((value, n) => {
    if (value !== null) text += `${drawn ? "L" : "M"}${place(x(n))} ${place(y(value))}`;
    drawn = value !== null;
  });
  return text;
}

// The area under steps: value n holds from x(n) to x(n + 1).
export function steps(values, x, y) {
  let text = `M${place(x(0))} ${place(y(0))}`;
  values.forEach((value, n) => {
    if (n && value === values[n - 1]) return;
    text += `${n ? `H${place(x(n))}` : ""}V${place(y(value))}`;
  });
  return `${text}H${place(x(values.length))}V${place(y(0))}Z`;
}

// Labels in their order, none nearer than the gap, all between low and high.
export function apart(wanted, gap, low, high) {
  const order = wanted.map((_, n) => n).sort((a, b) => wanted[a] - wanted[b]);
  const found = [...wanted];
  let before = low - gap;
  for (const n of order) before = found[n] = Math.max(wanted[n], before + gap);
  let after = high + gap;
  for (const n of [...order].reverse()) after = found[n] = Math.min(found[n], after - gap);
  return found;
}

// Weeks that are written below the axis: as many as have room.
export function weekTicks(weeks, room) {
  const every = [1, 2, 4, 8, 13].find((step) => (room / weeks) * step >= 28) ?? 26;
  return Array.from({ length: weeks }, (_, n) => n + 1).filter((week) => week % every === 0);
}

// A round number that is no less.
export function roundUp(value) {
  const size = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return size * [1, 2, 3, 4, 5, 6, 8, 10].find((step) => step * size >= value);
}

const PANELS = [["world", 16], ["inputs", 74], ["right", 176], ["alarms", 42], ["share", 66], ["labels", 50]];
const TITLE = 24, AXIS = 26, TIGHT = 500;

// Panels below one another, on one time axis.
export function layout(width) {
  const narrow = width < TIGHT;
  const left = 52, right = width - (narrow ? 96 : 118);
  let y = 0;
  const panels = Object.fromEntries(PANELS.map(([name, height]) => {
    const top = y + TITLE;
    y = top + height + 8;
    return [name, { top, bottom: top + height, title: top - 9 }];
  }));
  return { narrow, left, right, panels, bottom: y - 2, height: y + AXIS };
}

// What is told once a week stands in the middle of its week (counted from 0), above its number.
export const middle = (week) => 7 * week + 3.5;

const last = (values) => values.findLast((value) => value !== null) ?? null;

// What a week was like, for who reads it instead of the picture.
export function reading(result, week) {
  const { days, weeks, alarms, events } = result;
  const of = (name) => days[name].slice(7 * (week - 1), 7 * week);
  const mean = (values) => { const there = values.filter((value) => value !== null); return there.length ? there.reduce((a, b) => a + b, 0) / there.length : null; };
  const share = (name) => { const value = mean(of(name)); return value === null ? null : percent(value); };
  const here = ({ day }) => Math.floor(day / 7) === week - 1;
  const parts = [`Right: users got ${share("accuracy_served")}, old ${share("accuracy_old")}`];
  if (share("accuracy_new") !== null) parts[0] += `, new ${share("accuracy_new")}`;
  const seen = weeks.seen[week - 1];
  parts.push(seen === null ? "too few labels came" : `of the labels that came ${percent(seen)}`);
  parts.push(`drift ${weeks.inputs[week - 1].toFixed(3)}`);
  const most = Math.max(...of("share_new"));
  if (most > 0) parts.push(`a new version for ${percent(most)} of users`);
  if (weeks.labels_paid[week - 1]) parts.push(`${weeks.labels_paid[week - 1]} labels asked`);
  for (const alarm of alarms.filter(here)) parts.push(`${alarm.true ? "true" : "false"} alarm (${alarm.what})`);
  for (const event of events.filter(here)) parts.push(`${event.action}: ${event.why.replace(/\.$/, "")}`);
  return `Week ${week}. ${parts.join("; ")}.`;
}

// The lines of the panel of right answers: name, words (wide, narrow), values or one value.
export function lines({ days }, { people, below }) {
  return [
    { name: "people", words: ["people (HLP)", "people"], value: people },
    { name: "below", words: ["alarm below", "alarm below"], value: below },
    { name: "served", words: ["users got", "got"], values: days.accuracy_served },
    { name: "best", words: ["best possible", "best"], values: days.accuracy_best },
    { name: "old", words: ["old version", "old"], values: days.accuracy_old },
    { name: "new", words: ["new version", "new"], values: days.accuracy_new },
  ].map((one) => ({ ...one, end: one.values ? last(one.values) : one.value }));
}
