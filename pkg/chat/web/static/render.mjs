// Blocks of Markdown as elements. Only what may still change is drawn again.
import { Blocks, inline, maxDepth } from "./markdown.mjs";
import { copyButton, el } from "./dom.mjs";

// A code block is drawn in pieces, of which the browser lays out only those in sight.
const pieceLines = 64;

/** Rendered shows a text that grows in one element. */
export class Rendered {
  #blocks = new Blocks();
  #drawn = [];
  #stable = 0;
  #waiting = "";

  constructor(element) { this.element = element; }

  /** add takes more text; show draws it. */
  add(text) { this.#waiting += text; }

  /** behind is how many characters wait to be drawn. */
  get behind() { return this.#waiting.length; }

  /** show draws at most so many characters of what waits. */
  show(most = Infinity) {
    this.#blocks.feed(this.#waiting.slice(0, most));
    this.#waiting = this.#waiting.slice(most);
    this.#blocks.preview();
    this.#draw();
  }

  /** finish draws all of it: no more will come. */
  finish() {
    this.#blocks.feed(this.#waiting);
    this.#waiting = "";
    this.#blocks.end();
    this.#draw();
  }

  #draw() {
    const blocks = this.#blocks.blocks;
    for (const { element } of this.#drawn.splice(blocks.length)) element.remove();
    for (let i = this.#stable; i < blocks.length; i++) this.#drawBlock(i, blocks[i]);
    this.#stable = this.#blocks.stable;
  }

  #drawBlock(i, block) {
    let drawn = this.#drawn[i];
    if (drawn?.block !== block) {
      const made = view(block, 0);
      if (drawn) drawn.element.replaceWith(made.element); else this.element.append(made.element);
      drawn = this.#drawn[i] = { block, ...made };
    }
    drawn.update();
  }
}

// view makes the element of a block, and what brings it up to date.
function view(block, depth) {
  switch (block.type) {
    case "code": return codeView(block);
    case "list": return listView(block, depth);
    case "table": return tableView(block);
    case "rule": return fixed(el("hr"));
    case "quote": return redrawn(el("blockquote", { dir: "auto" }), () => nested(block.units.join("\n"), depth));
    case "heading": return redrawn(el(`h${Math.min(block.level + 2, 6)}`, { dir: "auto" }), () => words(block.units[0]));
    default: return redrawn(el("p", { dir: "auto", class: block.continued ? "continued" : null }), () => words(block.units.join("\n")));
  }
}

const fixed = (element) => ({ element, update() {} });
const redrawn = (element, children) => ({ element, update() { element.replaceChildren(...children()); } });

// growing keeps the children of settled units and draws the others again.
function growing(element, block, draw) {
  let kept = 0;
  return () => {
    while (element.childElementCount > kept) element.lastElementChild.remove();
    element.append(...block.units.slice(kept).map(draw));
    kept = block.settled;
  };
}

function listView(block, depth) {
  const element = el(block.ordered ? "ol" : "ul", { start: block.ordered && block.start !== 1 ? String(block.start) : null });
  return {
    element,
    update: growing(element, block, (unit) => el("li", { dir: "auto", class: unit.continued ? "continued" : null }, ...nested(unit.lines.join("\n"), depth))),
  };
}

function tableView(block) {
  const cell = (name, text, i) => el(name, { class: block.align[i] === "left" ? null : block.align[i], dir: "auto", scope: name === "th" ? "col" : null }, ...words(text));
  const body = el("tbody");
  const table = el("table", {}, el("thead", {}, el("tr", {}, ...block.head.map((text, i) => cell(text === "" ? "td" : "th", text, i)))), body);
  return {
    element: el("div", { class: "table", tabindex: "0", role: "region", "aria-label": "Table" }, table),
    update: growing(body, block, (row) => el("tr", {}, ...block.align.map((_, i) => cell("td", row[i] ?? "", i)))),
  };
}

function codeView(block) {
  const code = el("code", {});
  const bar = el("div", { class: "bar" }, el("span", {}, block.language || "code"), copyButton("Copy the code", () => block.units.join("")));
  const element = el("figure", { class: "code" }, bar, el("pre", { tabindex: "0", role: "region", "aria-label": "Code" }, code));
  let kept = 0, piece = null, tail = null;
  return {
    element,
    update() {
      tail?.remove();
      for (; kept < block.settled; kept++) {
        if (kept % pieceLines === 0) code.append(piece = el("span", { class: "piece" }, document.createTextNode("")));
        piece.firstChild.appendData(block.units[kept]);
      }
      tail = document.createTextNode(block.units.slice(kept).join(""));
      code.append(tail);
    },
  };
}

// nested draws a whole text, of an item or a quotation; a single paragraph stands without an element of its own.
function nested(text, depth) {
  if (depth >= maxDepth) return [document.createTextNode(text)];
  const inner = new Blocks();
  inner.feed(text);
  inner.end();
  if (inner.blocks.length > 0 && inner.blocks[0].type === "text") {
    const [first, ...rest] = inner.blocks;
    return [...words(first.units.join("\n")), ...rest.map((block) => whole(block, depth + 1))];
  }
  return inner.blocks.map((block) => whole(block, depth + 1));
}

function whole(block, depth) {
  const { element, update } = view(block, depth);
  update();
  return element;
}

function words(text) { return inline(text).map(word); }

function word(node) {
  if (typeof node === "string") return document.createTextNode(node);
  switch (node.type) {
    case "break": return el("br");
    case "code": return el("code", {}, node.text);
    case "link": case "image": return link(node);
    default: return el(node.type, {}, ...node.children.map(word));
  }
}

// link never fetches anything by itself: a picture is an address to be followed, like any. One that may not be followed
// is shown as what it is, a text.
function link({ type, href, target, children }) {
  const shown = children.map(word);
  if (href === null) return el("span", { class: "refused", title: "Not a link to http, https or mail" }, ...shown, ` (${target})`);
  if (type === "image") shown.unshift("Picture: ");
  return el("a", { href, title: href, target: "_blank", rel: "noopener noreferrer nofollow", referrerpolicy: "no-referrer" }, ...shown);
}
