// Streams, reasoning, figures and conversations, without a browser.
import { test } from "node:test";
import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";
import { newAnswer, receive, speed } from "../../pkg/chat/web/static/answer.mjs";
import { Events, piece, Thoughts } from "../../pkg/chat/web/static/sse.mjs";
import { chance, median, Stats } from "../../pkg/chat/web/static/stats.mjs";
import { exported, interrupted, messages, newConversation, titled } from "../../pkg/chat/web/static/conversation.mjs";

globalThis.crypto ??= webcrypto; // Node 18, which Debian 12 has

test("events come in any pieces", () => {
  const bytes = new TextEncoder().encode(": comment\n\ndata: {\"a\":\"ü😀\"}\r\n\r\nevent: x\ndata:b\ndata: c\n\ndata: [DONE]\n\ndata: never ended");
  for (let size = 1; size < 20; size++) {
    const events = new Events();
    const got = [];
    for (let at = 0; at < bytes.length; at += size) got.push(...events.read(bytes.slice(at, at + size)));
    assert.deepEqual(got, ["{\"a\":\"ü😀\"}", "b\nc", "[DONE]"], `pieces of ${size}`);
  }
});

test("what is no UTF-8 is shown as such", () => {
  assert.deepEqual(new Events().read(Uint8Array.of(...new TextEncoder().encode("data: a"), 0xff, 0xc3, 0x28, 10, 10)), ["a\ufffd\ufffd("]);
});

test("pieces of an answer", () => {
  assert.equal(piece("{").error, "an event of the stream is not JSON");
  assert.equal(piece('{"error":{"message":"no"}}').error, "no");
  assert.equal(piece('{"choices":[{"delta":{"content":{"evil":1}}}]}').content, "");
  assert.equal(piece('{"choices":[{"delta":{"reasoning":"hm"}}]}').reasoning, "hm");
  assert.equal(piece("null").content, "");
});

function think(text, size) {
  const thoughts = new Thoughts();
  let reasoning = "", shown = "";
  const take = (part) => {
    if (part.moved) { reasoning += shown; shown = ""; }
    reasoning += part.reasoning;
    shown += part.text;
  };
  for (let at = 0; at < text.length; at += size) take(thoughts.split(text.slice(at, at + size)));
  take(thoughts.end());
  return [reasoning, shown];
}

test("reasoning is told from the answer", () => {
  for (const [text, want] of Object.entries({
    "plain": ["", "plain"],
    "<think>\nhm\n</think>\n\nyes": ["hm\n", "yes"],
    "  <think>hm</think>yes </think> x": ["hm", "yes </think> x"],
    "hm so\n</think>\n\nyes": ["hm so", "yes"],
    "</think>\nyes": ["", "yes"],
    "the tag `</think>` ends it": ["", "the tag `</think>` ends it"],
    "<think>cut": ["cut", ""],
    "<thi": ["", "<thi"],
  })) for (let size = 1; size < 12; size++) assert.deepEqual(think(text, size), want, `${text} in pieces of ${size}`);
});

test("figures of revisions", () => {
  assert.equal(median([]), null);
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([1, 2]), 1.5);
  const stats = new Stats();
  for (let i = 0; i < 9; i++) stats.add({ revision: "v1", byWeight: true, ttft: 100 + i, speed: 50 });
  stats.add({ revision: "v2", byWeight: true, ttft: 200, speed: 0 });
  stats.add({ revision: "v2", byWeight: false, ttft: 0, speed: 0 });
  stats.add({ revision: "v2", byWeight: true, failed: true });
  stats.add({ revision: null, byWeight: true, failed: true });
  const rows = stats.rows(["v1", "v2"]);
  assert.deepEqual(rows.map(({ name, byWeight, byName, errors, share, ttft }) => [name, byWeight, byName, errors, share, ttft]),
    [["v1", 9, 0, 0, 0.9, 104], ["v2", 1, 1, 1, 0.1, 200], [null, 0, 0, 1, 0, null]]);
});

// Against the sums of the binomial distribution, in exact integers.
test("chance is the binomial test", () => {
  const near = (got, want) => assert.ok(Math.abs(got - want) < 1e-4, `${got}, want ${want}`);
  near(chance(2, 20, 0.1), 1);
  near(chance(0, 20, 0.1), 0.2545);
  near(chance(6, 20, 0.1), 0.0113);
  near(chance(8, 10, 0.5), 0.1094);
  assert.equal(chance(0, 0, 0.1), 1);
  assert.equal(chance(1, 10, 0), 0);
  assert.equal(chance(0, 10, 0), 1);
});

test("a revision is told its own answers", () => {
  const conversation = newConversation();
  conversation.turns = [
    { prompt: "a", answers: [{ asked: "v1", text: "1" }, { asked: "v2", text: "2" }] },
    { prompt: "b", answers: [{ asked: "", text: "" }] },
    { prompt: "c", answers: [{ asked: "v2", text: "3" }] },
  ];
  const told = (asked) => messages(conversation, 2, asked).map(({ content }) => content);
  assert.deepEqual(told("v2"), ["a", "2", "c"]);
  assert.deepEqual(told(""), ["a", "1", "c"]);
  assert.deepEqual(JSON.parse(exported(conversation)).messages.map(({ content }) => content), ["a", "1", "c", "3"]);
});

test("titles and answers that were interrupted", () => {
  assert.equal(titled("  a\nb"), "a");
  assert.equal([...titled("😀".repeat(100))].length, 60);
  const { turns: [{ answers }] } = interrupted({ turns: [{ answers: [{ state: "streaming", text: "x" }, { state: "waiting", text: "", reasoning: "" }, { state: "done", text: "y" }] }] });
  assert.deepEqual(answers.map(({ state }) => state), ["cut", "failed", "done"]);
});

/** received is an answer to a stream that has these bodies of events, as the page reads it. */
async function received(parts, { type = "text/event-stream", status = 200 } = {}) {
  const encoder = new TextEncoder();
  let read = 0;
  const body = new ReadableStream({ pull(controller) { if (read < parts.length) controller.enqueue(encoder.encode(parts[read++])); else controller.close(); } }, { highWaterMark: 0 });
  globalThis.sessionStorage = { getItem: () => null };
  globalThis.fetch = async () => new Response(body, { status, headers: { "Content-Type": type } });
  const answer = newAnswer("", "m");
  await receive(answer, [], new AbortController().signal, () => {});
  return { answer, read };
}

const delta = (delta, rest = {}) => `data: ${JSON.stringify({ choices: [{ delta, finish_reason: null }], ...rest })}\n\n`;

test("tool calls come in order, and are of text", async () => {
  const call = (index, name) => delta({ tool_calls: [{ index, id: "x", function: { name, arguments: "" } }] });
  const { answer } = await received([call(0, "a"), call(0, { evil: 1 }), call(1, "b"), delta({}, { usage: { completion_tokens: { toString: 1 } } }), "data: [DONE]\n\n"]);
  assert.deepEqual(answer.tools.map((tool) => tool.function.name), ["a", "b"]);
  assert.deepEqual([answer.state, answer.tokens], ["done", 3]);
  for (const index of [4294967294, -1, 0.5, "__proto__", "constructor", {}]) {
    const { answer } = await received([call(index, "a"), "data: [DONE]\n\n"]);
    assert.deepEqual([answer.state, answer.error, answer.tools.length, [].id], ["failed", "The model sent a tool call out of order.", 0, undefined], String(index));
  }
});

test("nothing grows without an end", { timeout: 20_000 }, async () => {
  const mega = "x".repeat(1 << 20);
  for (const [what, part, options] of [
    ["an event that never ends", mega, {}],
    ["an event of many lines", `data: ${mega}\n`, {}],
    ["an answer", delta({ content: mega }), {}],
    ["reasoning", delta({ reasoning: mega }), {}],
    ["a tool call", delta({ tool_calls: [{ index: 0, function: { name: "a", arguments: mega } }] }), {}],
    ["white space before an answer", delta({ content: mega.replaceAll("x", " ") }), {}],
    ["an answer that is no stream", mega, { type: "application/json" }],
    ["a refusal", mega, { status: 500 }],
  ]) {
    const { answer, read } = await received(Array.from({ length: 100 }, () => part), options);
    assert.ok(read < 30, `${what}: ${read} MiB were read`);
    assert.ok(["cut", "failed"].includes(answer.state), what);
    assert.match(answer.error, /longer than the page reads|failed\. \(500/, what);
  }
});

test("white space before an answer is read once", () => {
  const thoughts = new Thoughts();
  const began = performance.now();
  for (let i = 0; i < 200_000; i++) thoughts.split("          ");
  assert.ok(performance.now() - began < 2000, `${performance.now() - began} ms`);
});

test("tokens that come all at once have no speed", () => {
  assert.equal(speed({ tokens: 30, took: 100.05, ttft: 100 }), 0);
  assert.equal(speed({ tokens: 3, took: 120, ttft: 100 }), 100);
});
