// A widget's file as a module: by its text, as the browser loads it, whatever Node makes of ".js".
import { readFileSync } from "node:fs";

export const load = (...names) => {
  const text = names.map((name) => readFileSync(new URL(`../../mlkit/widgets/${name}`, import.meta.url), "utf8")).join("\n");
  return import(`data:text/javascript,${encodeURIComponent(text)}`);
};

// What the Tagger and the Labeler share, in the order in which _surface.py joins it.
export const SHARED = ["keys.js", "events.js", "outbox.js", "media.js", "frame.js", "surface.js"];
