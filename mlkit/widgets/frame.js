// What stands around the item: counts and saving above, buttons beside it, the strip below, the
// list of keys.

const STRIP = 25; // items of the strip below

// Each named part becomes a field of the view; `view.stage` and `view.side` say what is its own.
function buildFrame(view) {
  const part = (name, tag = "div", more = {}) => (view[name] = make(tag, { className: `mlkit-${name}`, ...more }));
  const button = (name) => {
    const [, key, word] = view.actions.find(([action]) => action === name);
    const hint = make("kbd", { "aria-hidden": "true" }, KEY_NAMES[key] ?? key);
    return make("button", { type: "button", className: "mlkit-button", "aria-keyshortcuts": KEY_SPOKEN[key] ?? key, dataset: { action: name } }, make("span", {}, word), hint);
  };
  const group = (label, ...names) => make("div", { className: "mlkit-group", role: "group", "aria-label": label }, ...names.map(button));
  view.root = make("div", {
    className: `mlkit-surface mlkit-${view.name.toLowerCase()}`, tabindex: "0", role: "application", "aria-label": `${view.name}. Press ? for its keys.`,
    dataset: { lmSuppressShortcuts: "true", pending: "0", tagged: "0", total: "0" },
  });
  part("count"); part("save", "div", { role: "status" }); part("live", "div", { "aria-live": "polite" });
  part("told-only", "div", { "aria-live": "polite", id: `mlkit-${newId()}` });
  part("bar", "div", { role: "progressbar", "aria-label": "items done", "aria-valuemin": "0" });
  view.bar.append(part("done", "div"));
  part("truth"); part("media"); part("said"); part("list", "div", { role: "group", "aria-label": view.listed });
  part("strip", "div", { "aria-hidden": "true" }); part("entry", "form", { hidden: "" });
  part("help", "dialog", { "aria-label": "Keys" });
  for (let n = 0; n < STRIP; n += 1) view.strip.append(make("span"));
  const head = make("div", { className: "mlkit-head" }, view.count, view.bar, view.save, button("help"));
  const stage = make("div", { className: "mlkit-stage" }, view.truth, ...view.above(part), view.media, view.said, view.moves(group));
  const side = make("div", { className: "mlkit-side" }, ...view.side(part, group));
  view.root.setAttribute("aria-describedby", view["told-only"].id);
  view.root.append(head, make("div", { className: "mlkit-body" }, stage, side), view.strip, view.live, view["told-only"], view.help);
  Object.assign(view.button("broken").dataset, { tag: RESERVED.broken });
  view.button("broken").classList.add("mlkit-tag");
}

// A button that was drawn anew, hidden or disabled under the hand: the keys stay in the frame.
function keepFocus(root, draw) {
  const at = document.activeElement, mine = root.contains(at);
  draw();
  const now = document.activeElement;
  if (mine && (!root.contains(now) || now.disabled || !now.getClientRects().length)) root.focus({ preventScroll: true });
}

// `first` are the rows on the digits: key, what it does, button.
function fillHelp(dialog, actions, first) {
  const row = (key, text, word) => make("tr", {}, make("td", {}, make("kbd", {}, key)), make("td", {}, text), make("td", {}, word));
  const close = make("button", { type: "button", className: "mlkit-button", dataset: { action: "help" } }, "Close");
  dialog.replaceChildren(make("table", {},
    make("tr", {}, make("th", {}, "key"), make("th", {}, "what it does"), make("th", {}, "button")),
    ...first.map((cells) => row(...cells)),
    ...actions.map(([, key, word, text]) => row(KEY_NAMES[key] ?? key, text, word)), row("Esc", "leave a text field or this list", "Close")), close);
  return close;
}

function drawStrip(strip, status, pos) {
  const first = Math.max(0, Math.min(pos - (STRIP >> 1), status.length - STRIP));
  Array.from(strip.children).forEach((cell, n) => {
    const bits = status[first + n] ?? 0;
    cell.hidden = first + n >= status.length;
    cell.dataset.pos = first + n;
    cell.className = `${bits & 1 ? "mlkit-is-done" : ""} ${first + n === pos ? "mlkit-is-here" : ""}`;
    cell.textContent = bits & 4 ? "!" : bits & 1 ? "✓" : bits & 2 ? "•" : "";
  });
}
