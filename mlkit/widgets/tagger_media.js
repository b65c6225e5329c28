// The Tagger's nodes: its frame, its help, an item. Whatever came from a table is set as text,
// never as markup.

const STRIP = 25; // items of the strip below

function make(tag, properties = {}, ...children) {
  const { dataset, className, ...rest } = properties;
  const node = document.createElement(tag);
  if (className) node.className = className;
  Object.assign(node.dataset, dataset);
  for (const [name, value] of Object.entries(rest)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

// The frame; each named part becomes a field of the view.
function build(view) {
  const part = (name, tag = "div", more = {}) => (view[name] = make(tag, { className: `mlkit-${name}`, ...more }));
  const button = (name) => {
    const [, key, word] = ACTIONS.find(([action]) => action === name);
    const hint = make("kbd", { "aria-hidden": "true" }, KEY_NAMES[key] ?? key);
    return make("button", { type: "button", className: "mlkit-button", dataset: { action: name } }, make("span", {}, word), hint);
  };
  view.root = make("div", {
    className: "mlkit-tagger", tabindex: "0", role: "application", "aria-label": "Tagger. Press ? for its keys.",
    dataset: { lmSuppressShortcuts: "true", pending: "0", tagged: "0", total: "0" },
  });
  part("count"); part("save", "div", { role: "status" }); part("live", "div", { "aria-live": "polite" });
  part("bar", "div", { role: "progressbar", "aria-label": "items done", "aria-valuemin": "0" });
  view.bar.append(part("done", "div"));
  part("truth"); part("media"); part("said"); part("list", "div", { role: "group", "aria-label": "tags" });
  part("unchecked-list"); part("strip", "div", { "aria-hidden": "true" }); part("entry", "form", { hidden: "" });
  part("help", "dialog", { "aria-label": "Keys" });
  for (let n = 0; n < STRIP; n += 1) view.strip.append(make("span"));
  const group = (label, ...names) => make("div", { className: "mlkit-group", role: "group", "aria-label": label }, ...names.map(button));
  const head = make("div", { className: "mlkit-head" }, view.count, view.bar, view.save, button("help"));
  const stage = make("div", { className: "mlkit-stage" }, view.truth, view.media, view.said,
    group("move", "previous", "forward", "next-unseen", "play", "autoplay"));
  const side = make("div", { className: "mlkit-side" }, view.list, group("more", "new-tag", "note"), view.entry,
    group("about the item", "wrong", "flag", "broken"), view["unchecked-list"], group("finish", "next", "undo"));
  view.root.append(head, make("div", { className: "mlkit-body" }, stage, side), view.strip, view.live, view.help);
  Object.assign(view.button("broken").dataset, { tag: RESERVED.broken });
  view.button("broken").classList.add("mlkit-tag");
}

function fillHelp(dialog) {
  const row = (key, text, word) => make("tr", {}, make("td", {}, make("kbd", {}, key)), make("td", {}, text), make("td", {}, word));
  const close = make("button", { type: "button", className: "mlkit-button", dataset: { action: "help" } }, "Close");
  dialog.replaceChildren(make("table", {},
    make("tr", {}, make("th", {}, "key"), make("th", {}, "what it does"), make("th", {}, "button")),
    row("1 … 9", "give or take off that tag", "the tag"), row("Shift + 1 … 9", "give that tag and go on", "Shift + click"),
    ...ACTIONS.map(([, key, word, text]) => row(KEY_NAMES[key] ?? key, text, word)), row("Esc", "leave a text field or this list", "Close")), close);
  return close;
}

// The item as nodes, its picture decoded before it is needed.
function picture(item, buffers, view) {
  const { media } = item;
  const address = (buffer, type) => { const url = URL.createObjectURL(new Blob([buffer], { type })); item.urls.push(url); return url; };
  const image = (buffer, type, more) => {
    const node = make("img", { className: `mlkit-image ${more}`, alt: `item ${item.item}`, src: address(buffer, type) });
    node.decode().catch(() => {});
    return node;
  };
  if (media.kind === "image") {
    item.node = image(buffers[0], media.type, Math.max(media.width, media.height) <= 160 ? "mlkit-tiny" : "");
    // Whole multiples keep the squares of a tiny image square.
    if (item.node.classList.contains("mlkit-tiny")) item.node.style.width = `${media.width * Math.max(1, Math.floor(360 / Math.max(media.width, media.height)))}px`;
  } else if (media.kind === "audio") item.node = soundNode(item, buffers, address, image);
  else if (media.kind === "text") item.node = make("pre", { className: "mlkit-text" }, media.text);
  else if (media.kind === "row") item.node = make("table", { className: "mlkit-row" }, ...media.cells.map(([name, value]) => make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, value))));
  else if (media.kind === "html") item.node = pageNode(media.html, item.item, view);
  else item.node = make("div", { className: "mlkit-broken" }, make("strong", {}, "This item cannot be shown."), make("p", {}, media.reason),
    make("p", {}, "Press x to tag it “broken file”, Enter to go on."));
}

function soundNode(item, buffers, address, image) {
  const { media } = item;
  item.sound = make("audio", { src: address(buffers[0], media.type), preload: "auto" });
  const head = make("div", { className: "mlkit-playhead" });
  const move = () => {
    head.style.left = `${100 * (item.sound.currentTime / (item.sound.duration || media.duration_s || 1))}%`;
    if (!item.sound.paused) requestAnimationFrame(move);
  };
  for (const name of ["play", "pause", "seeked", "ended"]) item.sound.addEventListener(name, move);
  const picture = buffers[1] ? [image(buffers[1], "image/png", "mlkit-sound"), head] : [];
  return make("figure", { className: "mlkit-audio" }, make("div", { className: "mlkit-wave" }, ...picture), item.sound,
    make("figcaption", {}, media.caption ?? "", ". Space plays."));
}

// A page of the user's own making runs no script here; it is measured and its keys are ours.
function pageNode(html, name, view) {
  const frame = make("iframe", { className: "mlkit-html", sandbox: "allow-same-origin", tabindex: "-1", title: `item ${name}` });
  frame.srcdoc = `<style>body { font: 14px system-ui, sans-serif; margin: 8px; color: #000; background: #fff } table { border-collapse: collapse } td, th { padding: 3px 8px }</style>${html}`;
  frame.addEventListener("load", () => {
    const inside = frame.contentDocument;
    frame.style.height = `${Math.min(inside.documentElement.scrollHeight + 4, 420)}px`;
    inside.addEventListener("click", () => view.root.focus({ preventScroll: true }));
  });
  return frame;
}
