// The confusion matrix as a table of buttons: a click chooses the items of a cell, of a row or of
// a column, a second click lets go. Arrow keys move from button to button.

export function shade(count, most) {
  return most > 0 ? Math.round(100 * Math.sqrt(count / most)) : 0;
}

// The next button in a direction, over the cells that have none; null at the border.
export function neighbour(has, from, [down, right]) {
  let [row, column] = [from[0] + down, from[1] + right];
  while (row >= -1 && column >= -1 && row < has.rows && column < has.columns) {
    if (has.at(row, column)) return [row, column];
    row += down; column += right;
  }
  return null;
}

export function next(chosen, [row, column]) {
  return chosen[0] === row && chosen[1] === column ? [-1, -1] : [row, column];
}

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

function make(tag, properties = {}, ...children) {
  const { className, ...rest } = properties;
  const node = document.createElement(tag);
  if (className) node.className = className;
  for (const [name, value] of Object.entries(rest)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function matrix(names, counts) {
  const buttons = new Map();
  const button = (row, column, text, label, className = "") => {
    const node = make("button", { type: "button", tabindex: "-1", "aria-pressed": "false", "aria-label": label, title: label, className });
    node.append(text);
    node.dataset.row = row; node.dataset.column = column;
    buttons.set(`${row} ${column}`, node);
    return node;
  };
  const off = Math.max(0, ...counts.flatMap((row, r) => row.filter((_, c) => c !== r)));
  const on = Math.max(0, ...counts.map((row, r) => row[r]));
  const head = names.map((name, c) => make("th", { scope: "col" }, button(-1, c, name, `all predicted ${name}`, "mlkit-heading")));
  const body = names.map((name, r) => make("tr", {}, make("th", { scope: "row" }, button(r, -1, name, `all labelled ${name}`, "mlkit-heading")),
    ...counts[r].map((count, c) => {
      const cell = make("td", { className: r === c ? "mlkit-right" : "mlkit-wrong" });
      if (count) {
        cell.style.setProperty("--mlk-share", `${shade(count, r === c ? on : off)}%`);
        cell.append(button(r, c, String(count), `label ${name}, predicted ${names[c]}: ${count} ${count === 1 ? "item" : "items"}`));
      }
      return cell;
    })));
  const caption = make("caption", {}, "Rows: label. Columns: prediction. A click or Enter chooses the items, a second one lets go; the arrow keys move.");
  const corner = make("td", { className: "mlkit-corner" }, "label ↓ prediction →");
  const table = make("table", {}, caption, make("thead", {}, make("tr", {}, corner, ...head)), make("tbody", {}, ...body));
  return { table, buttons };
}

function render({ model, el }) {
  const names = model.get("names"), counts = model.get("counts");
  const { table, buttons } = matrix(names, counts);
  const wide = names.length > 8 || names.some((name) => name.length > 7);
  const root = make("div", { className: `mlkit-confusion${wide ? " mlkit-many" : ""}`, role: "group", "aria-label": "Confusion matrix", "data-lm-suppress-shortcuts": "true" });
  const scroll = make("div", { className: "mlkit-scroll" }, table);
  const said = make("code", { className: "mlkit-expression" });
  const live = make("p", { className: "mlkit-chosen", "aria-live": "polite" }, said);
  const remark = make("p", { className: "mlkit-remark" }, model.get("remark"));
  root.append(scroll, live, ...(model.get("remark") ? [remark] : []));
  el.append(root);
  const has = { rows: names.length, columns: names.length, at: (r, c) => buttons.has(`${r} ${c}`) };

  const stop = (node) => { for (const other of buttons.values()) other.tabIndex = other === node ? 0 : -1; };
  const draw = () => {
    const [row, column] = model.get("chosen");
    for (const [place, node] of buttons) node.setAttribute("aria-pressed", String(place === `${row} ${column}`));
    const expression = model.get("expression");
    said.textContent = expression;
    said.hidden = !expression;
    live.dataset.empty = String(!expression);
  };
  root.addEventListener("click", (event) => {
    const node = event.target.closest("button");
    if (!node) return;
    stop(node);
    model.set("chosen", next(model.get("chosen"), [Number(node.dataset.row), Number(node.dataset.column)]));
    model.save_changes();
  });
  root.addEventListener("keydown", (event) => {
    if (event.key === "Tab" || event.ctrlKey || event.metaKey || event.altKey) return;
    event.stopPropagation();
    const node = event.target.closest("button"), step = STEPS[event.key];
    if (!node || !step) return;
    event.preventDefault();
    const to = neighbour(has, [Number(node.dataset.row), Number(node.dataset.column)], step);
    if (!to) return;
    const other = buttons.get(`${to[0]} ${to[1]}`);
    stop(other);
    other.focus();
  });
  stop(buttons.get("0 0") ?? buttons.values().next().value);
  model.on("change:chosen", draw);
  model.on("change:expression", draw);
  draw();
  return () => { model.off("change:chosen", draw); model.off("change:expression", draw); };
}

export default { render };
