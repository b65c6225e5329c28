// The Recorder: a prompt to read, one key a take. Sound leaves this page for the kernel alone; a
// take counts as kept when the kernel says that its file is written, and waits here until then.

// name, key, word on the button, what help says
export const ACTIONS = [
  ["record", "r", "Record", "record the prompt, or stop (also Enter)"],
  ["retake", "t", "Retake", "record the take shown below once more"],
  ["play", " ", "Listen", "hear the take shown below, as it is kept"],
  ["previous", "ArrowLeft", "Back", "back one prompt"],
  ["next", "ArrowRight", "Next", "forward one prompt"],
  ["undo", "z", "Undo", "take the latest take back: the one before it counts again (also Backspace, Ctrl+Z)"],
  ["stops", "a", "Stops by itself", "end a take by itself after a moment of silence, or not"],
  ["microphone", "m", "Microphone", "turn the microphone on or off"],
  ["help", "?", "Keys", "show or hide this list (also h)"],
];

const TAIL_MS = 100; // what was said before the key is still on its way
const QUIET_MS = 5000; // no answer for so long: the kernel is busy, frozen or gone
const SLEEP_MS = 300000; // unused for so long, the microphone is turned off
const HOLD = 70; // parts of sound, about a second and a half, that the meter looks back on

class Recorder {
  constructor(model, el) {
    Object.assign(this, { model, name: "Recorder", actions: ACTIONS, keys: keysOf(ACTIONS, { Enter: "record" }) });
    Object.assign(this, { prompts: [], slots: [], kept: [], consent: null, pos: -1, shown: null, sounds: new Map(), state: "off" });
    Object.assign(this, { arrived: false, heard: Date.now(), spoke: Date.now(), attempt: 0, error: "", told: "", stops: true, levels: [], used: Date.now() });
    this.box = new TakeBox(window.indexedDB, model.get("pending_key"));
    this.mic = new Microphone((part) => this.onPart(part), () => this.onEnd());
    this.build();
    el.append(this.root);
    this.onMessage = (message, buffers) => this.receive(message, buffers);
    model.on("msg:custom", this.onMessage);
    this.timer = setInterval(() => this.tick(), 1000);
    this.box.open().then(() => { this.send({ op: "hello" }); this.resend(); this.draw(); });
  }

  destroy() {
    this.gone = this.mic.shut = true;
    clearInterval(this.timer);
    this.model.off("msg:custom", this.onMessage);
    this.mic.close();
    this.box.close();
    for (const { urls } of this.sounds.values()) urls.forEach((url) => URL.revokeObjectURL(url));
  }

  build() {
    const part = (name, tag = "div", more = {}, ...inside) => (this[name] = make(tag, { className: `mlkit-${name}`, ...more }, ...inside));
    const button = (name, more = "") => {
      const [, key, word] = ACTIONS.find(([action]) => action === name);
      return make("button", { type: "button", className: `mlkit-button ${more}`, "aria-keyshortcuts": KEY_SPOKEN[key] ?? key, dataset: { action: name } }, make("span", {}, word), make("kbd", { "aria-hidden": "true" }, KEY_NAMES[key] ?? key));
    };
    const plain = (action, word) => make("button", { type: "button", className: "mlkit-button", dataset: { action } }, word);
    const group = (label, ...nodes) => make("div", { className: "mlkit-group", role: "group", "aria-label": label }, ...nodes);
    this.root = make("div", { className: "mlkit-surface mlkit-recorder", tabindex: "0", role: "application", "aria-label": "Recorder. Press ? for its keys.", dataset: { lmSuppressShortcuts: "true", pending: "0" } });
    part("count"); part("save", "div", { role: "status" }); part("live", "div", { "aria-live": "polite" });
    part("bar", "div", { role: "progressbar", "aria-label": "takes kept", "aria-valuemin": "0", "aria-valuenow": "0" }, part("done"));
    part("badge"); part("which"); part("prompt"); part("clock"); part("trouble", "p", { role: "alert", hidden: "" });
    part("meter", "div", { role: "meter", "aria-label": "level of the microphone", "aria-valuemin": "-60", "aria-valuemax": "0", "aria-valuenow": "-60" }, part("level"), part("peak"));
    part("words"); part("took"); part("media"); part("strip", "div", { "aria-hidden": "true" }); part("help", "dialog", { "aria-label": "Keys" }); for (let n = 0; n < 25; n += 1) this.strip.append(make("span"));
    part("card", "div", { dataset: { state: "off" } }, make("div", { className: "mlkit-line" }, this.badge, this.clock, this.which), this.prompt,
      make("div", { className: "mlkit-gauge" }, this.meter, this.words));
    part("agreed"); part("pace", "p");
    part("sure", "div", { hidden: "" }, make("p", {}, "Delete all takes of this speaker, files and rows? This cannot be undone."), group("sure?", plain("delete", "Delete them"), plain("keep", "Keep them")));
    const stage = make("div", { className: "mlkit-stage" }, this.trouble, this.card, group("take", button("record", "mlkit-main"), button("retake"), button("play"), button("previous"), button("next")), this.took, this.media);
    const side = make("div", { className: "mlkit-side" }, group("more", button("microphone"), button("stops"), button("undo")), this.pace, this.agreed, group("consent", plain("withdraw", "Withdraw consent")), this.sure);
    part("work", "div", { hidden: "" }, make("div", { className: "mlkit-body" }, stage, side), this.strip);
    this.buildConsent(part, plain, group);
    this.root.append(make("div", { className: "mlkit-head" }, this.count, this.bar, this.save, button("help")), this.ask, this.work, this.live, this.help);
    this.root.addEventListener("keydown", (event) => this.onKey(event));
    this.root.addEventListener("click", (event) => this.onClick(event));
  }

  buildConsent(part, plain, group) {
    part("consent-text", "p", { id: `mlkit-${newId()}` });
    this.agreement = make("input", { type: "checkbox", "aria-describedby": this["consent-text"].id }); part("refused", "p", { role: "status" });
    part("ask", "section", { "aria-label": "consent", hidden: "" }, make("h3", {}, "Before the first take"), this["consent-text"],
      make("label", { className: "mlkit-agree" }, this.agreement, make("span", {}, "I agree")), group("consent", plain("agree", "Begin"), plain("refuse", "I do not agree")), this.refused);
    this.agreement.addEventListener("change", () => this.draw());
  }

  // ---- what is on the screen

  button(action) { return this.root.querySelector(`[data-action="${action}"]`); }
  say(text) { this.live.textContent = text; }
  promptAt(place) { return this.prompts[this.slots[place]?.[0]]; }
  pendingAt(place) { return this.box.at(this.promptAt(place)?.label, this.slots[place]?.[1]); }
  open() { return this.slots.map((_, place) => !this.kept[place] && !this.pendingAt(place)); }

  draw() { if (!this.gone) keepFocus(this.root, () => this.drawAll()); }

  drawAll() {
    const total = this.slots.length, done = this.kept.filter(Boolean).length, pending = this.box.takes.size;
    this.ask.hidden = !this.arrived || !!this.consent;
    this.work.hidden = !this.consent;
    this.button("agree").disabled = !this.agreement.checked;
    this.count.textContent = this.arrived ? `${done} of ${total}` : "Waiting for the kernel …";
    this.bar.setAttribute("aria-valuenow", done); this.bar.setAttribute("aria-valuemax", total || 1);
    this.done.style.width = `${total ? (100 * done) / total : 0}%`;
    Object.assign(this.root.dataset, { pending, kept: done, total, state: this.state, pos: this.pos, consent: String(!!this.consent) });
    this.drawCard(pending);
    this.drawTook();
    drawStrip(this.strip, this.slots.map((_, place) => (this.kept[place] ? (this.kept[place].remarks?.length ? 5 : 1) : this.pendingAt(place) ? 2 : 0)), this.pos);
    this.drawSave();
  }

  drawCard(pending) {
    const state = this.state === "ready" && this.pos < 0 ? (pending ? "saving" : "done") : this.state;
    const [shape, word] = STATES[state], slot = this.slots[this.pos], prompt = this.promptAt(this.pos);
    this.card.dataset.state = state;
    this.badge.replaceChildren(make("span", { "aria-hidden": "true" }, `${shape} `), word);
    this.prompt.textContent = prompt ? prompt.text : pending ? "All are spoken; the last ones wait to be saved." : "All takes are kept.";
    this.prompt.classList.toggle("mlkit-long", this.prompt.textContent.length > 12);
    this.which.textContent = slot ? `${prompt.label === prompt.text ? "" : `${prompt.label} · `}take ${slot[1]} of ${Math.max(...this.slots.map(([, n]) => n))}` : "";
    if (state !== "recording") this.clock.textContent = "";
    const main = this.button("record");
    main.firstChild.textContent = state === "recording" ? "Stop" : !this.mic.on ? "Turn on the microphone" : this.kept[this.pos] ? "Record again" : "Record";
    main.disabled = this.state === "asking" || (this.pos < 0 && this.mic.on);
    this.button("microphone").setAttribute("aria-pressed", String(this.mic.on));
    this.button("stops").setAttribute("aria-pressed", String(this.stops));
    this.button("retake").disabled = this.shownPlace() < 0 || this.state === "recording";
    this.button("play").disabled = this.shownPlace() < 0;
    this.button("undo").disabled = !this.undoable;
    this.trouble.hidden = !this.told;
    if (this.trouble.textContent !== this.told) this.trouble.textContent = this.told;
  }

  shownPlace() { return this.kept.findIndex((take) => take?.id === this.shown); }

  // The take that one hears: that of this prompt, or the latest.
  drawTook() {
    const place = this.shownPlace(), take = this.kept[place], wait = this.box.takes.get(this.shown);
    this.took.hidden = !take && !wait;
    if (take) {
      const said = take.remarks.join(" ");
      this.took.replaceChildren(said ? "▲" : "✓", " kept ", make("strong", {}, this.promptAt(place).text), `, take ${this.slots[place][1]}, ${take.duration_s.toFixed(2)} s. `, make("strong", {}, said));
    } else if (wait) this.took.replaceChildren("◌ not yet saved: ", make("strong", {}, this.prompts.find(({ label }) => label === wait.label)?.text ?? wait.label), `, take ${wait.take}`);
    const sound = this.sounds.get(take?.id);
    this.media.hidden = !take;
    if (sound && this.media.firstChild !== sound.node) this.media.replaceChildren(sound.node);
    if (take && !sound) { this.media.replaceChildren(); this.want(take.id); }
  }

  want(id) { if (this.asked !== id) { this.asked = id; this.send({ op: "listen", id }); } }

  drawSave() {
    const pending = this.box.takes.size, since = Date.now() - Math.max(this.heard, this.spoke);
    const silent = this.dead || ((pending || !this.arrived) && since > QUIET_MS);
    const text = !this.arrived && !silent ? "" : saveText({ pending, silent, error: this.error, kept: this.box.kept });
    if (this.save.textContent !== text) this.save.textContent = text;
    this.save.classList.toggle("mlkit-trouble", !!(silent || this.error || (pending && !this.box.kept)));
  }

  drawMeter(now) {
    this.levels.push(now);
    if (this.levels.length > HOLD) this.levels.shift();
    const peak = Math.max(...this.levels.map((one) => one.peak)), [name, shape, words] = verdict(peak, !!this.take);
    const width = (db) => `${Math.max(0, Math.min(100, ((db + 60) / 60) * 100))}%`;
    this.level.style.width = width(now.rms);
    this.peak.style.left = width(peak);
    this.meter.dataset.verdict = name;
    if (this.words.lastChild?.data !== words) this.words.replaceChildren(make("span", { "aria-hidden": "true" }, `${shape} `), words);
    const value = Math.round(Math.max(-60, Math.min(0, now.rms)));
    this.meter.setAttribute("aria-valuenow", value); this.meter.setAttribute("aria-valuetext", words);
  }

  clearMeter() {
    this.levels = [];
    this.level.style.width = "0"; this.peak.style.left = "0";
    delete this.meter.dataset.verdict;
    this.words.textContent = "";
  }

  go(place) {
    this.pos = place;
    if (this.kept[place]) this.shown = this.kept[place].id;
    this.draw();
    this.say(this.toRead());
  }

  toRead() { return promptWords(this.promptAt(this.pos), this.slots[this.pos], this.kept[this.pos]); }

  // ---- what a person does

  onKey(event) {
    if (event.key === "Tab") return;
    if (event.key === "Escape") { event.stopPropagation(); this.leave(); return; }
    const found = keyAction(event, this.keys, 0);
    if (!(event.ctrlKey || event.metaKey || event.altKey)) event.stopPropagation();
    if (!found || (event.target.matches("button, input") && (event.key === "Enter" || event.key === " "))) return;
    event.preventDefault();
    event.stopPropagation();
    this.from = event.target;
    if (!event.repeat || found.action === "next" || found.action === "previous") this.act(found.action);
  }

  onClick(event) {
    const node = event.target.closest("button, [data-pos]");
    if (node && !this.help.contains(node) && !this.sure.contains(node)) this.from = event.detail ? this.root : node;
    if (node?.dataset.action) this.act(node.dataset.action);
    else if (node && this.state !== "recording") this.go(Number(node.dataset.pos));
    if (event.detail && !event.target.closest("label, dialog")) this.root.focus({ preventScroll: true });
  }

  act(action) {
    this.used = Date.now();
    const last = this.slots.length - 1, idle = this.state !== "recording";
    if (action === "help") this.showHelp();
    else if (action === "agree") { if (this.agreement.checked) this.send({ op: "consent" }); }
    else if (action === "refuse") { this.agreement.checked = false; this.draw(); this.refused.textContent = "Then nothing is recorded. datasets.load_example_voice() is an example speaker to go on with."; }
    else if (!this.consent) this.say("First the consent above.");
    else if (action === "record") { if (idle) this.start(this.pos); else this.finish(); }
    else if (action === "retake") { if (idle) this.start(this.shownPlace()); }
    else if (action === "play") this.play();
    else if (action === "previous") { if (idle) this.go(this.pos < 0 ? last : Math.max(0, this.pos - 1)); }
    else if (action === "next") { if (idle && this.pos >= 0) this.go(Math.min(last, this.pos + 1)); }
    else if (action === "undo") this.undo();
    else if (action === "stops") { this.stops = !this.stops; this.draw(); this.say(this.stops ? "a take ends by itself" : "a take ends by key"); }
    else if (action === "microphone") { if (this.mic.on) this.close("The microphone is off."); else this.openMicrophone(); }
    else if (action === "withdraw") { this.sure.hidden = false; this.button("keep").focus(); }
    else if (action === "keep") this.leave();
    else if (action === "delete") { this.close(""); this.sure.hidden = true; this.box.clear().then(() => this.send({ op: "withdraw" })); }
  }

  leave() {
    if (this.help.open) this.help.close();
    this.sure.hidden = true;
    if (this.state === "recording") { this.take = null; this.state = "ready"; this.draw(); this.say("thrown away: nothing of it is kept"); }
    (this.from && this.root.contains(this.from) && this.from.getClientRects().length ? this.from : this.root).focus({ preventScroll: true });
  }

  showHelp() {
    if (this.help.open) { this.leave(); return; }
    const close = fillHelp(this.help, ACTIONS, []);
    this.help.show();
    close.focus({ preventScroll: true });
    this.help.scrollIntoView({ block: "nearest" });
  }

  async openMicrophone() {
    if (this.state === "asking") return;
    Object.assign(this, { state: "asking", told: "" });
    this.draw();
    this.say("If the browser asks for the microphone, allow it.");
    try {
      await this.mic.open();
      this.state = this.mic.on ? "ready" : "off";
      this.say(`The microphone is on. Press r and read the prompt. ${this.toRead()}`);
      const left = Object.keys(RAW).filter((name) => this.mic.granted[name] === true);
      if (left.length) this.told = `This browser keeps ${left.join(", ")} on: what is recorded is not quite what the microphone heard.`;
    } catch (error) {
      this.state = "off";
      this.told = troubleText(error.name, { secure: window.isSecureContext, host: location.host, can: error.name !== "NoMicrophone", detail: error.message });
    }
    this.draw();
  }

  close(words) {
    this.mic.close();
    Object.assign(this, { state: "off", take: null });
    this.clearMeter();
    this.draw();
    if (words) this.say(words);
  }

  onEnd() {
    this.close("");
    this.told = troubleText("Ended");
    this.draw();
  }

  async start(place) {
    if (!this.mic.on) { await this.openMicrophone(); return; }
    if (this.state !== "ready" || place < 0) return;
    this.sounds.get(this.shown)?.sound.pause();
    this.pos = place;
    const { label } = this.promptAt(place), replaces = this.pendingAt(place)?.id ?? this.kept[place]?.id ?? null;
    const floor = Math.min(-30, ...this.levels.map(({ rms }) => rms));
    this.take = { id: newId().replaceAll("-", ""), label, take: this.slots[place][1], replaces, parts: [], seconds: 0, ender: new Ender(floor), place };
    Object.assign(this, { state: "recording", told: "" });
    this.draw();
    this.say(`recording ${this.promptAt(place).text}`);
  }

  onPart(samples) {
    const now = loudness(samples), take = this.take;
    this.drawMeter(now);
    if (!take) return;
    take.parts.push(samples);
    take.seconds += samples.length / this.mic.rate;
    this.clock.textContent = clockText(take.seconds);
    const ended = take.ender.push(now.rms, samples.length / this.mic.rate);
    if (!take.ending && ((ended && this.stops) || take.seconds >= this.longest_s)) this.finish();
  }

  // The take waits in the browser before it is sent, and the next prompt comes.
  async finish() {
    const take = this.take;
    if (!take || take.ending) return;
    take.ending = true;
    await new Promise((done) => { setTimeout(done, TAIL_MS); });
    await this.mic.flush();
    if (this.take !== take) return; // thrown away, or the microphone went
    const { id, label, replaces, place } = take, samples = joined(take.parts), at = new Date().toISOString();
    Object.assign(this, { take: null, state: "ready", shown: id, used: Date.now() });
    if (samples.length && samples.every((value) => value === 0)) { this.told = troubleText("Silent"); this.draw(); return; }
    await this.box.put({ id, at, label, take: take.take, replaces, rate_hz: this.mic.rate, consent: this.consent, granted: this.mic.granted, how: this.mic.how, samples });
    this.pos = nextOpen(this.open(), place);
    this.sendTake(this.box.takes.get(id));
    this.draw();
  }

  play() {
    const sound = this.sounds.get(this.shown)?.sound;
    if (!sound || this.state === "recording") { this.say(sound ? "First stop the recording." : "There is no take to hear yet."); return; }
    if (!sound.paused) { sound.pause(); return; }
    sound.currentTime = 0;
    sound.play().catch((error) => this.say(`cannot play: ${error.message}`));
  }

  undo() {
    if (this.state === "recording") this.leave();
    else if (this.box.takes.size) this.say("Not yet: a take waits to be saved.");
    else if (!this.undoable) this.say("Nothing to undo.");
    else this.send({ op: "undo" });
  }

  // ---- the wire

  send(message, buffers) {
    this.spoke = Date.now();
    try { this.model.send(message, undefined, buffers); } catch { this.dead = true; this.drawSave(); }
  }

  sendTake({ samples, whose, ...about }) { this.send({ op: "take", ...about }, [samples]); }
  resend() { this.sent = Date.now(); this.box.list().forEach((take) => this.sendTake(take)); }

  tick() {
    const now = Date.now(), due = now - Math.max(this.sent ?? 0, this.heard, this.spoke) > backoff(this.attempt);
    if (due && (!this.arrived || this.box.takes.size)) { this.attempt += 1; this.asked = null; this.send({ op: "hello" }); this.resend(); }
    if (this.mic.on && this.state === "ready" && now - this.used > SLEEP_MS) this.close("The microphone was not used for a while and is off.");
    this.drawSave();
  }

  receive(message, buffers) {
    Object.assign(this, { heard: Date.now(), attempt: 0, dead: false });
    if (message.op === "state") this.onState(message);
    else if (message.op === "sound") this.onSound(message, buffers);
    else if (message.op === "refused") this.onRefused(message);
    else if (message.op === "error") { this.error = message.text; this.attempt = 2; this.drawSave(); }
  }

  onState({ saved, undone, withdrawn, ...state }) {
    const first = !this.arrived, before = this.kept;
    Object.assign(this, state, { arrived: true, error: state.unread ? `${state.unread} lines of takes.jsonl cannot be read and are left out` : "" });
    this["consent-text"].textContent = state.consent_text;
    this.agreed.textContent = `Recorded with the consent of “${state.speaker}”. Nothing leaves the machine.`;
    this.pace.textContent = state.pace_text;
    if (saved) this.onSaved(saved);
    if (undone) {
      const place = before.findIndex((take) => take?.id === undone), again = this.kept[place];
      if (place >= 0 && this.state !== "recording") { this.pos = place; this.shown = again?.id ?? null; }
      this.say(again ? "took the take back: the one before it counts again" : "took the take back");
    }
    if (withdrawn) { this.agreement.checked = false; this.refused.textContent = withdrawn; this.close(withdrawn); }
    if (first && this.state !== "recording") this.pos = nextOpen(this.open(), -1);
    this.draw();
  }

  onSaved(id) {
    const place = this.kept.findIndex((take) => take?.id === id), wait = this.box.takes.get(id);
    this.box.drop([id]).then(() => this.draw());
    this.error = "";
    if (wait && place >= 0) this.say(`kept ${this.promptAt(place).text}, ${this.kept[place].duration_s.toFixed(2)} s, ${this.kept.filter(Boolean).length} of ${this.slots.length}. ${this.toRead()}`);
    if (this.mic.on && this.state === "ready" && this.kept.every(Boolean)) this.close("All takes are kept, and the microphone is off.");
  }

  onRefused({ id, text }) {
    const wait = this.box.takes.get(id), place = this.slots.findIndex(([n, take]) => this.prompts[n].label === wait?.label && take === wait?.take);
    this.box.drop([id]).then(() => this.draw());
    this.told = `Not kept: ${text}`;
    if (this.state !== "recording" && place >= 0) this.pos = place;
    this.draw();
  }

  onSound(message, buffers) {
    const item = { media: message.media, urls: [] };
    picture(item, buffers, "the take", this);
    this.sounds.set(message.id, item);
    if (this.sounds.size > 20) { const [old, { urls }] = this.sounds.entries().next().value; urls.forEach((url) => URL.revokeObjectURL(url)); this.sounds.delete(old); }
    this.asked = null;
    this.draw();
  }
}

export default {
  render({ model, el }) {
    const view = new Recorder(model, el);
    return () => view.destroy();
  },
};
