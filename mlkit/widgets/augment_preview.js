// The preview of an augmentation: what a pipeline made of an item, sliders over what it drew, and
// three questions about it. Label, prediction and the item's name come after the answer; the
// original too, unless one asks for it. What it shares with the Tagger stands in surface.js and
// the files before it, its keys and what else touches no page in augment_words.js;
// augment_preview.py joins them.

class AugmentPreview extends Surface {
  begin() {
    Object.assign(this, { name: "AugmentPreview", listed: "what is it?", actions: ACTIONS, keys: keysOf(ACTIONS), undoable: [] });
    Object.assign(this, { digits: KEYED, why: "", labels: [], turn: -1, wish: -1, about: null, key: null, words: { done: 0, total: 0, sentence: "" } });
    Object.assign(this, { result: null, first: null, given: {}, sliders: new Map(), chosen: 0, since: 0 });
    this.onDigits = [["0 … 9", "that answer", "the label"]];
    this.leaving = 0; // when the next item was asked for, while it is on its way
    this.latest = new Latest((values) => this.demand({ op: "set", values }));
  }

  destroy() {
    clearTimeout(this.settling); clearTimeout(this.slow);
    super.destroy();
    for (const item of [this.result, this.first]) if (item) this.release(item);
    this.drawCopies([]);
  }

  // What the frame of the others has and this has not is left in the air.
  button(action) { return super.button(action) ?? make("button"); }

  above(part) {
    const pane = (name, title) => (this[name] = make("section", { className: `mlkit-pane mlkit-${name}`, "aria-label": title }));
    pane("before", "original"); pane("after", "result");
    part("copies", "div", { role: "group", "aria-label": "copies" }); part("trouble", "p", { role: "alert", hidden: "" });
    return [this.trouble];
  }

  moves(group) {
    this.media.replaceChildren(this.before, this.after);
    return make("div", { className: "mlkit-under" }, this.copies, group("move", "play", "original", "again", "next"));
  }

  side(part, group) {
    part("controls", "div", { role: "group", "aria-label": "what was drawn" });
    part("sentence", "p"); part("hint", "p");
    const ask = (text, ...nodes) => make("div", { className: "mlkit-ask" }, make("div", { className: "mlkit-title" }, text), ...nodes);
    this.controls.addEventListener("input", (event) => this.onMove(event));
    this.controls.addEventListener("pointerdown", () => { this.pointed = true; });
    this.controls.addEventListener("keydown", () => { this.pointed = false; });
    // A click on a box or a choice is done with it: the keys are the frame's again.
    this.controls.addEventListener("change", ({ target }) => { if (this.pointed && target.type !== "range") setTimeout(() => this.root.focus({ preventScroll: true })); });
    this.save.before(make("div", { className: "mlkit-unheard", "aria-hidden": "true" }, "Click here to use the keys"));
    return [ask("Can you still tell what it is?", this.list, this.entry, this.hint, group("or", "unsure", "find")),
      ask("Is it realistic?", group("realistic", "yes", "no")), ask("What was drawn", this.controls),
      ask("So far", group("finish", "undo"), this.sentence)];
  }

  // ---- what is on the screen

  go() { this.draw(); }
  want() {}
  take() {}

  draw() {
    const { done, total, sentence } = this.words;
    const told = this.about, given = { ...told, ...this.given };
    const pending = [...this.outbox.events.values()].map(({ event }) => event).filter(({ item }) => item === this.answering);
    const unsaved = (guide) => pending.some((event) => event.guide === guide);
    this.drawList(this.labels, "label", "");
    this.list.classList.toggle("mlkit-short", this.labels.length > 4 && this.labels.every((label) => label.length < 4));
    Array.from(this.list.children, (node, place) => { node.querySelector("kbd").textContent = keyOf(this.labels, place); });
    for (const node of this.list.children) this.press(node, given.answer === node.dataset.label, unsaved(GUIDE) && given.answer === node.dataset.label);
    this.press(this.button("unsure"), given.answer === CANT_TELL, unsaved(GUIDE) && given.answer === CANT_TELL);
    for (const [name, value] of [["yes", true], ["no", false]]) this.press(this.button(name), given.realistic === value, unsaved(REALISTIC) && given.realistic === value);
    this.drawTruth(told);
    this.sentence.textContent = sentence ? `${sentence}.` : "";
    Object.assign(this.root.dataset, { tagged: done, total, turn: this.turn, wish: this.wish, told: String(!!told), kind: this.kind ?? "" });
    this.count.textContent = this.counted = `${done} of ${total}`;
    this.bar.setAttribute("aria-valuenow", done); this.bar.setAttribute("aria-valuemax", total);
    this.done.style.width = `${total ? (100 * done) / total : 0}%`;
    this.hint.hidden = this.button("find").hidden = this.labels.length <= KEYED;
    this.button("play").hidden = this.kind !== "audio" || !this.result;
    this.drawSave();
  }

  drawTruth(told) {
    if (!told) {
      const text = !this.result ? "" : KNOWN[this.why] ?? "Blind: label, prediction and original come after your answer.";
      this.truth.replaceChildren(make("span", { className: "mlkit-quiet" }, text));
      return;
    }
    const pair = (name, value, more = "") => make("span", {}, `${name} `, make("strong", {}, value), more);
    const nodes = [pair("label", told.label ?? "none")];
    if (told.answer) nodes.push(pair("you", told.answer, markOf(told.answer, told.label)));
    if (told.thinking) nodes.push(make("span", { className: "mlkit-thinking" }, "the model is at work …"));
    else if (told.prediction !== null) nodes.push(pair("model", told.prediction, `${told.score === null ? "" : ` ${told.score.toFixed(2)}`}${markOf(told.prediction, told.label)}`));
    else if (told.trouble) nodes.push(make("span", { className: "mlkit-warn" }, told.trouble));
    this.truth.replaceChildren(...nodes, make("span", { className: "mlkit-id" }, told.item));
  }

  // Once for a pipeline; its values come with each drawing.
  drawControls(steps) {
    this.sliders.clear();
    const id = newId();
    this.controls.replaceChildren(...steps.map(({ key, fixed, parameters }) => {
      const on = make("input", { type: "checkbox", dataset: { key } });
      this.sliders.set(key, { node: on, set: (value) => { on.checked = value; on.closest("fieldset").classList.toggle("mlkit-off", !value); }, get: () => on.checked });
      const given = Object.entries(fixed).map(([name, value]) => `${name} ${value}`).join(", ");
      const title = make("legend", {}, make("label", {}, on, make("span", {}, key), given && make("span", { className: "mlkit-quiet" }, given)));
      return make("fieldset", { className: "mlkit-step" }, title, ...parameters.map((one, n) => (one.choices ? this.choice(one) : this.slider(one, `${id}-${key}-${n}`))));
    }));
  }

  slider({ key, name, low, high }, id) {
    const step = stepOf(low, high);
    const input = make("input", { id, type: "range", min: low, max: high, step: "any", dataset: { key } });
    const output = make("output", { for: id, "aria-hidden": "true" });
    const show = (value) => { output.textContent = shown(value, step); input.setAttribute("aria-valuetext", output.textContent); };
    const get = () => Math.min(high, Math.max(low, Math.round(Number(input.value) / step) * step));
    input.addEventListener("input", () => show(get()));
    // With any step the arrow keys would move by what the browser likes.
    input.addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[event.key];
      if (!by || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      input.value = get() + by * step;
      input.dispatchEvent(new Event("input", { bubbles: true }));
    });
    this.sliders.set(key, { node: input, get, set: (value) => { input.value = value; show(value); } });
    return make("div", { className: "mlkit-slider" }, make("label", { for: id }, name), output, input);
  }

  choice({ key, name, choices }) {
    const select = make("select", { dataset: { key } }, ...choices.map((word, place) => make("option", { value: place }, word)));
    this.sliders.set(key, { node: select, get: () => Number(select.value), set: (value) => { select.value = value; } });
    return make("label", { className: "mlkit-choice" }, make("span", {}, name), select);
  }

  drawPanes() {
    const title = (text, key) => make("h3", {}, text, make("kbd", { "aria-hidden": "true" }, key));
    const sound = this.kind === "audio", many = this.result?.copies > 1;
    const longest = Math.max(...[this.first, this.result].map((item) => item?.media.duration_s ?? 0));
    for (const item of [this.first, this.result]) {
      const wave = item?.node.querySelector?.(".mlkit-wave");
      if (wave) wave.style.width = `${(100 * item.media.duration_s) / longest}%`;
    }
    const cover = make("button", { type: "button", className: "mlkit-cover", dataset: { action: "original" } },
      make("span", {}, this.why ? `Not shown yet. The answer is not blind anyway: ${sound ? "hear" : "see"} it now, if you like.`
        : `Covered until you answer. ${sound ? "Hear" : "See"} it before, and the answer is not blind.`));
    keepFocus(this.root, () => this.before.replaceChildren(title("Original", "o"), this.first ? this.first.node : cover));
    this.after.replaceChildren(title(many ? `Result ${this.chosen + 1} of ${this.result.copies}` : "Result", sound ? "Space" : many ? "← →" : ""), this.result ? this.result.node : "");
  }

  show(message, buffers, name) {
    const item = { ...message, urls: [] };
    picture(item, buffers, name, this);
    item.node.querySelector?.("figcaption")?.replaceChildren(message.media.caption ?? "");
    return item;
  }

  // ---- what a person does

  onKey(event) {
    const field = event.target.closest("input, select");
    if (!field || this.entry.contains(field) || event.key === "Tab" || event.key === "Escape") { super.onKey(event); return; }
    event.stopPropagation();
    const own = field.type === "checkbox" ? / / : field.tagName === "SELECT" ? / |Enter|Arrow/ : /Arrow|Home|End|Page/;
    if (own.test(event.key)) return;
    const found = keyAction(event, this.keys, this.digits);
    if (!found || event.repeat) return;
    event.preventDefault();
    if (found.action === "digit") this.onDigit(found.place); else this.act(found.action);
  }

  onDigit(place) {
    const digit = (place + 1) % 10, label = onDigit(this.labels, digit);
    if (label === undefined) this.say(`There is no answer on ${digit}.`); else this.give(label);
  }

  onPick({ label, copy }) { if (label !== undefined) this.give(label); else if (copy !== undefined) this.choose(Number(copy)); }
  onClick(event) { if (!event.target.closest("input, select, label")) super.onClick(event); }

  act(action) {
    if (action === "play" || action === "original") this[action]();
    else if (action === "again") this.demand({ op: action });
    else if (action === "next") this.next();
    else if (action === "unsure") this.give(CANT_TELL);
    else if (action === "find") this.find();
    else if (action === "yes" || action === "no") this.judge(action);
    else if (action === "left" || action === "right") this.choose(this.chosen + (action === "left" ? -1 : 1));
    else if (action === "undo") { this.given = {}; this.send({ op: "undo" }); }
    else if (action === "help") this.showHelp();
  }

  // Where there are more labels than keys; what is typed leaves those that have it.
  find() {
    if (!this.entry.hidden) { this.leave(); return; }
    const done = (text) => {
      const [label] = matching(this.labels, text);
      if (!text.trim()) return;
      if (label === undefined) { this.say(`No label has “${text.trim()}”.`); return; }
      this.leave();
      this.give(label);
    };
    this.ask({ name: "Part of a label", hint: "A part of it; Enter answers", ok: "Answer", done, changed: (text) => this.narrow(text) });
    this.narrow("");
  }

  narrow(text) {
    const found = matching(this.labels, text), first = text.trim() ? found[0] : undefined;
    for (const node of this.list.children) {
      node.hidden = !found.includes(node.dataset.label);
      node.classList.toggle("mlkit-first", node.dataset.label === first);
    }
    if (text.trim()) this.say(first === undefined ? `No label has “${text.trim()}”.` : `${first}${found.length > 1 ? `, and ${found.length - 1} more` : ""}; Enter answers`);
  }

  leave() { this.narrow(""); super.leave(); }

  // A drawing is asked for: what is on the screen stays until it comes.
  demand(message) {
    clearTimeout(this.slow);
    this.slow = setTimeout(() => { this.said.textContent = "at work …"; }, SLOW_MS);
    this.spoke = Date.now();
    this.send(message);
  }

  // Until it is there nothing is answered: what is on the screen is still the item before.
  next() {
    if (Date.now() - this.leaving < SILENT_MS) { this.say(COMING); return; }
    clearTimeout(this.settling);
    Object.assign(this, { moved: null, leaving: Date.now() });
    this.demand({ op: "next" });
  }

  onMove({ target }) {
    const control = this.sliders.get(target.dataset.key);
    if (!control) return;
    this.moved = { ...this.moved, [target.dataset.key]: control.get() };
    clearTimeout(this.settling);
    this.settling = setTimeout(() => { const moved = this.moved; this.moved = null; this.latest.want(moved); }, WAIT_MS);
  }

  choose(copy) {
    const copies = this.result?.copies ?? 1;
    if (copies > 1) this.demand({ op: "choose", copy: (copy + copies) % copies });
  }

  original() {
    if (!this.first) this.send({ op: "original" });
    if (this.kind === "audio") { this.wanted = !this.first; if (this.first) this.sound(this.first); }
  }

  play() { if (this.result) this.sound(this.result); }

  sound(item) {
    const { sound } = item;
    if (!sound) return;
    const playing = !sound.paused;
    for (const other of [this.first, this.result]) other?.sound?.pause();
    if (!playing) { sound.currentTime = 0; sound.play().catch((error) => this.say(`cannot play: ${error.message}`)); }
  }

  give(answer) { this.tell(GUIDE, answer, { answer }, wordsOn(answer, this.about), { duration_s: Math.round(performance.now() - this.since) / 1000 }); }
  judge(answer) { this.tell(REALISTIC, answer, { realistic: answer === "yes" }, answer === "yes" ? "realistic" : "not realistic"); }

  tell(guide, value, given, words, more = {}) {
    if (this.leaving) { this.say(COMING); return; }
    if (!this.key) { this.say("There is nothing to answer yet."); return; }
    Object.assign(this.given, given);
    this.answering = this.key;
    this.record([{ kind: "label", value, guide, ...more }], { item: this.key, repeat: 0 });
    this.say(words);
    this.draw();
  }

  stamp() { return { vocabulary: [] }; }

  // ---- the wire

  greet() {
    this.resend();
    this.leaving = 0;
    this.latest.drop();
    this.spoke = Date.now();
    this.send({ op: "hello" });
    this.draw();
  }

  receive(message, buffers) {
    const fresh = message.turn === undefined || message.turn >= this.turn;
    if (message.op === "drawn" && fresh) this.onDrawn(message, buffers);
    else if (message.op === "copies") this.onCopies(message, buffers);
    else if (message.op === "original" && message.turn === this.turn) this.onOriginal(message, buffers);
    else if (message.op === "truth" && fresh) this.onTruth(message);
    else if (message.op === "words") this.words = message;
    else if (message.op === "undone") this.say(message.value === null ? "Nothing to take back." : `took back ${message.value}`);
    else { if (message.op === "error") this.leaving = 0; super.receive(message, buffers); return; }
    Object.assign(this, { heard: Date.now(), attempt: 0, dead: false });
    this.draw();
  }

  onState(message) {
    this.arrived = true;
    Object.assign(this, { kind: message.kind, labels: message.labels, words: message });
    this.actions = actionsOf(message.kind, message.copies, message.labels);
    const many = message.labels.length;
    this.onDigits = [[message.labels.every((label) => /^[0-9]$/.test(label)) ? "0 … 9" : "1 … 0", many > KEYED ? "the first ten labels" : "that answer", "the label"]];
    this.hint.textContent = `Ten of the ${many} labels have a key of their own; / finds any.`;
    if (this.described !== JSON.stringify(message.steps)) {
      this.described = JSON.stringify(message.steps);
      this.drawControls(message.steps);
    }
    if (message.turn !== this.turn) this.arrive(message.turn);
    this.given = {};
    this.draw();
  }

  // Another item: nothing of the one before stays.
  arrive(turn) {
    for (const item of [this.first, this.result]) if (item) { item.sound?.pause(); this.release(item); }
    Object.assign(this, { turn, first: null, result: null, about: null, given: {}, key: null, leaving: 0, since: performance.now() });
    this.copies.replaceChildren();
    this.drawPanes();
    this.say(this.words.done ? "another item" : "");
  }

  onDrawn(message, buffers) {
    clearTimeout(this.slow);
    if (message.turn !== this.turn) this.arrive(message.turn);
    if (message.key !== this.key) this.given = {};
    this.why = message.why;
    if (this.about) this.about = { ...this.about, answer: null, realistic: null, prediction: null, trouble: null, thinking: this.about.model };
    Object.assign(this, { key: message.key, wish: message.wish, chosen: message.chosen });
    const playing = this.result?.sound && !this.result.sound.paused;
    if (this.result) { this.result.sound?.pause(); this.release(this.result); }
    this.result = message.media && this.show(message, buffers, "the result");
    for (const [key, control] of this.sliders) if (!(this.moved && key in this.moved) && !(this.latest.waiting && key in this.latest.waiting)) control.set(message.now[key]);
    this.trouble.hidden = !message.trouble;
    this.trouble.textContent = message.trouble;
    this.said.textContent = message.notes.join(" ");
    if (message.copies > 1 && this.copies.children.length !== message.copies) this.drawCopies(Array(message.copies).fill(""));
    for (const node of this.copies.children) node.setAttribute("aria-pressed", String(Number(node.dataset.copy) === this.chosen));
    this.drawPanes();
    if (playing) this.play();
    this.latest.arrived();
  }

  onCopies(message, buffers) {
    if (message.wish === this.wish) this.drawCopies(buffers.map((buffer) => (buffer.byteLength ? URL.createObjectURL(new Blob([buffer], { type: "image/png" })) : "")));
  }

  // Covered ones have their number alone.
  drawCopies(pictures) {
    const old = this.pictures ?? [];
    this.pictures = pictures;
    for (const [name, most] of [["wide", 8], ["narrow", 6], ["least", 3]]) this.copies.style.setProperty(`--${name}`, columnsOf(pictures.length || 1, most));
    const at = this.copies.contains(document.activeElement) ? document.activeElement.dataset.copy : null;
    this.copies.replaceChildren(...pictures.map((src, copy) => make("button",
      { type: "button", className: "mlkit-copy", dataset: { copy }, "aria-pressed": String(copy === this.chosen), "aria-label": `copy ${copy + 1}` },
      src ? make("img", { src, alt: "" }) : String(copy + 1))));
    if (at !== null) (this.copies.children[at] ?? this.root).focus({ preventScroll: true });
    old.filter(Boolean).forEach((url) => URL.revokeObjectURL(url));
  }

  onOriginal(message, buffers) {
    const before = this.first?.sound, playing = before && !before.paused;
    if (this.first) { before?.pause(); this.release(this.first); }
    if (message.wish === this.wish && this.key) Object.assign(this, { key: message.key, why: message.why });
    this.first = this.show(message, buffers, "the original");
    this.drawPanes();
    if (this.wanted || playing) this.sound(this.first);
    if (playing) this.first.sound.currentTime = before.currentTime; // only drawn on another scale
    this.wanted = false;
  }

  onTruth(message) {
    const news = message.prediction && !message.thinking && this.about?.prediction !== message.prediction, model = news ? `, the model ${message.prediction}` : "";
    if (!this.about && message.answer) this.say(`label ${message.label ?? "none"}, you said ${message.answer}${model}`);
    else if (news && message.answer) this.say(`${this.live.textContent}${model}`);
    this.about = message;
    if (message.wish === this.wish && this.key) { this.key = message.key; if (!this.outbox.events.size) this.given = {}; }
  }

  onSaved(message) {
    this.error = "";
    this.outbox.drop(message.ids);
    message.ids.forEach((id) => this.flying.delete(id));
    this.flush();
    this.words = message;
    this.draw();
  }
}

export default {
  render({ model, el }) {
    const view = new AugmentPreview(model, el);
    return () => view.destroy();
  },
};
