// The Simulator: one time axis with everything that happens in front of users, controls beside it,
// and a prediction before the picture. Python computes, this draws. What touches no page stands in
// simulator_plot.js; simulator.py joins the two.

const NS = "http://www.w3.org/2000/svg";
const SLOW_MS = 400, LOST_MS = 8000;
const EVENTS = { promote: "✓", "roll back": "✕", "given up": "■" };

function make(tag, properties = {}, ...children) {
  const { className, dataset, ...rest } = properties;
  const node = document.createElement(tag);
  if (className) node.className = className;
  for (const [name, value] of Object.entries(rest)) node.setAttribute(name, value);
  Object.assign(node.dataset, dataset);
  node.append(...children);
  return node;
}

function svg(tag, properties = {}, text = null) {
  const node = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(properties)) node.setAttribute(name === "className" ? "class" : name, value);
  if (text !== null) node.textContent = text;
  return node;
}

let made = 0;

class Simulator {
  constructor(model, el) {
    this.model = model;
    this.id = `mlkit-sim-${(made += 1)}`;
    Object.assign(this, { wish: 0, busy: false, since: null, next: null, width: 0, week: 0, shown: null });
    this.build();
    el.append(this.root);
    this.hear = (message) => this.onMessage(message);
    model.on("msg:custom", this.hear);
    this.sizes = new ResizeObserver(() => this.fit());
    this.sizes.observe(this.picture);
    this.send({ op: "hello" });
  }

  destroy() {
    this.model.off("msg:custom", this.hear);
    this.sizes.disconnect();
    clearTimeout(this.slow); clearTimeout(this.gone);
  }

  send(message) { this.model.send(message); }

  // ---- what is built once

  build() {
    const part = (name, tag = "div", more = {}, ...children) => (this[name] = make(tag, { className: `mlkit-${name}`, ...more }, ...children));
    const button = (action, text) => make("button", { type: "button", dataset: { action } }, text);
    this.root = make("div", { className: "mlkit-surface mlkit-simulator", role: "group", "aria-label": "Simulator: half a year in front of users", "data-lm-suppress-shortcuts": "true", dataset: { lmSuppressShortcuts: "true" } });
    part("controls"); part("predict", "form", { "aria-label": "Your prediction" });
    part("verdict", "p"); part("figures"); part("judged", "p", { hidden: "" });
    part("picture"); part("look"); part("reading", "p", { "aria-live": "polite" });
    part("luck", "div"); part("trouble", "p", { role: "alert", hidden: "" }); part("live", "div", { "aria-live": "polite", role: "status" });
    this.buttons = make("div", { className: "mlkit-group" }, button("again", "Another draw of luck"), button("spread", "20 draws of luck"), button("forget", "Predict anew"));
    this.told = make("div", { className: "mlkit-told", hidden: "" }, make("div", { className: "mlkit-headline" }, this.verdict, this.figures), this.judged, this.picture, this.look, this.reading, this.buttons, this.luck);
    const about = make("p", { className: "mlkit-about" }, "Simulated: photographs of phones sent in for trade-in, 2,000 users, 400 requests a day, half a year. Three labels in a hundred come by themselves; people can be asked for more. A user leaves after four wrong answers in a row.");
    this.root.append(about, make("div", { className: "mlkit-body" }, this.controls, make("div", { className: "mlkit-stage" }, this.predict, this.told)), this.trouble, this.live);
    this.root.addEventListener("click", (event) => this.onClick(event));
    this.root.addEventListener("keydown", (event) => { if (event.key !== "Tab") event.stopPropagation(); });
    this.controls.addEventListener("input", (event) => this.onInput(event));
    this.predict.addEventListener("submit", (event) => { event.preventDefault(); this.onPredict(); });
    this.cursor = make("input", { type: "range", min: 1, max: 26, step: 1, value: 1, "aria-label": "Look at week" });
    this.look.append(this.cursor);
    this.cursor.addEventListener("input", () => this.lookAt(Number(this.cursor.value)));
    this.picture.addEventListener("pointermove", (event) => this.onPoint(event));
  }

  buildControls() {
    const { ranges, choices } = this.fixed;
    this.inputs = new Map();
    this.controls.replaceChildren(...CONTROLS.map(([title, rows]) => make("fieldset", {}, make("legend", {}, title), ...rows.map(([key, name]) => {
      const id = `${this.id}-${key}`, label = make("label", { for: id }, name);
      if (choices[key]) {
        const select = make("select", { id, dataset: { key } }, ...choices[key].map((value) => make("option", { value }, WORDS[key][value])));
        this.inputs.set(key, { node: select, set: (value) => { select.value = value; }, get: () => select.value });
        return make("div", { className: "mlkit-control mlkit-chosen" }, label, select);
      }
      const [min, max, step] = ranges[key];
      const input = make("input", { id, type: "range", min, max, step, dataset: { key } }), output = make("output", { for: id });
      const show = () => { output.textContent = said(key, Number(input.value)); input.setAttribute("aria-valuetext", output.textContent); };
      input.addEventListener("input", show);
      this.inputs.set(key, { node: input, set: (value) => { input.value = value; show(); }, get: () => Number(input.value) });
      return make("div", { className: "mlkit-control" }, label, output, input);
    }))));
  }

  buildPredict() {
    const name = `${this.id}-lost`;
    const choice = (value, text) => make("label", {}, make("input", { type: "radio", name, value, required: "" }), make("span", {}, text));
    const weeks = Array.from({ length: this.fixed.weeks }, (_, n) => make("option", { value: n + 1 }, `week ${n + 1}`));
    this.guess = make("select", { required: "", "aria-label": "First true alarm" }, make("option", { value: "" }, "choose"), make("option", { value: "none" }, "no true alarm"), ...weeks);
    const limit = this.fixed.threshold;
    this.predict.replaceChildren(
      make("h3", {}, "Predict before you look"),
      make("p", {}, "Read the settings, change them if you like. What will this half year bring?"),
      make("fieldset", {}, make("legend", {}, `Will users be lost? (Over ${limit} more of ${this.fixed.users.toLocaleString("en")} than under the best possible policy.)`), choice("yes", "they will be lost"), choice("no", "they will be kept")),
      make("label", { className: "mlkit-when" }, make("span", {}, "The first alarm that is right to ring, in the report of"), this.guess),
      make("button", { type: "submit", className: "mlkit-run" }, "Run the half year"));
  }

  // ---- what a person does

  onInput(event) {
    const key = event.target.dataset.key;
    if (!key) return;
    this.since ??= event.timeStamp;
    this.forgetLuck();
    this.wish += 1;
    this.next = Object.fromEntries(Array.from(this.inputs, ([name, { get }]) => [name, get()]));
    this.flow();
  }

  // One wish under way; of those that come meanwhile the latest follows.
  flow() {
    if (this.busy || !this.next) return;
    this.busy = true;
    this.send({ op: "set", settings: this.next, wish: this.wish });
    this.next = null;
    this.wait();
  }

  wait() {
    clearTimeout(this.slow); clearTimeout(this.gone);
    this.slow = setTimeout(() => { this.root.dataset.slow = "true"; }, SLOW_MS);
    this.gone = setTimeout(() => { this.busy = false; this.warn("No answer from the kernel. Run this cell again."); }, LOST_MS);
  }

  arrived() {
    this.busy = false;
    clearTimeout(this.slow); clearTimeout(this.gone);
    delete this.root.dataset.slow;
  }

  onClick(event) {
    const action = event.target.closest("button[data-action]")?.dataset.action;
    if (!action) return;
    if (action === "forget") this.predict.reset();
    if (action !== "spread") this.forgetLuck();
    else this.luck.replaceChildren(make("p", {}, "drawing …"));
    if (action === "again") this.since ??= event.timeStamp;
    this.send({ op: action });
    this.wait();
  }

  onPredict() {
    const lost = this.predict.querySelector("input[type=radio]:checked")?.value === "yes";
    const week = this.guess.value === "none" ? null : Number(this.guess.value);
    this.focusing = true;
    this.send({ op: "predict", lost, alarm_week: week });
    this.wait();
  }

  onPoint(event) {
    if (!this.place || !this.result) return;
    const box = this.picture.getBoundingClientRect();
    const week = 1 + Math.floor(scale(this.place.left, this.place.right, 0, this.fixed.weeks)(event.clientX - box.left));
    if (week >= 1 && week <= this.fixed.weeks && week !== this.week) { this.cursor.value = week; this.lookAt(week); }
  }

  lookAt(week) {
    this.week = week;
    this.cursor.setAttribute("aria-valuetext", `week ${week}`);
    this.drawCursor();
  }

  forgetLuck() { this.luck.replaceChildren(); }

  warn(text) { this.trouble.textContent = text; this.trouble.hidden = !text; }

  // ---- what comes from Python

  onMessage(message) {
    if (message.op === "error") { this.arrived(); this.warn(message.text); return; }
    if (message.op === "spread") { this.arrived(); this.drawLuck(message); return; }
    if (message.op === "state") { this.fixed = message.fixed; this.buildControls(); this.buildPredict(); this.cursor.max = message.fixed.weeks; }
    if (!this.fixed) return;
    this.arrived();
    this.warn("");
    if (message.wish >= this.wish) {
      this.wish = message.wish;
      for (const [key, { set }] of this.inputs) set(message.settings[key]);
    }
    this.settings = message.settings;
    this.told.hidden = !message.said;
    this.predict.hidden = !!message.said;
    this.result = message.said ? message.result : null;
    this.say(message);
    if (this.result) this.draw();
    if (this.focusing && message.said) { this.focusing = false; this.verdict.tabIndex = -1; this.verdict.focus({ preventScroll: true }); }
    this.afterPaint(message.wish);
    this.flow();
  }

  // What the test of speed reads: from the first event that was not answered yet to the painted answer.
  afterPaint(wish) {
    const since = this.since;
    if (!this.next) this.since = null;
    const done = () => {
      if (since !== null) this.root.dataset.ms = String(Math.round(performance.now() - since));
      this.root.dataset.wish = String(wish);
    };
    requestAnimationFrame(() => { const channel = new MessageChannel(); channel.port1.onmessage = done; channel.port2.postMessage(null); });
  }

  say({ said: mine, seed, result }) {
    this.root.dataset.told = String(!!mine);
    this.root.dataset.seed = String(seed);
    if (!mine) { this.live.textContent = "Predict, then run."; delete this.root.dataset.lost; return; }
    this.root.dataset.lost = String(result.lost);
    this.verdict.textContent = result.verdict;
    this.figures.replaceChildren(...result.figures.map(([figure, name]) => make("div", {}, make("strong", {}, figure), " ", make("span", {}, name))));
    this.judged.textContent = mine.words;
    this.judged.hidden = false;
    this.live.textContent = `Draw of luck ${seed + 1}. ${result.sentence}`;
  }

  // ---- drawing

  fit() {
    const width = Math.floor(this.picture.clientWidth);
    if (!width || width === this.width) return;
    this.width = width;
    if (this.result) this.draw();
  }

  draw() {
    const width = (this.width = Math.floor(this.picture.clientWidth));
    if (!width) return;
    const at = (this.place = layout(width)), { days, weeks } = this.fixed;
    this.x = scale(0, days, at.left, at.right);
    Object.assign(this.cursor.style, { marginLeft: `${at.left}px`, width: `${at.right - at.left}px` });
    this.sheet = svg("svg", { width, height: at.height, viewBox: `0 0 ${width} ${at.height}`, role: "img", "aria-label": this.result.sentence });
    this.drawFrame(at, weeks);
    drawWorld(this, at.panels.world);
    drawInputs(this, at.panels.inputs);
    drawRight(this, at.panels.right);
    drawAlarms(this, at.panels.alarms);
    drawShare(this, at.panels.share);
    drawLabels(this, at.panels.labels);
    this.picture.replaceChildren(this.sheet);
    this.mark = null;
    this.drawCursor();
  }

  add(tag, properties, text) { const node = svg(tag, properties, text); this.sheet.append(node); return node; }

  words(x, y, text, className = "", anchor = "start") { return this.add("text", { x, y, className, "text-anchor": anchor }, text); }

  title(panel, text, more) {
    const node = this.words(0, panel.title, text, "mlkit-title");
    // Where there is no room for more, the signs alone are explained.
    if (more && (this.width >= 360 || /[▲✓]/.test(more))) node.append(svg("tspan", { className: "mlkit-more", dx: 10 }, more));
  }

  // A line across with its number on the left.
  rule(y, text, className = "mlkit-grid") {
    this.add("line", { x1: this.place.left, x2: this.place.right, y1: y, y2: y, className });
    if (text) this.words(this.place.left - 7, y + 4, text, "mlkit-tick", "end");
  }

  label(y, text, name) {
    const x = this.place.right + 6;
    this.add("line", { x1: x, x2: x + 12, y1: y, y2: y, className: `mlkit-line mlkit-${name}` });
    this.words(x + 16, y + 4, text, "mlkit-label");
  }

  drawFrame(at, weeks) {
    for (const week of weekTicks(weeks, at.right - at.left)) {
      const x = this.x(7 * week - 3.5);
      this.words(x, at.bottom + 16, String(week), "mlkit-tick", "middle");
    }
    this.words(at.left - 7, at.bottom + 16, "week", "mlkit-tick", "end");
    const { onset } = this.result;
    if (onset !== null) this.add("line", { x1: this.x(onset), x2: this.x(onset), y1: at.panels.world.top, y2: at.bottom, className: "mlkit-onset" });
  }

  drawCursor() {
    if (!this.result || !this.sheet) return;
    this.mark?.remove();
    this.mark = null;
    this.reading.textContent = this.week ? reading(this.result, this.week) : "Point at a week, or move this slider, to read its numbers.";
    if (!this.week) return;
    const x = this.x(7 * (this.week - 1)), at = this.place;
    this.mark = svg("rect", { x, width: this.x(7) - this.x(0), y: at.panels.world.top, height: at.bottom - at.panels.world.top, className: "mlkit-cursor" });
    this.sheet.prepend(this.mark);
  }

  drawLuck({ points, words }) {
    const width = Math.max(200, Math.floor(this.luck.clientWidth)), most = roundUp(Math.max(...points, 2 * this.fixed.threshold));
    const x = scale(Math.min(0, ...points), most, 12, width - 12), sheet = svg("svg", { width, height: 62, viewBox: `0 0 ${width} 62`, role: "img", "aria-label": words });
    const line = x(this.fixed.threshold), stacks = new Map();
    sheet.append(svg("line", { x1: 12, x2: width - 12, y1: 42, y2: 42, className: "mlkit-grid" }), svg("line", { x1: line, x2: line, y1: 6, y2: 42, className: "mlkit-onset" }));
    for (const count of points) {
      const lost = count > this.fixed.threshold, cx = x(count), spot = Math.round(cx / 9), n = stacks.get(spot) ?? 0;
      stacks.set(spot, n + 1);
      const y = 37 - 8 * Math.min(n, 4);
      sheet.append(lost ? svg("path", { d: `M${cx - 5} ${y + 4}h10l-5 -9z`, className: "mlkit-true" }) : svg("circle", { cx, cy: y, r: 4, className: "mlkit-kept" }));
    }
    sheet.append(svg("text", { x: x(0), y: 57, className: "mlkit-tick", "text-anchor": "middle" }, "0"), svg("text", { x: width - 12, y: 57, className: "mlkit-tick", "text-anchor": "end" }, `${most} users lost`),
      svg("text", { x: line + 4, y: 57, className: "mlkit-tick", "text-anchor": line > width - 150 ? "end" : "start" }, `${this.fixed.threshold}: lost from here on`));
    this.luck.replaceChildren(sheet, make("p", { className: "mlkit-words" }, words));
    this.luck.dataset.n = String(points.length);
    if (points.length >= this.fixed.draws) this.live.textContent = words;
  }
}

// ---- one function a panel; `view` has the scale of time and what came of the half year

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
  const x = (n) => view.x(7 * n + 7);
  view.add("path", { d: line(weeks.inputs, x, y), className: "mlkit-line mlkit-drift" });
  weeks.inputs.forEach((value, n) => view.add("circle", { cx: x(n), cy: y(value), r: 2.6, className: value > above ? "mlkit-over" : "mlkit-dot" }));
  const [alarm, drift] = apart([y(above), y(weeks.inputs.at(-1))], 15, panel.top, panel.bottom);
  view.label(alarm, narrow ? "alarm" : "alarm above", "below");
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
  weeks.seen.forEach((value, n) => value !== null && view.add("circle", { cx: view.x(7 * n + 7), cy: y(value), r: 3, className: "mlkit-seen" }));
  const ends = all.filter(({ end }) => end !== null);
  const places = apart(ends.map(({ end }) => y(end)), 15, panel.top, panel.bottom);
  ends.forEach((one, n) => view.label(places[n], one.words[at.narrow ? 1 : 0], one.name));
}

function drawAlarms(view, panel) {
  const rows = { inputs: panel.top + 11, accuracy: panel.bottom - 11 };
  view.title(panel, "Alarms", "▲ true   ○ false");
  view.rule(rows.inputs, "inputs"); view.rule(rows.accuracy, "answers");
  for (const { day, what, true: right } of view.result.alarms) {
    const x = view.x(day + 1), y = rows[what];
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
    view.words(view.x(day + 1), panel.top + 11, EVENTS[action], "mlkit-event", "middle");
  }
  if (begun !== null) trial(view.fixed.days);
}

function drawLabels(view, panel) {
  const paid = view.result.weeks.labels_paid, most = roundUp(Math.max(100, ...paid)), y = scale(0, most, panel.bottom, panel.top);
  view.title(panel, "Labels asked of people", "a week");
  view.rule(y(most), String(most)); view.rule(y(0), "0");
  paid.forEach((count, n) => count && view.add("rect", { x: view.x(7 * n) + 1, width: view.x(7) - view.x(0) - 2, y: y(count), height: panel.bottom - y(count), className: "mlkit-paid" }));
}

export default {
  render({ model, el }) {
    const view = new Simulator(model, el);
    return () => view.destroy();
  },
};
