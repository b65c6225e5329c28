// What the Tagger and the Labeler have in common on the screen: keys and clicks become events,
// shown at once, kept in the browser until the kernel says that they are in the journal. A widget
// says the rest: its keys (actions, keys), its nodes (above, moves, side), what it draws (drawOwn),
// what it does (onDigit, actOwn) and when an item is done (bits).

const TELL_MS = 150; // before a screen reader is told what is on the screen
const SILENT_MS = 5000; // no answer for so long: the kernel is busy, frozen or gone

const isField = (node) => node.matches("input, textarea");

class Surface {
  constructor(model, el) {
    this.model = model;
    this.outbox = new Outbox(storage(), model.get("pending_key"));
    Object.assign(this, { items: new Map(), asked: new Map(), flying: new Set(), history: [], known: new Set(), status: new Uint8Array() });
    Object.assign(this, { queue: null, pos: -1, heard: Date.now(), spoke: 0, attempt: 0, error: "", arrived: false });
    this.begin();
    buildFrame(this);
    this.root.addEventListener("keydown", (event) => this.onKey(event));
    this.root.addEventListener("click", (event) => this.onClick(event));
    this.entry.addEventListener("submit", (event) => { event.preventDefault(); this.submit?.(); });
    el.append(this.root);
    this.onMessage = (message, buffers) => this.receive(message, buffers);
    model.on("msg:custom", this.onMessage);
    this.greet();
    this.onHide = () => this.flush(true);
    window.addEventListener("pagehide", this.onHide);
    this.timer = setInterval(() => this.tick(), 1000);
  }

  destroy() {
    clearInterval(this.timer); clearTimeout(this.telling);
    window.removeEventListener("pagehide", this.onHide);
    this.flush(true);
    this.model.off("msg:custom", this.onMessage);
    this.items.forEach((item) => this.release(item));
  }

  // ---- what a widget may say otherwise

  begin() {}
  above() { return []; }
  enter() {}
  exit() {}
  mine() { return true; }
  startPlace() { return nextUnseen(this.status, -1); }
  endText(total) { return `All ${total} items are done. ← looks at them again.`; }
  nameOf(item) { return `item ${item.item}`; }

  // ---- what is on the screen

  get current() { return this.items.get(this.pos); }

  draw() {
    const item = this.current;
    const said = item?.said ?? { tags: [], note: "" };
    const unsaved = new Set();
    for (const { event } of this.outbox.events.values()) {
      if (item && event.item === item.item && event.repeat === item.repeat) unsaved.add(event.value);
    }
    keepFocus(this.root, () => this.drawOwn(said, unsaved, item));
    for (const [action, tag] of Object.entries(RESERVED)) if (this.button(action)) this.press(this.button(action), said.tags.includes(tag), unsaved.has(tag));
    this.button("autoplay").setAttribute("aria-pressed", String(!!this.autoplay));
    const sound = item?.media.kind === "audio";
    this.button("play").hidden = this.button("autoplay").hidden = !sound;
    this.said.textContent = said.note ? `Note: ${said.note}` : "";
    const done = this.status.reduce((sum, bits) => sum + (bits & 1), 0), total = this.status.length;
    Object.assign(this.root.dataset, { tagged: done, total, pending: this.outbox.events.size });
    this.count.textContent = this.counted = `${done} of ${total}`;
    this.bar.setAttribute("aria-valuenow", done); this.bar.setAttribute("aria-valuemax", total);
    this.done.style.width = `${total ? (100 * done) / total : 0}%`;
    drawStrip(this.strip, this.status, this.pos);
    this.drawSave();
  }

  press(node, on, unsaved) {
    node.setAttribute("aria-pressed", String(on));
    node.classList.toggle("mlkit-unsaved", unsaved);
  }

  // The buttons on the digits; drawn again only when the words are others.
  drawList(words, field, empty) {
    if (this.drawn === words.join("\n")) return;
    this.drawn = words.join("\n");
    this.list.replaceChildren(...words.map((word, place) => make("button",
      { type: "button", className: "mlkit-tag", title: word, dataset: { [field]: word }, "aria-pressed": "false", ...(place < this.digits && { "aria-keyshortcuts": String((place + 1) % 10) }) },
      make("kbd", { "aria-hidden": "true" }, place < this.digits ? String((place + 1) % 10) : ""), make("span", { className: "mlkit-name" }, word))));
    if (!words.length) this.list.append(empty);
  }

  drawSave() {
    const pending = this.outbox.events.size;
    const waits = pending || !this.arrived || (this.pos >= 0 && !this.current);
    const silent = waits && this.spoke && Date.now() - Math.max(this.heard, this.spoke) > SILENT_MS;
    const text = this.dead ? saveText({ pending, silent: true, kept: this.outbox.kept }) : saveText({ pending, silent, error: this.error, kept: this.outbox.kept });
    const why = this.dead || !away(this.error) ? "" : this.error;
    if (this.saveDrawn !== text + why) {
      this.saveDrawn = text + why;
      const open = !!this.save.querySelector("details")?.open;
      this.save.replaceChildren(text, ...(why ? [make("details", {}, make("summary", {}, "Details"), why)] : []));
      if (open && why) this.save.querySelector("details").open = true;
    }
    this.save.classList.toggle("mlkit-trouble", !!(silent || this.dead || this.error || (pending && !this.outbox.kept)));
    this.root.dataset.pending = pending;
  }

  button(action) { return this.root.querySelector(`[data-action="${action}"]`); }
  say(text) { this.live.textContent = text; }
  sayWait() { this.say(this.pos < 0 ? "There is no item on screen." : "Not yet: the item is still on its way."); }

  go(place) {
    const leaving = this.current;
    leaving?.sound?.pause();
    this.exit(leaving);
    this.pos = place;
    const item = this.current;
    delete this.root.dataset.item;
    if (item) {
      this.root.dataset.item = item.item;
      this.media.replaceChildren(item.node);
      this.enter(item);
      if (this.autoplay) this.play();
    } else {
      const total = this.status.length;
      const text = place >= 0 || !this.arrived ? "Waiting for the kernel …" : total ? this.endText(total) : this.nothing;
      this.truth.replaceChildren();
      this.media.replaceChildren(make("p", { className: "mlkit-message" }, text));
    }
    this.draw();
    this.want();
    // After what was said of the last item; who leafs through hears only where they stop.
    clearTimeout(this.telling);
    this.telling = setTimeout(() => { this["told-only"].textContent = this.current ? `${this.place()}: ${this.wordsFor(this.current)}` : this.media.textContent; }, TELL_MS);
  }

  place() { return `item ${this.pos + 1} of ${this.status.length}`; }
  wordsFor({ media }) { return mediaWords(media); }

  // ---- what a person does

  onKey(event) {
    if (event.key === "Tab") return;
    const field = isField(event.target);
    if (field || event.key === "Escape") {
      event.stopPropagation();
      if (event.key === "Escape") this.leave();
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); this.submit?.(); }
      return;
    }
    const found = keyAction(event, this.keys, this.digits);
    if (!(event.ctrlKey || event.metaKey || event.altKey)) event.stopPropagation();
    if (!found || (event.target.matches("button, summary") && (event.key === "Enter" || event.key === " "))) return;
    event.preventDefault();
    event.stopPropagation();
    this.from = event.target;
    if (event.repeat && found.action !== "forward" && found.action !== "previous") return;
    if (found.action === "digit") this.onDigit(found.place, found.go);
    else this.act(found.action);
  }

  onClick(event) {
    const node = event.target.closest("button, summary, [data-pos]");
    if (node && !this.help.contains(node)) this.from = event.detail ? this.root : node;
    if (node?.dataset.tag !== undefined) this.toggle(node.dataset.tag, event.shiftKey);
    else if (node?.dataset.action) this.act(node.dataset.action);
    else if (node?.dataset.pos !== undefined) this.go(Number(node.dataset.pos));
    else if (node) this.onPick(node.dataset, event.shiftKey);
    if (!isField(event.target) && event.detail && this.entry.hidden) this.root.focus({ preventScroll: true });
  }

  act(action) {
    const total = this.status.length;
    if (action in RESERVED) this.toggle(RESERVED[action]);
    else if (action === "forward") this.go(Math.min(this.pos + 1, total - 1));
    else if (action === "previous") this.go(this.pos < 0 ? total - 1 : Math.max(this.pos - 1, 0));
    else if (action === "next-unseen") this.go(nextUnseen(this.status, this.pos));
    else if (action === "undo") this.undo();
    else if (action === "play") this.play(true);
    else if (action === "autoplay") { this.autoplay = !this.autoplay; this.draw(); if (this.autoplay) this.play(); }
    else if (action === "help") this.showHelp();
    else if (action === "note") { if (this.current) this.askNote(this.current); }
    else this.actOwn(action);
  }

  toggle(tag, go = false) {
    const item = this.current;
    if (!item) { this.sayWait(); return; }
    const kind = item.said.tags.includes(tag) && !go ? "untag" : "tag";
    const events = item.said.tags.includes(tag) && go ? [] : [{ kind, value: tag }];
    this.record([...events, ...(go ? [{ kind: "seen", value: "" }] : [])], item);
    if (go) this.go(nextUnseen(this.status, this.pos)); else this.draw();
    this.say(`${kind === "tag" ? (isReserved(tag) ? tag : `tagged ${tag}`) : `took off ${tag}`}, ${this.counted}`);
  }

  undo() {
    const last = this.history.at(-1);
    if (!last) { this.say("Nothing to undo."); return; }
    this.record([inverse(last)], last, last.pos);
    if (last.pos >= 0 && last.pos !== this.pos) this.go(last.pos); else this.draw();
    const what = { seen: "done", note: "the note", untag: `taking off ${last.value}` }[last.kind] ?? `“${last.value}”`;
    this.say(`took back ${what}, ${this.counted}`);
  }

  record(changes, { item, repeat }, pos = this.pos) {
    const events = changes.map((change) => ({ undoes: null, ...change, id: newId(), at: new Date().toISOString(), item, repeat, ...this.stamp() }));
    for (const event of events) {
      this.outbox.put(event);
      this.remember(event, pos);
      this.take(event, pos);
    }
    this.flush();
  }

  // What undo can take back, the latest last; an event that comes a second time is no news.
  remember(event, pos) {
    if (this.known.has(event.id)) return;
    this.known.add(event.id);
    if (event.undoes) this.history = this.history.filter(({ id }) => id !== event.undoes);
    else if (this.undoable.includes(event.kind)) this.history.push({ ...event, pos });
  }

  take(event, pos) {
    const item = this.items.get(pos);
    if (item?.events.some(({ id }) => id === event.id)) return; // the echo of one's own
    if (item) { item.events.push(event); item.said = fold(item.events); }
    this.status[pos] = this.bits(event, item?.said, this.status[pos]);
  }

  // A line or lines to be typed; `done` gets them and says whether they were taken.
  ask({ name, hint, ok, value, done, changed }) {
    const long = value !== undefined;
    const input = make(long ? "textarea" : "input", { "aria-label": name, ...(long && { maxlength: "10000" }), rows: "3", placeholder: hint });
    if (long) input.value = value;
    this.entry.replaceChildren(input, make("button", { type: "submit", className: "mlkit-button" }, ok));
    this.entry.hidden = false;
    if (changed) input.addEventListener("input", () => changed(input.value));
    input.focus();
    this.submit = () => done(input.value);
  }

  askNote(item) {
    const done = (text) => {
      this.leave();
      if (text.trim() !== item.said.note) this.record([{ kind: "note", value: text.trim() }], item, item.pos);
      this.draw();
      this.say("note kept");
    };
    this.ask({ name: "Note", hint: "A note on this item; Enter keeps it", ok: "Keep note", value: item.said.note, done });
  }

  leave() {
    this.entry.hidden = true;
    this.submit = null;
    if (this.help.open) this.help.close();
    // Back to the button that the keyboard had; a click means the frame, where all keys work.
    const back = this.from && this.root.contains(this.from) && this.from.getClientRects().length ? this.from : this.root;
    back.focus({ preventScroll: true });
  }

  showHelp() {
    if (this.help.open) { this.leave(); return; }
    const close = fillHelp(this.help, this.actions, this.onDigits);
    this.help.show();
    close.focus({ preventScroll: true });
    this.help.scrollTop = 0;
    this.help.scrollIntoView({ block: "nearest" }); // where the widget is seen in part
  }

  play(toggle = false) {
    const item = this.current;
    if (!item?.sound) return;
    if (toggle && !item.sound.paused) item.sound.pause();
    else { if (!toggle) item.sound.currentTime = 0; item.sound.play().catch((error) => this.say(`cannot play: ${error.message}`)); }
  }

  // ---- the wire

  send(message) {
    try { this.model.send(message); } catch { this.dead = true; this.drawSave(); }
  }

  greet() {
    this.asked.clear();
    this.resend();
    this.spoke = Date.now();
    this.send({ op: "hello" });
    this.go(this.pos);
  }

  // One message at a time is under way; what is typed meanwhile goes together in the next, so
  // that fast fingers wait neither for a slow disk nor for the pictures asked for behind it.
  flush(now = false) {
    if (this.flying.size && !now) return;
    const events = this.outbox.list().filter(({ id }) => !this.flying.has(id)).slice(0, 200);
    if (!events.length) return;
    events.forEach(({ id }) => this.flying.add(id));
    this.spoke = Date.now();
    this.send({ op: "write", events });
  }

  resend() {
    this.flying.clear();
    for (let left = this.outbox.events.size; left > 0; left -= 200) this.flush(true);
    this.sent = Date.now();
  }

  // The kernel may be frozen, or a message lost: ask again, ever more seldom.
  tick() {
    if (!this.arrived && this.attempt < 5) { this.attempt += 1; this.send({ op: "hello" }); return; }
    const due = Date.now() - Math.max(this.sent ?? 0, this.heard, this.spoke) > backoff(this.attempt);
    if (due && !this.arrived) { this.attempt += 1; this.resend(); this.send({ op: "hello" }); }
    else if (due && this.outbox.events.size) { this.attempt += 1; this.resend(); }
    if (this.arrived) this.want();
    this.drawSave();
  }

  want() {
    if (this.queue === null) return;
    const places = wanted(this.status, this.pos), now = Date.now();
    for (const [place, item] of this.items) if (place !== this.pos && !places.includes(place)) this.forget(place, item);
    const missing = places.filter((place) => !this.items.has(place) && now - (this.asked.get(place) ?? 0) > 6000);
    if (!missing.length) return;
    for (const place of missing) this.asked.set(place, now);
    this.send({ op: "want", queue: this.queue, items: missing });
  }

  forget(place, item) {
    this.release(item);
    this.items.delete(place);
    this.asked.delete(place);
  }

  release(item) { item.urls.forEach((url) => URL.revokeObjectURL(url)); }

  receive(message, buffers) {
    Object.assign(this, { heard: Date.now(), attempt: 0, dead: false });
    if (message.op === "state") this.onState(message, buffers);
    else if (message.op === "item") this.onItem(message, buffers);
    else if (message.op === "saved") this.onSaved(message);
    else if (message.op === "error") { this.error = message.text; this.attempt = 2; this.sent = Date.now(); this.drawSave(); }
    else if (message.op === "goto" && message.queue === this.queue) this.go(message.pos);
  }

  onState(message, [status]) {
    const same = message.queue === this.queue;
    this.status = status ? new Uint8Array(status.buffer.slice(status.byteOffset, status.byteOffset + status.byteLength)) : new Uint8Array();
    this.onWords(message);
    this.history = []; this.known.clear();
    for (const event of message.history) this.remember(event, event.pos);
    for (const event of this.pendingEvents()) this.remember(event, -1);
    this.queue = message.queue;
    this.nothing = message.nothing;
    if (!same || !this.arrived) { this.items.forEach((item) => this.release(item)); this.items.clear(); }
    this.asked.clear();
    const start = message.start || !same || !this.arrived;
    this.arrived = true; this.settled = !start;
    this.go(start ? this.startPlace() : this.pos);
  }

  pendingEvents() { return this.outbox.list().filter((event) => this.mine(event)); }

  async onItem(message, buffers) {
    if (message.queue !== this.queue || this.items.has(message.pos)) return;
    const pending = this.pendingEvents().filter((e) => e.item === message.item && e.repeat === message.repeat && !message.events.some(({ id }) => id === e.id));
    const item = { ...message, urls: [], said: fold(message.events) };
    this.items.set(message.pos, item);
    for (const event of pending) this.take(event, message.pos);
    picture(item, buffers, this.nameOf(item), this);
    if (message.pos !== this.pos) return;
    // Done here, though the journal does not have it yet: the start is further on.
    if (pending.length && this.status[message.pos] & 1 && !this.settled) this.go(nextUnseen(this.status, this.pos));
    else { this.settled = true; this.go(this.pos); }
  }

  onSaved(message) {
    this.error = "";
    this.outbox.drop(message.ids);
    message.ids.forEach((id) => this.flying.delete(id));
    this.flush();
    for (const event of message.events) {
      const at = [...this.items.values()].find((i) => i.item === event.item && i.repeat === event.repeat)?.pos;
      this.remember(event, at ?? -1);
      if (at !== undefined) this.take(event, at);
    }
    const busy = new Set(this.outbox.list().map((e) => `${e.repeat} ${e.item}`));
    if (message.queue === this.queue) for (const [place, bits] of message.status) {
      const item = this.items.get(place);
      if (!item || !busy.has(`${item.repeat} ${item.item}`)) this.status[place] = bits;
    }
    this.onWords(message);
    this.draw();
  }
}
