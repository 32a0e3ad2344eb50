// What is read of Markdown, without a browser.
import { test } from "node:test";
import assert from "node:assert/strict";
import { address, Blocks, inline } from "../../pkg/chat/web/static/markdown.mjs";

function read(text) {
  const blocks = new Blocks();
  blocks.feed(text);
  blocks.end();
  return blocks.blocks;
}

const brief = (text) => read(text).map(({ type, units }) => [type, ...units.map((unit) => unit.lines ? unit.lines.join("\n").trimEnd() : unit)]);

test("blocks", () => {
  for (const [text, want] of Object.entries({
    "one\ntwo\n\nthree": [["text", "one", "two"], ["text", "three"]],
    "# A #\ntext\n### B": [["heading", "A"], ["text", "text"], ["heading", "B"]],
    "#hashtag": [["text", "#hashtag"]],
    "# C#\n## ##": [["heading", "C#"], ["heading", ""]],
    "```go\nx := 1\n\n# no heading\n```\nafter": [["code", "x := 1\n", "\n", "# no heading\n"], ["text", "after"]],
    "~~~\n```\n~~~": [["code", "```\n"]],
    "```\nnever closed": [["code", "never closed\n"]],
    "so:\n- a\n- b\n  more\n\nend": [["text", "so:"], ["list", "a", "b\nmore"], ["text", "end"]],
    "1. a\n   - x\n   - y\n2. b": [["list", "a\n- x\n- y", "b"]],
    "in\n1984. was": [["text", "in", "1984. was"]],
    "- a\n1. b": [["list", "a"], ["list", "b"]],
    "> a\n> b\n\nc": [["quote", "a", "b"], ["text", "c"]],
    "a\n\n---\nb": [["text", "a"], ["rule", ""], ["text", "b"]],
    "say\n| a | b |\n|---|--:|\n| 1 | 2 |\n\nend": [["text", "say"], ["table", ["1", "2"]], ["text", "end"]],
    "| a | b |\n|---|\n": [["text", "| a | b |", "|---|"]],
    "a | b": [["text", "a | b"]],
    "a\r\nb\r\n": [["text", "a", "b"]],
  })) assert.deepEqual(brief(text), want, text);
});

test("inside of blocks", () => {
  const strong = (...children) => ({ type: "strong", children });
  const em = (...children) => ({ type: "em", children });
  for (const [text, want] of Object.entries({
    "a **b *c*** d": ["a ", strong("b ", em("c")), " d"],
    "***x***": [strong(em("x"))],
    "2 * 3 * 4": ["2 * 3 * 4"],
    "snake_case_name": ["snake_case_name"],
    "`a*b*` and ``x`y``": [{ type: "code", text: "a*b*" }, " and ", { type: "code", text: "x`y" }],
    "~~old~~": [{ type: "del", children: ["old"] }],
    "\\*no\\*": ["*no*"],
    "**open": ["**open"],
    "a\nb": ["a", { type: "break" }, "b"],
    "<script>alert(1)</script>": ["<script>alert(1)</script>"],
  })) assert.deepEqual(inline(text), want, text);
});

test("links lead to http, https and mail only", () => {
  for (const target of ["javascript:alert(1)", "JAVASCRIPT:alert(1)", " java\tscript:alert(1)", "data:text/html,<script>1</script>", "vbscript:x", "file:///etc/passwd", "blob:http://x/y", "/relative", "//host/x", "", "https://user:secret@host/"]) {
    assert.equal(address(target), null, target);
  }
  assert.equal(address("https://example.com/a"), "https://example.com/a");
  assert.equal(address("mailto:a@example.com"), "mailto:a@example.com");
  const [link] = inline("[x](javascript:alert(1))");
  assert.deepEqual([link.type, link.href], ["link", null]);
  assert.equal(inline("see https://example.com/a_(b).")[1].href, "https://example.com/a_(b)");
  assert.equal(inline("![p](https://example.com/p.png)")[0].type, "image");
});

const documents = [
  "# T\n\nSome **text** here\nand more\n\n- a\n- b\n  - c\n\n```js\nlet x = 1;\n\ny\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n\n> q\n> r\n\n1. x\n2. y\n\nend",
  "p\n| a | b |\n|:-:|---|\n| 1 | 2 |\nafter\n---\n- x\n\n  y\n\nz",
  `${"word ".repeat(3000)}\n\n${"x".repeat(9000)}\n- after`,
  `\`\`\`\n${"y".repeat(9000)}\n\`\`\`\nend`,
];

test("a text in pieces reads as the whole, whatever is previewed meanwhile", () => {
  let seed = 1;
  const random = (below) => (seed = (seed * 48271) % 2147483647) % below;
  for (const text of documents) {
    const whole = read(text);
    for (let round = 0; round < 40; round++) {
      const blocks = new Blocks();
      let stable = [];
      for (let at = 0; at < text.length;) {
        const size = 1 + random(round < 20 ? 7 : 700);
        blocks.feed(text.slice(at, at + size));
        at += size;
        if (random(2)) blocks.preview();
        for (const [i, block] of stable.entries()) assert.equal(blocks.blocks[i], block, "a block that was stable stays");
        stable = blocks.blocks.slice(0, blocks.stable);
      }
      blocks.end();
      assert.deepEqual(blocks.blocks, whole);
    }
  }
});

test("hostile texts cost no more than their length", () => {
  const size = 400_000;
  const texts = ["*", "_", "`", "[", "](", "![", "<", "**a", "[a](", "> ", "- ", "|", "\\", "`a``", "~~", "*a ", "https://a.b/)"].map((part) => part.repeat(size / part.length));
  // Lines of the longest length that is read at once, each of which makes a careless pattern go back and forth.
  for (const [begin, part, end] of [["# a", " ", "b"], ["# a", " #", "b"], ["```", " ", "`"], ["a|b\n--", " ", "x"], ["https://x/", ")", ""], ["https://x/", "(", ")"], ["- ", "- ", "x"]]) {
    const line = `${begin}${part.repeat(4000 / part.length)}${end}\n\n`;
    texts.push(line.repeat(size / line.length));
  }
  texts.push(Array.from({ length: 5000 }, (_, i) => `${" ".repeat(Math.min(i * 2, 300))}- x`).join("\n"));
  for (const text of texts) {
    const began = performance.now();
    for (const block of read(text)) for (const unit of block.units) inline(Array.isArray(unit) ? unit.join("") : unit.lines?.join("\n") ?? unit);
    const took = performance.now() - began;
    assert.ok(took < 2500, `${took.toFixed(0)} ms for ${text.slice(0, 12)}…`);
  }
});

// What may still change is drawn again with each frame: it must not grow with the text.
test("what may still change stays small", () => {
  const line = "x".repeat(4000);
  for (const [begin, part] of [["- a\n", "b\n"], ["- a\n", "  b\n"], ["- a\n", "\n"], ["- a\n", `${line}\n`], ["", `> ${line}\n`], ["", "> a\n"], ["", "a\n"], ["a|b\n-|-\n", "1|2\n"], ["```\n", "a\n"], ["# a ", line], ["- ", line], ["> ", line]]) {
    const blocks = new Blocks();
    blocks.feed(begin);
    for (let i = 0; i < 300; i++) blocks.feed(part);
    blocks.preview();
    const open = blocks.blocks.slice(blocks.stable).flatMap(({ units, settled }) => units.slice(settled));
    assert.ok(JSON.stringify(open).length < 10_000, `${JSON.stringify(open).length} characters after ${JSON.stringify(begin + part.slice(0, 9))}`);
  }
});
