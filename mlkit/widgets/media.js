// An item as nodes: picture, sound, text, row or page. Whatever came from a table is set as
// text, never as markup.

function make(tag, properties = {}, ...children) {
  const { dataset, className, ...rest } = properties;
  const node = document.createElement(tag);
  if (className) node.className = className;
  Object.assign(node.dataset, dataset);
  for (const [name, value] of Object.entries(rest)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

// The picture is decoded before it is needed. `name` is what a screen reader says of it.
function picture(item, buffers, name, view) {
  const { media } = item;
  const address = (buffer, type) => { const url = URL.createObjectURL(new Blob([buffer], { type })); item.urls.push(url); return url; };
  const image = (buffer, type, more) => {
    const node = make("img", { className: `mlkit-image ${more}`, alt: name, src: address(buffer, type) });
    node.decode().catch(() => {});
    return node;
  };
  if (media.kind === "image") {
    item.node = image(buffers[0], media.type, Math.max(media.width, media.height) <= 160 ? "mlkit-tiny" : "");
    // Whole multiples keep the squares of a tiny image square.
    if (item.node.classList.contains("mlkit-tiny")) item.node.style.width = `${media.width * Math.max(1, Math.floor(360 / Math.max(media.width, media.height)))}px`;
  } else if (media.kind === "audio") item.node = soundNode(item, buffers, address, image, name);
  else if (media.kind === "text") item.node = make("pre", { className: "mlkit-text" }, media.text);
  else if (media.kind === "row") item.node = make("table", { className: "mlkit-row" }, ...media.cells.map(([column, value]) => make("tr", {}, make("th", { scope: "row" }, column), make("td", {}, value))));
  else if (media.kind === "html") item.node = pageNode(media.html, name, view);
  else item.node = make("div", { className: "mlkit-broken" }, make("strong", {}, "This item cannot be shown."), make("p", {}, media.reason),
    make("p", {}, view.brokenHint));
}

// The same for who hears the screen read: what stands there, as words.
const LONG = 1000; // letters read out at once; the rest is on the page
function mediaWords({ kind, text, cells, caption, html, reason }) {
  const plain = { image: () => "a picture", audio: () => `a sound, ${caption ?? ""}. Space plays`, text: () => text, broken: () => `cannot be shown: ${reason}`,
    row: () => cells.map(([column, value]) => `${column} ${value}`).join(", "), html: () => new DOMParser().parseFromString(html, "text/html").body.textContent.trim().replace(/\s+/g, " ") };
  const words = plain[kind]?.() ?? "";
  return words.length > LONG ? `${words.slice(0, LONG)} …` : words;
}

function soundNode(item, buffers, address, image, name) {
  const { media } = item;
  item.sound = make("audio", { src: address(buffers[0], media.type), preload: "auto" });
  const head = make("div", { className: "mlkit-playhead" });
  const move = () => {
    head.style.left = `${100 * (item.sound.currentTime / (item.sound.duration || media.duration_s || 1))}%`;
    if (!item.sound.paused) requestAnimationFrame(move);
  };
  for (const name of ["play", "pause", "seeked", "ended"]) item.sound.addEventListener(name, move);
  const drawn = buffers[1] ? [Object.assign(image(buffers[1], "image/png", "mlkit-sound"), { alt: `${name}: waveform above, spectrogram below` }), head] : [];
  return make("figure", { className: "mlkit-audio" }, make("div", { className: "mlkit-wave" }, ...drawn), item.sound,
    make("figcaption", {}, media.caption ?? "", ". Space plays."));
}

// A page of the user's own making runs no script here; it is measured and its keys are ours.
function pageNode(html, name, view) {
  const frame = make("iframe", { className: "mlkit-html", sandbox: "allow-same-origin", tabindex: "-1", title: name });
  frame.srcdoc = `<style>body { font: 14px system-ui, sans-serif; margin: 8px; color: #000; background: #fff } table { border-collapse: collapse } td, th { padding: 3px 8px }</style>${html}`;
  frame.addEventListener("load", () => {
    const inside = frame.contentDocument;
    frame.style.height = `${Math.min(inside.documentElement.scrollHeight + 4, 420)}px`;
    inside.addEventListener("click", () => view.root.focus({ preventScroll: true }));
  });
  return frame;
}
