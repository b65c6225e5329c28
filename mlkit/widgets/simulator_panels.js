// The panels of the Simulator's picture, one function each; `view` has the scale of time and what came of
// the half year.

const EVENTS = { promote: "✓", "roll back": "✕", "given up": "■" };

function drawWorld(view, panel) {
  const { days } = view.result, y = scale(0, 1, panel.bottom, panel.top);
  const moved = days.inputs_moved.map((value, n) => Math.max(value, days.meaning_moved[n]));
  const kind = view.settings.kind, what = { none: "does not change", data: "what comes in changes", concept: "what is right changes", both: "what comes in and what is right change" }[kind];
  view.title(panel, "The world", view.result.onset === null ? "does not change" : what);
  view.add("line", { x1: view.place.left, x2: view.place.right, y1: panel.bottom, y2: panel.bottom, className: "mlkit-grid" });
  view.add("path", { d: steps(moved, view.x, y), className: "mlkit-moved" });
}

function drawInputs(view, panel) {
  const { weeks } = view.result, y = logScale(0.003, 5, panel.bottom, panel.top), above = view.settings.inputs_above, { narrow } = view.place;
  view.title(panel, "Drift of what comes in", narrow ? "PSI, log" : "PSI of a week's requests, log scale");
  for (const value of [0.01, 0.1, 1]) view.rule(y(value), String(value));
  view.rule(y(above), "", "mlkit-line mlkit-below");
  const x = (n) => view.x(middle(n));
  view.add("path", { d: line(weeks.inputs, x, y), className: "mlkit-line mlkit-drift" });
  weeks.inputs.forEach((value, n) => view.add("circle", { cx: x(n), cy: y(value), r: 2.6, className: value > above ? "mlkit-over" : "mlkit-dot" }));
  const [alarm, drift] = apart([y(above), y(weeks.inputs.at(-1))], 15, panel.top, panel.bottom);
  view.label(alarm, "alarm above", "below");
  view.label(drift, "drift", "drift");
}

function drawRight(view, panel) {
  const { result, settings, fixed, place: at } = view, { days, weeks } = result;
  const all = lines(result, { people: fixed.people, below: settings.accuracy_below });
  const least = Math.min(settings.accuracy_below, ...[days.accuracy_old, days.accuracy_new, days.accuracy_served, weeks.seen].flat().filter((value) => value !== null));
  const low = Math.max(0, Math.floor(10 * least - 0.01) / 10), y = scale(low, 1, panel.bottom, panel.top);
  view.title(panel, "Answers that are right", at.narrow ? "◦ seen" : "◦ as the labels that came that week show it");
  for (let value = low; value <= 1.001; value += low < 0.45 ? 0.2 : 0.1) view.rule(y(value), `${Math.round(100 * value)} %`);
  for (const one of all) {
    const d = one.values ? line(one.values, view.x, y) : `M${at.left} ${y(one.value)}H${at.right}`;
    if (one.end !== null) view.add("path", { d, className: `mlkit-line mlkit-${one.name}` });
  }
  weeks.seen.forEach((value, n) => value !== null && view.add("circle", { cx: view.x(middle(n)), cy: y(value), r: 3, className: "mlkit-seen" }));
  const ends = all.filter(({ end }) => end !== null);
  const places = apart(ends.map(({ end }) => y(end)), 15, panel.top, panel.bottom);
  ends.forEach((one, n) => view.label(places[n], one.words[at.narrow ? 1 : 0], one.name));
}

function drawAlarms(view, panel) {
  const rows = { inputs: panel.top + 11, accuracy: panel.bottom - 11 };
  view.title(panel, "Alarms", "▲ true   ○ false");
  view.rule(rows.inputs, "inputs"); view.rule(rows.accuracy, "answers");
  for (const { day, what, true: right } of view.result.alarms) {
    const x = view.x(middle(Math.floor(day / 7))), y = rows[what];
    if (right) view.add("path", { d: `M${x - 6} ${y + 5}h12l-6 -11z`, className: "mlkit-true" });
    else view.add("circle", { cx: x, cy: y, r: 4.6, className: "mlkit-false" });
  }
}

function drawShare(view, panel) {
  const { days, events } = view.result, y = scale(0, 1, panel.bottom, panel.top + 18);
  view.title(panel, "Users on a new version", view.place.narrow ? "✓ promoted  ✕ back  ■ given up" : "━ on trial   ✓ promoted to all   ✕ rolled back   ■ given up");
  view.rule(y(1), "100 %"); view.rule(y(0), "0 %");
  view.add("path", { d: steps(days.share_new, view.x, y), className: "mlkit-share" });
  view.add("path", { d: steps(days.share_trial, view.x, y), className: "mlkit-try" });
  let begun = null;
  const trial = (until) => view.add("line", { x1: view.x(begun), x2: view.x(until), y1: panel.bottom, y2: panel.bottom, className: "mlkit-trial" });
  for (const { day, action } of events) {
    if (action === "new version") begun = day + 1;
    if (!EVENTS[action]) continue;
    if (begun !== null) trial(day + 1);
    begun = null;
    view.words(view.x(day + 0.5), panel.top + 11, EVENTS[action], "mlkit-event", "middle");
  }
  if (begun !== null) trial(view.fixed.days);
}

function drawLabels(view, panel) {
  const paid = view.result.weeks.labels_paid, most = roundUp(Math.max(100, ...paid)), y = scale(0, most, panel.bottom, panel.top);
  view.title(panel, "Labels asked of people", "a week");
  view.rule(y(most), String(most)); view.rule(y(0), "0");
  paid.forEach((count, n) => count && view.add("rect", { x: view.x(7 * n) + 1, width: view.x(7) - view.x(0) - 2, y: y(count), height: panel.bottom - y(count), className: "mlkit-paid" }));
}
