// The board on the big screen. It asks the kernel for news, as long as it is seen and not stopped:
// no timer lives anywhere else. Whatever came from a table is set as text, never as markup.

const QUIET_MS = 15000; // no answer for so long: the kernel is busy or gone
// After Okabe and Ito (2008), told apart by people with any kind of colour vision, on a white and on
// a dark page; the rest is grey.
const COLOURS = ["#0072b2", "#d57d00", "#009e73", "#8b5675", "#1295f5", "#ab4a08"];
const colour = (place) => COLOURS[place] ?? "#888888";

export const percent = (share) => `${Math.round(100 * share)} %`;
export const plural = (n, one, many) => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
// Where a value of alpha lies on a line that begins at 0, or below it where that is needed.
export const place = (value, from) => 100 * Math.min(1, Math.max(0, (value - from) / (1 - from)));
export const begin = (versions) => Math.min(0, ...versions.flatMap(({ alpha, low }) => [alpha ?? 0, low ?? 0]).map((v) => Math.floor(v * 10) / 10));
// Whether it is time to ask: `asked` and `heard` are when that was last, 0 for never.
export const due = ({ running, hidden, asked, heard }, every, now) => running && !hidden
  && (asked <= heard ? now - asked >= every : now - asked >= QUIET_MS);

class Board {
  constructor(model, el) {
    Object.assign(this, { model, items: new Map(), wanted: new Map(), running: true, open: false, asked: 0, heard: 0, every: 3000, error: "" });
    this.build(el);
    this.onMessage = (message, buffers) => this.receive(message, buffers);
    model.on("msg:custom", this.onMessage);
    this.timer = setInterval(() => this.tick(), 250);
    this.onFull = () => { this.full.querySelector("span").textContent = document.fullscreenElement === this.root ? "Leave full screen" : "Full screen"; };
    document.addEventListener("fullscreenchange", this.onFull);
    this.tick();
  }

  destroy() {
    clearInterval(this.timer);
    document.removeEventListener("fullscreenchange", this.onFull);
    this.model.off("msg:custom", this.onMessage);
    for (const item of this.items.values()) item.urls.forEach((url) => URL.revokeObjectURL(url));
  }

  build(el) {
    const part = (name, tag = "div", more = {}) => (this[name] = make(tag, { className: `mlkit-${name}`, ...more }));
    const button = (name, word, act) => {
      this[name] = make("button", { type: "button", className: "mlkit-button", dataset: { action: name } }, make("span", {}, word));
      this[name].addEventListener("click", act);
      return this[name];
    };
    this.root = make("section", { className: "mlkit-surface mlkit-board", "aria-label": "Agreement board", dataset: { lmSuppressShortcuts: "true", labels: "" } });
    const buttons = make("div", { className: "mlkit-group", role: "group", "aria-label": "the board" },
      button("stop", "Stop", () => this.toggle()), button("full", "Full screen", () => this.fill()));
    this.full.hidden = !document.fullscreenEnabled;
    const head = make("div", { className: "mlkit-board-head" }, make("div", { className: "mlkit-board-name" }, part("title", "h2"), part("counts")), buttons);
    part("each"); part("versions"); part("said", "p");
    part("pairs"); part("reveal-box"); part("contested", "div", { hidden: "" });
    const show = make("div", { className: "mlkit-board-title" }, make("h3", {}, "Most contested"), button("reveal", "Show the items", () => this.uncover()));
    this.why = make("p", { className: "mlkit-quiet" }, "Hidden while people label: whoever sees the votes no longer judges alone.");
    const left = make("div", { className: "mlkit-board-pairs" }, make("h3", {}, "Taken for one another"), this.pairs);
    const right = make("div", { className: "mlkit-board-items" }, show, this.why, this.contested);
    const foot = make("div", { className: "mlkit-board-foot" }, part("state"), part("notes", "ul"), part("told-only", "div", { role: "status" }));
    this.root.append(make("div", { className: "mlkit-board-all" }, head, this.each, this.versions, this.said, make("div", { className: "mlkit-board-two" }, left, right), foot));
    // Keys on its buttons are the board's: d d would delete the notebook's cell.
    this.root.addEventListener("keydown", (event) => { if (event.key !== "Tab" && !(event.ctrlKey || event.metaKey || event.altKey)) event.stopPropagation(); });
    el.append(this.root);
    this.state.textContent = "Waiting for the kernel …";
  }

  toggle() {
    this.running = !this.running;
    this.stop.querySelector("span").textContent = this.running ? "Stop" : "Go on";
    this.root.dataset.running = this.running;
    this.drawState();
    this.tick();
  }

  fill() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.root.requestFullscreen().catch((error) => { this.error = error.message; this.drawState(); });
  }

  uncover() {
    this.open = !this.open;
    this.contested.hidden = !this.open;
    this.why.hidden = this.open;
    this.reveal.querySelector("span").textContent = this.open ? "Hide the items" : "Show the items";
    this.reveal.setAttribute("aria-expanded", String(this.open));
    if (this.last) this.drawContested(this.last);
  }

  tick() {
    const now = Date.now();
    if (due({ ...this, hidden: document.hidden }, this.every, now)) {
      this.asked = now;
      try { this.model.send({ op: "refresh" }); } catch { this.asked = now; }
    }
    this.drawState();
  }

  receive(message, buffers) {
    this.heard = Date.now();
    if (message.op === "error") this.error = message.text;
    else if (message.op === "item") this.onItem(message, buffers);
    else { this.error = ""; this.every = 1000 * message.every_s; this.last = message; this.draw(message); }
    this.drawState();
  }

  onItem(message, buffers) {
    const item = { media: message.media, urls: [] };
    picture(item, buffers, "a contested item", { root: this.root, brokenHint: "" });
    if (item.sound) item.sound.controls = true;
    this.items.set(message.key, item);
    if (this.last && this.open) this.drawContested(this.last);
  }

  // ---- drawing

  draw(news) {
    const { title, labels, items, halves } = news;
    this.root.dataset.labels = labels;
    this.title.textContent = title;
    const count = (half) => {
      const of = items && half.people ? ` of ${(items * half.people).toLocaleString("en")}` : "";
      return `${plural(half.people, "person", "people")} · ${half.labels.toLocaleString("en")}${of} labels`;
    };
    this.counts.textContent = halves.length > 1 ? "" : count(halves[0]);
    this.drawEach(halves, items, count);
    this.drawVersions(news.versions);
    this.said.textContent = news.said;
    this.drawPairs(news.pairs);
    if (this.open) this.drawContested(news);
    this.reveal.disabled = !news.contested.length;
    this.notes.replaceChildren(...news.notes.map((note) => make("li", {}, note)));
  }

  // How far each person is, without names: the sort is by number alone.
  drawEach(halves, items, count) {
    this.each.hidden = !halves.some(({ each }) => each.length);
    this.each.replaceChildren(...halves.map((half) => {
      const { name, each } = half, most = items || Math.max(1, ...each), done = each.filter((n) => n >= most).length;
      const bars = make("div", { className: "mlkit-bars", role: "img", "aria-label": `${done} of ${each.length} people are through` }, ...each.map((n) => {
        const bar = make("span", { className: n >= most ? "mlkit-through" : "" });
        bar.style.setProperty("--mlk-share", `${Math.min(100, (100 * n) / most)}%`);
        return bar;
      }));
      return make("div", {}, ...(halves.length > 1 ? [make("div", { className: "mlkit-half" }, `${name}: ${count(half)}`)] : []), bars);
    }));
  }

  drawVersions(versions) {
    const from = begin(versions);
    this.versions.replaceChildren(...versions.map((version, at) => {
      const { name, alpha, low, high, why } = version, now = at === versions.length - 1;
      const line = make("div", { className: "mlkit-line", role: "img", "aria-label": alpha === null ? "no alpha" : `alpha ${alpha.toFixed(2)}${low === null ? "" : `, interval ${low.toFixed(2)} to ${high.toFixed(2)}`}` });
      for (const value of [0, 0.5, 1]) {
        const mark = make("i", {}, make("b", {}, { 0: "0 as by chance", 0.5: "0.5", 1: "1 always" }[value]));
        mark.style.left = `${place(value, from)}%`;
        if (now) line.append(mark); else { mark.replaceChildren(); line.append(mark); }
      }
      if (low !== null) {
        const range = make("em");
        Object.assign(range.style, { left: `${place(low, from)}%`, width: `${place(high, from) - place(low, from)}%` });
        line.append(range);
      }
      if (alpha !== null) { const dot = make("u"); dot.style.left = `${place(alpha, from)}%`; line.append(dot); }
      const number = make("div", { className: "mlkit-alpha" }, make("small", {}, versions.length > 1 ? `alpha, ${name}` : "alpha"), make("strong", {}, alpha === null ? "–" : alpha.toFixed(2)),
        make("span", {}, why || (low === null ? "" : `${low.toFixed(2)} to ${high.toFixed(2)}`)));
      return make("div", { className: `mlkit-version ${now ? "" : "mlkit-earlier"}` }, number, line);
    }));
  }

  drawPairs(pairs) {
    if (!pairs.length) { this.pairs.replaceChildren(make("p", { className: "mlkit-quiet" }, "Nothing so far.")); return; }
    this.pairs.replaceChildren(...pairs.map(({ one, other, share }) => {
      const bar = make("span", { className: "mlkit-pair-bar" });
      bar.style.width = `${100 * share}%`;
      return make("div", { className: "mlkit-pair" }, make("span", { className: "mlkit-pair-name" }, `${one} ↔ ${other}`), make("span", { className: "mlkit-pair-room" }, bar), make("span", { className: "mlkit-pair-share" }, percent(share)));
    }), make("p", { className: "mlkit-quiet" }, "Share of all pairs of labels that differ."));
  }

  drawContested({ contested, classes, shown }) {
    const now = Date.now(), asked = (key) => now - (this.wanted.get(key) ?? 0) < QUIET_MS;
    const missing = shown ? contested.map(({ key }) => key).filter((key) => !this.items.has(key) && !asked(key)) : [];
    missing.forEach((key) => this.wanted.set(key, now));
    if (missing.length) this.model.send({ op: "want", items: missing });
    // Drawn anew only when it is another: a sound that plays and the focus stay as they are.
    const what = JSON.stringify([contested, classes, this.large, contested.map(({ key }) => this.items.has(key))]);
    if (what === this.drawnItems) return;
    this.drawnItems = what;
    const focused = this.contested.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    this.contested.replaceChildren(...contested.map(({ key, votes }) => {
      const total = votes.reduce((sum, n) => sum + n, 0), node = this.items.get(key)?.node;
      const bar = make("div", { className: "mlkit-votes", "aria-hidden": "true" }, ...votes.map((n, at) => {
        const piece = make("span");
        Object.assign(piece.style, { width: `${(100 * n) / total}%`, background: colour(at) });
        return piece;
      }));
      const said = votes.map((n, at) => [n, at]).filter(([n]) => n).sort((a, b) => b[0] - a[0]).map(([n, at]) => {
        const dot = make("i"); dot.style.background = colour(at);
        return make("span", {}, dot, `${classes[at]} ${n}`);
      });
      return make("figure", key === this.large ? { className: "mlkit-large" } : {}, ...(shown ? [this.frame(key, node)] : []), bar, make("figcaption", {}, ...said));
    }));
    if (focused) this.contested.querySelector(`[data-key="${focused}"]`)?.focus();
  }

  // A picture is a button that makes it large: what people differ on is often small.
  frame(key, node) {
    const className = "mlkit-board-media", large = key === this.large;
    if (!node?.matches("img")) return make("div", { className }, node ?? make("span", { className: "mlkit-quiet" }, "…"));
    const button = make("button", { type: "button", className, "aria-pressed": String(large), "aria-label": large ? "a contested item, small again" : "a contested item, larger", dataset: { key } }, node);
    button.addEventListener("click", () => {
      this.large = large ? null : key;
      this.drawContested(this.last);
      this.contested.querySelector(".mlkit-large")?.scrollIntoView({ block: "nearest" });
    });
    return button;
  }

  drawState() {
    const { last } = this, asOf = last ? `As of ${last.at}` : "";
    const quiet = this.running && this.asked > this.heard && Date.now() - this.asked > QUIET_MS / 3;
    let text = last ? `${asOf}, read in ${last.took_s.toFixed(2)} s, every ${last.every_s} s` : "Waiting for the kernel …";
    if (!this.running) text = `Stopped. ${asOf}`;
    else if (away(this.error)) text = `The database is away. ${last ? `What you see is of ${last.at}. ` : ""}Labels wait in the browsers; asking again.`;
    else if (this.error) text = `${asOf ? `${asOf}. ` : ""}${this.error} Asking again.`;
    else if (quiet) text = `${asOf ? `${asOf}. ` : ""}No answer from the kernel: it may be busy with a cell. If it is gone, re-run the cell.`;
    if (this.state.textContent !== text) this.state.textContent = text;
    // The time of each look is for the eye; what is told is a change of state.
    const told = !this.running || this.error || quiet ? text : "";
    if (this["told-only"].textContent !== told) this["told-only"].textContent = told;
    this.state.classList.toggle("mlkit-trouble", this.running && !!(this.error || quiet));
  }
}

function render({ model, el }) {
  const board = new Board(model, el);
  return () => board.destroy();
}

export default { render };
