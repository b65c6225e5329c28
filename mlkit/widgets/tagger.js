// The Tagger on the screen: keys and clicks become events, shown at once, kept in the browser
// until the kernel says that they are in the journal. Its rules and nodes stand in tagger_rules.js and
// tagger_media.js, which tagger.py puts before this file.

const SILENT_MS = 5000; // no answer for so long: the kernel is busy, frozen or gone

const isField = (node) => node.matches("input, textarea");
const newId = () => crypto.randomUUID?.() ?? Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
const storage = () => { try { return window.localStorage; } catch { return null; } };

class View {
  constructor(model, el) {
    this.model = model;
    this.outbox = new Outbox(storage(), model.get("pending_key"));
    Object.assign(this, { items: new Map(), asked: new Map(), flying: new Set(), history: [], known: new Set(), tags: [], status: new Uint8Array(), unchecked: {} });
    Object.assign(this, { queue: null, pos: -1, heard: Date.now(), spoke: 0, attempt: 0, error: "", arrived: false });
    build(this);
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
    clearInterval(this.timer);
    window.removeEventListener("pagehide", this.onHide);
    this.flush(true);
    this.model.off("msg:custom", this.onMessage);
    this.items.forEach((item) => this.release(item));
  }

  // ---- what is on the screen

  drawTags() {
    if (this.drawn === this.tags.join("\n")) return;
    this.drawn = this.tags.join("\n");
    this.list.replaceChildren(...this.tags.map((tag, place) => make("button",
      { type: "button", className: "mlkit-tag", title: tag, dataset: { tag }, "aria-pressed": "false" },
      make("kbd", { "aria-hidden": "true" }, place < 9 ? String(place + 1) : ""), make("span", { className: "mlkit-name" }, tag))));
    if (!this.tags.length) this.list.append("No tags yet: press t to make the first.");
  }

  draw() {
    const item = this.items.get(this.pos);
    const said = item?.said ?? { tags: [], note: "" };
    const unsaved = new Set();
    for (const { event } of this.outbox.events.values()) {
      if (item && event.item === item.item && event.repeat === item.repeat) unsaved.add(event.value);
    }
    this.drawTags();
    const press = (node, tag) => {
      node.setAttribute("aria-pressed", String(said.tags.includes(tag)));
      node.classList.toggle("mlkit-unsaved", unsaved.has(tag));
    };
    for (const node of this.list.querySelectorAll(".mlkit-tag")) press(node, node.dataset.tag);
    for (const [action, tag] of Object.entries(RESERVED)) press(this.button(action), tag);
    this.button("autoplay").setAttribute("aria-pressed", String(!!this.autoplay));
    const sound = item?.media.kind === "audio";
    this.button("play").hidden = this.button("autoplay").hidden = !sound;
    this.said.textContent = said.note ? `Note: ${said.note}` : "";
    const done = this.status.reduce((sum, bits) => sum + (bits & 1), 0), total = this.status.length;
    Object.assign(this.root.dataset, { tagged: done, total, pending: this.outbox.events.size });
    this.count.textContent = this.counted = `${done} of ${total}`;
    this.bar.setAttribute("aria-valuenow", done); this.bar.setAttribute("aria-valuemax", total);
    this.done.style.width = `${total ? (100 * done) / total : 0}%`;
    this.drawStrip(total);
    this.drawSave();
    const rows = Object.entries(this.unchecked).map(([tag, n]) => make("div", {},
      `${n} ${n === 1 ? "item" : "items"} not yet checked for `, make("em", {}, tag), " ",
      make("button", { type: "button", className: "mlkit-button", dataset: { check: tag } }, "Check now")));
    this["unchecked-list"].replaceChildren(...rows);
  }

  drawStrip(total) {
    const first = Math.max(0, Math.min(this.pos - (STRIP >> 1), total - STRIP));
    Array.from(this.strip.children).forEach((cell, n) => {
      const bits = this.status[first + n] ?? 0;
      cell.hidden = first + n >= total;
      cell.dataset.pos = first + n;
      cell.className = `${bits & 1 ? "mlkit-is-done" : ""} ${first + n === this.pos ? "mlkit-is-here" : ""}`;
      cell.textContent = bits & 4 ? "!" : bits & 1 ? "✓" : bits & 2 ? "•" : "";
    });
  }

  drawSave() {
    const pending = this.outbox.events.size;
    const waits = pending || !this.arrived || (this.pos >= 0 && !this.items.has(this.pos));
    const silent = waits && this.spoke && Date.now() - Math.max(this.heard, this.spoke) > SILENT_MS;
    const text = this.dead ? saveText({ pending, silent: true, kept: this.outbox.kept }) : saveText({ pending, silent, error: this.error, kept: this.outbox.kept });
    if (this.save.textContent !== text) this.save.textContent = text;
    this.save.classList.toggle("mlkit-trouble", !!(silent || this.dead || this.error || (pending && !this.outbox.kept)));
    this.root.dataset.pending = pending;
  }

  button(action) { return this.root.querySelector(`[data-action="${action}"]`); }
  say(text) { this.live.textContent = text; }

  go(place) {
    const leaving = this.items.get(this.pos);
    leaving?.sound?.pause();
    this.pos = place;
    const item = this.items.get(place);
    delete this.root.dataset.item;
    if (item) {
      this.root.dataset.item = item.item;
      this.media.replaceChildren(item.node);
      this.truth.replaceChildren(...this.words(item));
      if (this.autoplay) this.play();
    } else {
      const total = this.status.length;
      const text = place >= 0 || !this.arrived ? "Waiting for the kernel …"
        : total ? `All ${total} items are done. ← looks at them again.` : this.nothing;
      this.truth.replaceChildren();
      this.media.replaceChildren(make("p", { className: "mlkit-message" }, text));
    }
    this.draw();
    this.want();
  }

  words(item) {
    const pair = (name, value) => make("span", {}, `${name} `, make("strong", {}, value));
    return [pair("label", item.label), ...(item.prediction === null ? [] : [pair("predicted", item.prediction)]),
      make("span", { className: "mlkit-id" }, item.item)];
  }

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
    const found = keyAction(event);
    if (!(event.ctrlKey || event.metaKey || event.altKey)) event.stopPropagation();
    if (!found || (event.target.matches("button") && (event.key === "Enter" || event.key === " "))) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.repeat && found.action !== "forward" && found.action !== "previous") return;
    if (found.action === "tag") this.toggle(this.tags[found.place], found.go, found.place);
    else this.act(found.action);
  }

  onClick(event) {
    const node = event.target.closest("button, [data-pos]");
    if (node?.dataset.tag !== undefined) this.toggle(node.dataset.tag, event.shiftKey);
    else if (node?.dataset.check !== undefined) this.send({ op: "check", tag: node.dataset.check });
    else if (node?.dataset.pos !== undefined) this.go(Number(node.dataset.pos));
    else if (node?.dataset.action) this.act(node.dataset.action);
    if (!isField(event.target) && event.detail && this.entry.hidden) this.root.focus({ preventScroll: true });
  }

  act(action) {
    const total = this.status.length;
    if (action in RESERVED) this.toggle(RESERVED[action]);
    else if (action === "next") this.finish();
    else if (action === "forward") this.go(Math.min(this.pos + 1, total - 1));
    else if (action === "previous") this.go(this.pos < 0 ? total - 1 : Math.max(this.pos - 1, 0));
    else if (action === "next-unseen") this.go(nextUnseen(this.status, this.pos));
    else if (action === "undo") this.undo();
    else if (action === "play") this.play(true);
    else if (action === "autoplay") { this.autoplay = !this.autoplay; this.draw(); if (this.autoplay) this.play(); }
    else if (action === "help") this.showHelp();
    else if (this.items.has(this.pos)) this.ask(action);
  }

  sayWait() { this.say(this.pos < 0 ? "There is no item on screen." : "Not yet: the item is still on its way."); }

  toggle(tag, go = false, place = 0) {
    const item = this.items.get(this.pos);
    if (!item) { this.sayWait(); return; }
    if (tag === undefined) { this.say(`There is no tag ${place + 1}.`); return; }
    const kind = item.said.tags.includes(tag) && !go ? "untag" : "tag";
    const events = item.said.tags.includes(tag) && go ? [] : [{ kind, value: tag }];
    this.record([...events, ...(go ? [{ kind: "seen", value: "" }] : [])], item);
    if (go) this.go(nextUnseen(this.status, this.pos)); else this.draw();
    const given = Object.values(RESERVED).includes(tag) ? tag : `tagged ${tag}`;
    this.say(`${kind === "tag" ? given : `took off ${tag}`}, ${this.counted}`);
  }

  finish() {
    const item = this.items.get(this.pos);
    if (!item) { this.sayWait(); return; }
    this.record([{ kind: "seen", value: "" }], item);
    this.go(nextUnseen(this.status, this.pos));
    this.say(`done, ${this.counted}`);
  }

  undo() {
    const last = this.history.at(-1);
    if (!last) { this.say("Nothing to undo."); return; }
    this.record([inverse(last)], last, last.pos);
    if (last.pos >= 0 && last.pos !== this.pos) this.go(last.pos); else this.draw();
    const what = { seen: "done", note: "the note", tag: last.value, untag: `taking off ${last.value}` }[last.kind];
    this.say(`took back ${what}, ${this.counted}`);
  }

  record(changes, { item, repeat }, pos = this.pos) {
    const events = changes.map((change) => ({ undoes: null, ...change, id: newId(), at: new Date().toISOString(), item, repeat, vocabulary: [...this.tags] }));
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
    else if (event.kind in INVERSE) this.history.push({ ...event, pos });
  }

  take(event, pos) {
    const item = this.items.get(pos);
    if (item?.events.some(({ id }) => id === event.id)) return; // the echo of one's own
    if (event.kind === "seen") this.status[pos] |= 1;
    if (event.kind === "unseen") this.status[pos] &= ~1;
    if (!item) return;
    item.events.push(event);
    item.said = fold(item.events);
    const reserved = item.said.tags.some((tag) => Object.values(RESERVED).includes(tag));
    this.status[pos] = (this.status[pos] & 1) | (item.said.tags.length ? 2 : 0) | (reserved ? 4 : 0);
  }

  ask(action) {
    const note = action === "note", item = this.items.get(this.pos);
    const input = make(note ? "textarea" : "input", { "aria-label": note ? "Note" : "Tag", ...(note && { maxlength: "10000" }), rows: "3", placeholder: note ? "A note on this item; Enter keeps it" : "A tag, new or not; Enter gives it" });
    if (note) input.value = item.said.note;
    const ok = make("button", { type: "submit", className: "mlkit-button" }, note ? "Keep note" : "Give tag");
    this.entry.replaceChildren(input, ok);
    this.entry.hidden = false;
    input.focus();
    this.submit = () => {
      const { tag, error } = note ? {} : cleanTag(input.value);
      if (error) { this.say(error); return; }
      this.leave();
      if (note) { if (input.value.trim() !== item.said.note) this.record([{ kind: "note", value: input.value.trim() }], item); this.draw(); this.say("note kept"); return; }
      if (!this.tags.includes(tag) && !Object.values(RESERVED).includes(tag)) this.tags = [...this.tags, tag];
      if (item.said.tags.includes(tag)) this.say(`has ${tag} already`); else this.toggle(tag);
    };
  }

  leave() {
    this.entry.hidden = true;
    this.submit = null;
    if (this.help.open) this.help.close();
    this.root.focus({ preventScroll: true });
  }

  showHelp() {
    if (this.help.open) { this.leave(); return; }
    const close = fillHelp(this.help);
    this.help.show();
    close.focus({ preventScroll: true });
    this.help.scrollTop = 0;
  }

  play(toggle = false) {
    const item = this.items.get(this.pos);
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
    this.history = []; this.known.clear();
    for (const event of message.history) this.remember(event, event.pos);
    for (const event of this.outbox.list()) this.remember(event, -1);
    this.queue = message.queue;
    this.tags = message.tags; this.unchecked = message.unchecked; this.nothing = message.nothing;
    if (!same || !this.arrived) { this.items.forEach((item) => this.release(item)); this.items.clear(); }
    this.asked.clear();
    const start = message.start || !same || !this.arrived;
    this.arrived = true; this.settled = !start;
    this.go(start ? nextUnseen(this.status, -1) : this.pos);
  }

  async onItem(message, buffers) {
    if (message.queue !== this.queue || this.items.has(message.pos)) return;
    const pending = this.outbox.list().filter((e) => e.item === message.item && e.repeat === message.repeat && !message.events.some(({ id }) => id === e.id));
    const item = { ...message, urls: [], events: message.events };
    item.said = fold(item.events);
    this.items.set(message.pos, item);
    for (const event of pending) this.take(event, message.pos);
    picture(item, buffers, this);
    if (message.pos !== this.pos) return;
    // Done here, though the journal does not have it yet: the start is further on.
    if (pending.length && item.said.seen && !this.settled) this.go(nextUnseen(this.status, this.pos));
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
    this.tags = [...new Set([...message.tags, ...this.tags])];
    this.unchecked = message.unchecked;
    this.draw();
  }
}

export default {
  render({ model, el }) {
    const view = new View(model, el);
    return () => view.destroy();
  },
};
