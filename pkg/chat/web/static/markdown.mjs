// Markdown as models write it, read line by line while it arrives. Text goes in, blocks come out, and nothing of the page
// is known here. What was read is never read again: of the blocks only the last may still change, and of its units
// (items, rows, lines) only those after `settled`. A hostile text costs no more than its length: lines and blocks are cut
// where they get too long, nesting ends at a depth, and a search that failed once is not repeated.

const maxLine = 4096;
const maxBlock = 4096;
const maxQuote = 100;
export const maxDepth = 6;

// No two neighbours in a pattern may match the same characters: a long line would make it try all ways to share them.
const heading = /^ {0,3}(#{1,6})[ \t]+(.*)$/;
const fence = /^ {0,3}(`{3,}|~{3,})([^`]*)$/;
const rule = /^ {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$/;
const quote = /^ {0,3}> ?(.*)$/;
const item = /^( {0,3})([-*+]|\d{1,9}[.)])(?:[ \t]+(.*)|)$/;
const delimiters = /^ {0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*(?:\|[ \t]*)?$/;

/** Blocks reads a text of which more may come. */
export class Blocks {
  /** Each block: {type, units, settled, …}. */
  blocks = [];
  #open = null;
  #rest = "";
  #mark = null;
  #cut = false;

  /** stable is how many blocks will never change. */
  get stable() { return this.#mark ? this.#mark.stable : this.blocks.length - (this.#open ? 1 : 0); }

  /** feed reads more. */
  feed(text) {
    this.#undo();
    this.#rest += text;
    let from = 0;
    for (;;) {
      const end = this.#rest.indexOf("\n", from);
      const length = (end < 0 ? this.#rest.length : end) - from;
      if (length > maxLine) {
        const cut = cutAt(this.#rest, from);
        this.#line(this.#rest.slice(from, cut), true);
        from = cut;
      } else if (end < 0) break;
      else {
        this.#line(this.#rest.slice(from, end).replace(/\r$/, ""), false);
        from = end + 1;
      }
    }
    this.#rest = this.#rest.slice(from);
  }

  /** preview reads the line that has not ended as if it had; the next feed takes that back. */
  preview() {
    if (this.#rest === "" || this.#mark) return;
    const open = this.#open;
    this.#mark = {
      stable: this.stable, count: this.blocks.length, last: this.blocks.at(-1), open, cut: this.#cut,
      units: open?.units.length, size: open?.size, lines: open?.units.at(-1)?.lines?.length, unitSize: open?.units.at(-1)?.size, settled: open?.settled,
    };
    this.#line(this.#rest, false);
    if (open) open.settled = this.#mark.settled;
  }

  /** end reads what is left. */
  end() {
    this.#undo();
    if (this.#rest !== "") this.#line(this.#rest, false);
    this.#rest = "";
    this.#close();
  }

  #undo() {
    const mark = this.#mark;
    if (!mark) return;
    this.#mark = null;
    this.blocks.length = mark.count;
    if (mark.count > 0) this.blocks[mark.count - 1] = mark.last;
    this.#open = mark.open;
    this.#cut = mark.cut;
    if (!mark.open) return;
    mark.open.units.length = mark.units;
    const last = mark.open.units.at(-1);
    if (last?.lines) { last.lines.length = mark.lines; last.size = mark.unitSize; }
    mark.open.settled = mark.settled;
    if (mark.size !== undefined) mark.open.size = mark.size;
  }

  #push(block) {
    this.#close();
    this.blocks.push(block);
    this.#open = block;
    return block;
  }

  #close() {
    if (!this.#open) return;
    this.#open.settled = this.#open.units.length;
    this.#open = null;
  }

  #line(line, cut) {
    const continued = this.#cut;
    this.#cut = cut;
    if (this.#open?.type === "code") return this.#code(line, cut, continued);
    if (continued) return this.#text(line, true);
    if (this.#open?.type === "list" && this.#listed(line)) return;
    if (line.trim() === "") return this.#close();
    this.#begin(line);
  }

  #code(line, cut, continued) {
    const open = this.#open;
    const end = fence.exec(line);
    if (end && !continued && end[2].trim() === "" && end[1][0] === open.mark[0] && end[1].length >= open.mark.length) return this.#close();
    open.units.push(line + (cut ? "" : "\n"));
    open.settled = open.units.length;
  }

  #begin(line) {
    let found = heading.exec(line);
    if (found) {
      this.#push({ type: "heading", level: found[1].length, units: [headed(found[2])], settled: 0 });
      return this.#close();
    }
    found = fence.exec(line);
    if (found) return this.#push({ type: "code", mark: found[1], language: found[2].trim().split(/\s/, 1)[0].slice(0, 30), units: [], settled: 0 });
    if (rule.test(line)) { this.#push({ type: "rule", units: [""], settled: 0 }); return this.#close(); }
    found = quote.exec(line);
    if (found) return this.#quoted(found[1]);
    found = item.exec(line);
    if (found && this.#mayBegin(found)) return this.#newList(found);
    if (this.#rows(line)) return;
    this.#text(line, false);
  }

  // A number in the middle of a paragraph is most often no list: only 1 begins one there.
  #mayBegin(found) {
    return this.#open?.type !== "text" || (found[3] ?? "") !== "" && (/^[-*+]$/.test(found[2]) || parseInt(found[2], 10) === 1);
  }

  #quoted(line) {
    const fits = this.#open?.type === "quote" && this.#open.units.length < maxQuote && this.#open.size + line.length < maxBlock;
    const open = fits ? this.#open : this.#push({ type: "quote", size: 0, units: [], settled: 0 });
    open.units.push(line);
    open.size += line.length;
  }

  #newList([, indent, mark, text]) {
    const ordered = !/^[-*+]$/.test(mark);
    const list = this.#push({ type: "list", ordered, start: ordered ? parseInt(mark, 10) : 1, units: [], settled: 0 });
    list.units.push(unit(text, indent.length + mark.length + 1));
  }

  // listed takes a line into the open list, or says that it ends there.
  #listed(line) {
    const list = this.#open;
    const last = list.units.at(-1);
    if (line.trim() === "") return this.#more(list, "");
    const indent = line.length - line.trimStart().length;
    const found = item.exec(line);
    if (found && indent < 2 && !rule.test(line)) {
      if (!/^[-*+]$/.test(found[2]) !== list.ordered) return false;
      list.settled = list.units.length;
      list.units.push(unit(found[3], found[1].length + found[2].length + 1));
      return true;
    }
    if (indent >= 2) return this.#more(list, line.slice(Math.min(indent, last.width)));
    if (last.lines.at(-1) === "" || heading.test(line) || fence.test(line) || rule.test(line) || quote.test(line)) return false;
    return this.#more(list, line);
  }

  // more adds a line to the last item. One that gets too long goes on in a unit of its own, so that the others are settled.
  #more(list, line) {
    const last = list.units.at(-1);
    if (last.lines.length < maxQuote && last.size + line.length < maxBlock) {
      last.lines.push(line);
      last.size += line.length;
    } else {
      list.settled = list.units.length;
      list.units.push({ ...unit(line, last.width), continued: true });
    }
    return true;
  }

  // rows takes a line of a table, of which the one before the dashes looked like text.
  #rows(line) {
    const open = this.#open;
    if (open?.type === "table") {
      if (!line.includes("|")) return false;
      open.settled = open.units.length;
      open.units.push(cells(line, open.align.length));
      return true;
    }
    const head = open?.type === "text" ? open.units.at(-1) : "";
    if (!head.includes("|") || !delimiters.test(line)) return false;
    const align = cells(line).map(alignment);
    if (cells(head).length !== align.length) return false;
    const before = open.units.slice(0, -1);
    this.blocks[this.blocks.length - 1] = { type: "text", units: before, settled: before.length };
    if (before.length === 0) this.blocks.pop();
    this.#open = { type: "table", head: cells(head), align, units: [], settled: 0 };
    this.blocks.push(this.#open);
    return true;
  }

  #text(line, continued) {
    const open = this.#open;
    if (open?.type === "text" && open.size + line.length < maxBlock) {
      open.units.push(line);
      open.size += line.length;
      return;
    }
    const full = open?.type === "text";
    this.#push({ type: "text", continued: continued || full, size: line.length, units: [line], settled: 0 });
  }
}

// unit is an item of a list; `width` is how far its further lines are indented.
const unit = (text, width) => ({ lines: [text ?? ""], size: text?.length ?? 0, width });

// headed leaves out the signs that may close a heading.
function headed(text) {
  const line = text.trimEnd();
  let end = line.length;
  while (line[end - 1] === "#") end--;
  return /[ \t]|^$/.test(line[end - 1] ?? "") ? line.slice(0, end).trimEnd() : line;
}

// cutAt is where a line that is too long ends: after a space near the limit, and never inside of a character.
function cutAt(text, from) {
  const end = from + maxLine;
  const space = text.lastIndexOf(" ", end);
  if (space > end - 200) return space + 1;
  return /[\uD800-\uDBFF]/.test(text[end - 1]) ? end - 1 : end;
}

function cells(line, count = 64) {
  const row = line.trim().replace(/^\|/, "").replace(/\|$/, "");
  return row.split(/(?<!\\)\|/).slice(0, count).map((cell) => cell.trim().replaceAll("\\|", "|"));
}

function alignment(dashes) {
  if (dashes.endsWith(":")) return dashes.startsWith(":") ? "center" : "right";
  return "left";
}

/**
 * inline reads what is inside of a block: strings, and nodes {type, children} of the types strong, em, del, code (text),
 * break, link and image (href, null where it is none that may be followed).
 */
export function inline(text, depth = 0) {
  return new Inline(text, depth).read();
}

const marks = ["***", "**", "__", "~~", "*", "_"];
const bare = /https?:\/\/[^\s<>"`]+/y;
const bracketed = /<((?:https?:\/\/|mailto:)[^\s<>]+)>/y;

class Inline {
  #text; #depth;
  #at = 0;
  #plain = "";
  #out = [];
  #missing = new Set();

  constructor(text, depth) { this.#text = text; this.#depth = depth; }

  read() {
    while (this.#at < this.#text.length) {
      if (!this.#special()) this.#plain += this.#text[this.#at++];
    }
    this.#flush();
    return this.#out;
  }

  #flush() {
    if (this.#plain !== "") this.#out.push(this.#plain);
    this.#plain = "";
  }

  #node(node, end) {
    this.#flush();
    this.#out.push(node);
    this.#at = end;
    return true;
  }

  #special() {
    switch (this.#text[this.#at]) {
      case "\\": return this.#escape();
      case "\n": return this.#node({ type: "break" }, this.#at + 1);
      case "`": return this.#codeSpan();
      case "*": case "_": case "~": return this.#emphasis();
      case "!": return this.#text[this.#at + 1] === "[" && this.#link(this.#at + 1, "image");
      case "[": return this.#link(this.#at, "link");
      case "<": return this.#address(bracketed, 1);
      case "h": return !/\w/.test(this.#text[this.#at - 1] ?? "") && this.#address(bare, 0);
    }
    return false;
  }

  #escape() {
    const next = this.#text[this.#at + 1] ?? "";
    if (next === "\n") return this.#node({ type: "break" }, this.#at + 2);
    if (!/[!-/:-@[-`{-~]/.test(next)) return false;
    this.#plain += next;
    this.#at += 2;
    return true;
  }

  #codeSpan() {
    const run = /`+/y;
    run.lastIndex = this.#at;
    const [ticks] = run.exec(this.#text);
    const from = this.#at + ticks.length;
    let end = this.#missing.has(ticks) ? -1 : this.#text.indexOf(ticks, from);
    while (end >= 0 && (this.#text[end + ticks.length] === "`")) {
      let after = end + ticks.length;
      while (this.#text[after] === "`") after++;
      end = this.#text.indexOf(ticks, after);
    }
    if (end < 0) {
      this.#missing.add(ticks);
      this.#plain += ticks;
      this.#at = from;
      return true;
    }
    return this.#node({ type: "code", text: this.#text.slice(from, end).replace(/^ (.*\S.*) $/s, "$1") }, end + ticks.length);
  }

  #emphasis() {
    const text = this.#text, at = this.#at;
    if (this.#depth >= maxDepth) return false;
    for (const mark of marks) {
      if (!text.startsWith(mark, at) || this.#missing.has(mark)) continue;
      if (/\s|^$/.test(text[at + mark.length] ?? "")) continue;
      if (mark[0] === "_" && /\w/.test(text[at - 1] ?? "")) continue;
      const end = this.#closing(mark, at + mark.length);
      if (end < 0) { this.#missing.add(mark); continue; }
      const children = inline(text.slice(at + mark.length, end), this.#depth + 1);
      const type = { 1: "em", 2: mark === "~~" ? "del" : "strong", 3: "strong" }[mark.length];
      return this.#node({ type, children: mark.length === 3 ? [{ type: "em", children }] : children }, end + mark.length);
    }
    // A run that opens nothing is text as a whole.
    let end = at;
    while (text[end] === text[at]) end++;
    this.#plain += text.slice(at, end);
    this.#at = end;
    return true;
  }

  #closing(mark, from) {
    const text = this.#text;
    for (let end = text.indexOf(mark, from + 1); end >= 0; end = text.indexOf(mark, end + 1)) {
      if (/\s/.test(text[end - 1]) || text[end - 1] === "\\") continue;
      if (mark.length === 1 && (text[end + 1] === mark || text[end - 1] === mark)) { continue; }
      if (mark[0] === "_" && /\w/.test(text[end + mark.length] ?? "")) continue;
      // Of a longer run the inner marks come first.
      while (mark.length === 2 && text[end + 2] === mark[0]) end++;
      return end;
    }
    return -1;
  }

  #link(open, type) {
    const text = this.#text;
    if (this.#depth >= maxDepth || this.#missing.has("](")) return false;
    const middle = closes(text, open, "[", "]", 1000);
    if (middle < 0 || text[middle + 1] !== "(") {
      if (text.indexOf("](", open) < 0) this.#missing.add("](");
      return false;
    }
    const end = closes(text, middle + 1, "(", ")", 2000);
    if (end < 0) {
      if (text.indexOf(")", middle) < 0) this.#missing.add("](");
      return false;
    }
    const [target] = text.slice(middle + 2, end).trim().replace(/^<(.*)>$/s, "$1").split(/\s+["'(]/, 1);
    const words = text.slice(open + 1, middle);
    return this.#node({ type, href: address(target), target, children: type === "image" ? [words] : inline(words, this.#depth + 1) }, end + 1);
  }

  #address(pattern, group) {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (!found) return false;
    let shown = found[group], whole = found[0];
    if (group === 0) whole = shown = untrailed(shown);
    return this.#node({ type: "link", href: address(shown), target: shown, children: [shown] }, this.#at + whole.length);
  }
}

// untrailed leaves out what ends the sentence and not the address.
function untrailed(url) {
  let end = url.length, open = url.split("(").length - url.split(")").length;
  for (; /[.,;:!?'*_~)\]]/.test(url[end - 1]); end--) {
    if (url[end - 1] === ")" && open++ >= 0) break;
  }
  return url.slice(0, end);
}

// closes finds the bracket that closes the one at `open`, no farther than `limit` characters away.
function closes(text, open, left, right, limit) {
  let depth = 0;
  for (let at = open; at < text.length && at < open + limit; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === left) depth++;
    else if (text[at] === right && --depth === 0) return at;
  }
  return -1;
}

/** address is a URL that may be followed, or null: no scripts, no data, nothing relative to this page. */
export function address(target) {
  let url;
  try { url = new URL(target); } catch { return null; }
  if (!["http:", "https:", "mailto:"].includes(url.protocol) || url.username || url.password) return null;
  return url.href;
}
