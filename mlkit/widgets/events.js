// What events add up to, and where to go next. No page is touched here: `node --test` runs it.

const AHEAD = 16; // items fetched before they are needed
const INVERSE = { seen: "unseen", unseen: "seen", tag: "untag", untag: "tag", note: "note", label: "label" };
export const RESERVED = { wrong: "label is wrong", flag: "flagged", broken: "broken file" };
const isReserved = (tag) => Object.values(RESERVED).includes(tag);
const newId = () => crypto.randomUUID?.() ?? Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");

// What holds after these events; one that was taken back counts as never written, and so does
// an undo that was itself taken back.
export function fold(events) {
  const gone = new Set();
  for (const { id, undoes } of [...events].reverse()) if (undoes && !gone.has(id)) gone.add(undoes);
  const said = { tags: [], seen: false, note: "" };
  for (const { id, kind, value, undoes } of events) {
    if (undoes || gone.has(id)) continue;
    if (kind === "seen" || kind === "unseen") said.seen = kind === "seen";
    if (kind === "note" || kind === "label") said[kind] = value;
    if (kind === "tag" || kind === "untag") {
      said.tags = said.tags.filter((tag) => tag !== value);
      if (kind === "tag") said.tags.push(value);
    }
  }
  return said;
}

export function inverse(event) {
  const value = event.kind === "tag" || event.kind === "untag" ? event.value : "";
  return { kind: INVERSE[event.kind], value, undoes: event.id };
}

// The first place after `from` that is not done, round the end; -1 when all are.
export function nextUnseen(status, from) {
  for (let step = 1; step <= status.length; step += 1) {
    const place = (from + step) % status.length;
    if (!(status[place] & 1)) return place;
  }
  return -1;
}

// Places worth having, the most urgent first.
export function wanted(status, from) {
  const places = from >= 0 && from < status.length ? [from] : [];
  let place = from;
  while (places.length < AHEAD) {
    place = nextUnseen(status, place);
    if (place < 0 || places.includes(place)) break;
    places.push(place);
  }
  for (const near of [1, -1, 2, -2, 3, -3]) {
    const other = from + near;
    if (other >= 0 && other < status.length && !places.includes(other)) places.push(other);
  }
  return places;
}
