// The Simulator: one time axis with everything that happens in front of users, controls beside it,
// and a prediction before the picture. Python computes, this draws. What touches no page stands in
// simulator_plot.js, a function for each panel in simulator_panels.js; simulator.py joins the three.

const NS = "http://www.w3.org/2000/svg";
const SLOW_MS = 400, LOST_MS = 8000;
const STACKED = 760; // px, as in simulator.css: from here on the policy stands above the picture

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
    this.sizes = new ResizeObserver(() => { this.fit(); this.fold(); });
    this.sizes.observe(this.picture); this.sizes.observe(this.root);
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
    part("controls"); part("predict", "form", { "aria-label": "Your prediction", novalidate: "" });
    part("verdict", "p"); part("figures"); part("judged", "p", { hidden: "" });
    part("picture"); part("look"); part("reading", "p", { "aria-live": "polite" });
    part("luck", "div"); part("trouble", "p", { role: "alert", hidden: "" }); part("live", "div", { "aria-live": "polite", role: "status" });
    this.buttons = make("div", { className: "mlkit-group" }, button("again", "Another draw of luck"), button("spread", "20 draws of luck"), button("forget", "Predict anew"));
    this.told = make("div", { className: "mlkit-told", hidden: "" }, make("div", { className: "mlkit-headline" }, this.verdict, this.figures), this.judged, this.picture, this.look, this.reading, this.buttons, this.luck);
    const about = make("p", { className: "mlkit-about" }, "Simulated: photographs of phones sent in for trade-in, 2,000 users, 400 requests a day, half a year. Three labels in a hundred come by themselves, after a wait that you set; those asked of people come the next day (all at once to train on: after three days). A user leaves after four wrong answers in a row.");
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
    this.controls.replaceChildren(...CONTROLS.map(([title, rows]) => make("details", { open: "" }, make("summary", {}, title), make("div", { className: "mlkit-rows", role: "group", "aria-label": title }, ...rows.map(([key, name]) => {
      const id = `${this.id}-${key}`, label = make("label", { for: id }, name);
      if (choices[key]) {
        const select = make("select", { id, dataset: { key } }, ...choices[key].map((value) => make("option", { value }, WORDS[key][value])));
        this.inputs.set(key, { node: select, set: (value) => { select.value = value; }, get: () => select.value });
        return make("div", { className: "mlkit-control mlkit-chosen" }, label, select);
      }
      const [min, max, step] = ranges[key];
      const input = make("input", { id, type: "range", min, max, step, dataset: { key } }), output = make("output", { for: id, "aria-hidden": "true" });
      const show = () => { output.textContent = said(key, Number(input.value)); input.setAttribute("aria-valuetext", output.textContent); };
      input.addEventListener("input", show);
      this.inputs.set(key, { node: input, set: (value) => { input.value = value; show(); }, get: () => Number(input.value) });
      const row = make("div", { className: "mlkit-control" }, label, output, input);
      if (NOTES[key]) { input.setAttribute("aria-describedby", `${id}-note`); row.append(make("small", { id: `${id}-note` }, NOTES[key])); }
      return row;
    })))));
    this.fold();
  }

  // Where the policy stands above what came of it, the world makes room, so that both are on screen.
  fold() {
    const folded = this.root.clientWidth <= STACKED && !!this.result;
    if (!this.inputs || folded === this.folded) return;
    this.folded = folded;
    this.controls.querySelector("details").open = !folded;
  }

  buildPredict() {
    const name = `${this.id}-lost`;
    const choice = (value, text) => make("label", {}, make("input", { type: "radio", name, value, required: "" }), make("span", {}, text));
    const weeks = Array.from({ length: this.fixed.weeks }, (_, n) => make("option", { value: n + 1 }, `week ${n + 1}`));
    this.ask = make("p", { className: "mlkit-ask", role: "alert" });
    this.guess = make("select", { required: "", "aria-label": "First true alarm" }, make("option", { value: "" }, "choose"), make("option", { value: "none" }, "no true alarm"), ...weeks);
    const limit = this.fixed.threshold;
    this.predict.replaceChildren(
      make("h3", {}, "Predict before you look"),
      make("p", {}, "Read the settings, change them if you like. What will this half year bring?"),
      make("fieldset", {}, make("legend", {}, `Will users be lost? (Over ${limit} more of ${this.fixed.users.toLocaleString("en")} than under the best possible policy.)`), choice("yes", "they will be lost"), choice("no", "they will be kept")),
      make("label", { className: "mlkit-when" }, make("span", {}, "The first alarm that is right to ring, in the report of"), this.guess),
      this.ask, make("button", { type: "submit", className: "mlkit-run" }, "Run the half year"));
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
    if (action === "forget") { this.predict.reset(); this.focusing = true; }
    if (action !== "spread") this.forgetLuck();
    else this.luck.replaceChildren(make("p", {}, "playing …"));
    if (action === "again") this.since ??= event.timeStamp;
    this.send({ op: action });
    this.wait();
  }

  onPredict() {
    const said = this.predict.querySelector("input[type=radio]:checked")?.value, lost = said === "yes";
    // In our own words: the browser's bubble lies on top of what is to be chosen.
    const open = !said ? this.predict.querySelector("input[type=radio]") : !this.guess.value ? this.guess : null;
    this.ask.textContent = !open ? "" : open === this.guess ? "Choose a week too, or no true alarm." : "Say first whether users will be lost.";
    if (open) { open.focus(); return; }
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
    // Every view hears the answer to a view that comes; one that stands is not built again.
    if (message.op === "state" && !this.fixed) { this.fixed = message.fixed; this.buildControls(); this.buildPredict(); this.cursor.max = message.fixed.weeks; }
    if (!this.fixed) return;
    this.arrived();
    this.warn("");
    if (message.wish >= this.wish) {
      this.wish = message.wish;
      for (const [key, { set }] of this.inputs) set(message.settings[key]);
    }
    this.settings = message.settings;
    this.result = message.said ? message.result : null;
    this.fold();
    this.turn(message.said ? this.told : this.predict, message.said ? this.predict : this.told);
    this.say(message);
    if (this.result) this.draw();
    this.afterPaint(message.wish);
    this.flow();
  }

  // One part comes, the other goes; the focus goes along, or keys would reach the notebook.
  turn(comes, goes) {
    const along = !comes.hidden ? false : this.focusing || goes.contains(this.root.getRootNode().activeElement);
    comes.hidden = false;
    if (along) {
      this.focusing = false;
      this.verdict.tabIndex = -1;
      if (comes === this.told) this.verdict.focus({ preventScroll: true });
      else this.predict.querySelector("input").focus();
    }
    goes.hidden = true;
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
    const { right, narrow } = this.place, from = right + (narrow ? 4 : 6), to = right + (narrow ? 14 : 18);
    this.add("line", { x1: from, x2: to, y1: y, y2: y, className: `mlkit-line mlkit-${name}` });
    this.words(to + 4, y + 4, text, "mlkit-label");
  }

  drawFrame(at, weeks) {
    const wide = this.x(7) - this.x(0);
    for (let week = 1; week < weeks; week += 2) this.add("rect", { x: this.x(7 * week), width: wide, y: at.panels.world.top, height: at.bottom - at.panels.world.top, className: "mlkit-week" });
    for (const week of weekTicks(weeks, at.right - at.left)) {
      const x = this.x(middle(week - 1));
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

export default {
  render({ model, el }) {
    const view = new Simulator(model, el);
    return () => view.destroy();
  },
};
