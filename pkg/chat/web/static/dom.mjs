// Elements are made one by one, and what a model wrote only ever becomes a text node: no markup is parsed anywhere.

export const byId = (id) => document.getElementById(id);

/** el makes an element. Properties: class, on (listeners by event), any other is an attribute; false, null and undefined leave it out. */
export function el(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === false || value === null || value === undefined) continue;
    if (key === "class") element.className = value;
    else if (key === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

const svg = "http://www.w3.org/2000/svg";

/** icon shows a symbol of index.html; it says nothing to a screen reader. */
export function icon(name) {
  const image = document.createElementNS(svg, "svg");
  image.setAttribute("class", "icon");
  image.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(svg, "use");
  use.setAttribute("href", `#i-${name}`);
  image.append(use);
  return image;
}

/** button has an icon and a name for those who do not see it; a shown label is its name. */
export function button({ symbol, label, shown = false, ...properties }, click) {
  return el("button", { type: "button", class: shown ? "quiet" : "quiet round", "aria-label": shown ? null : label, title: shown ? null : label, ...properties, on: { click } },
    symbol ? icon(symbol) : "", shown ? label : "");
}

/** copy puts a text on the clipboard. Where the page is not a secure context there is no clipboard API, and the old way is left. */
export async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = el("textarea", { class: "away", "aria-hidden": "true" });
  field.value = text;
  document.body.append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  if (!copied) throw new Error("the browser does not let the page copy");
}

/** copyButton says for two seconds that it did. */
export function copyButton(label, text) {
  const made = button({ symbol: "copy", label }, async () => {
    let done = "check";
    try { await copy(text()); } catch { done = "cross"; }
    made.replaceChildren(icon(done));
    made.setAttribute("aria-label", done === "check" ? "Copied" : "Not copied: the browser refuses");
    setTimeout(() => { made.replaceChildren(icon("copy")); made.setAttribute("aria-label", label); }, 2000);
  });
  return made;
}
