// What a key means. No page is touched here: `node --test` runs it. A widget's module is loaded
// from a blob and cannot import its neighbour, so _surface.py joins these files into one.

export const KEY_NAMES = { " ": "Space", ArrowLeft: "←", ArrowRight: "→", Enter: "Enter ↵" };
// As `aria-keyshortcuts` wants them.
export const KEY_SPOKEN = { " ": "Space" };

// From rows (name, key, word on the button, what help says) and further keys: key -> name.
export const keysOf = (actions, more = {}) => ({ ...Object.fromEntries(actions.map(([name, key]) => [key, name])), Backspace: "undo", h: "help", ...more });

// With `digits` 10 the key 0 is the tenth.
export function keyAction(event, keys, digits = 9) {
  if (event.isComposing) return null;
  const letter = /^[a-z]$/i.test(event.key) ? event.key.toLowerCase()
    : /^Key[A-Z]$/.test(event.code) && event.key.charCodeAt(0) > 127 ? event.code[3].toLowerCase() : null;
  if (event.altKey) return null;
  if (event.ctrlKey || event.metaKey) return letter === "z" && !event.shiftKey ? { action: "undo" } : null;
  const digit = /^Digit(\d)$/.exec(event.code) || (/^\d$/.test(event.key) && /^Numpad(\d)$/.exec(event.code));
  const place = digit ? (Number(digit[1]) + 9) % 10 : digits;
  if (place < digits) return { action: "digit", place, go: event.shiftKey };
  const action = keys[letter ?? event.key];
  return action ? { action } : null;
}
