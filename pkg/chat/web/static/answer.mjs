// One answer: what is kept of it, how it comes, and how it looks.
import { chat, ChatError } from "./api.mjs";
import { button, copyButton, el } from "./dom.mjs";
import { Rendered } from "./render.mjs";
import { longest, text, Thoughts, TooLong } from "./sse.mjs";

// Of a frame's 16 ms the text may take half; the rest is the browser's.
const frameTime = 8;
const portion = 8192;

/**
 * newAnswer is an answer that has not begun. States: waiting, streaming, done, stopped, cut, failed. `asked` is the revision that
 * was asked for by name, empty where the route chose.
 */
export function newAnswer(asked, model) {
  return { asked, model, revision: null, how: "", pod: "", state: "waiting", text: "", reasoning: "", tools: [], error: "", code: "", finish: "", at: Date.now(), ttft: 0, took: 0, tokens: 0, counted: false };
}

/** over says that nothing more will come by itself. */
export const over = (answer) => answer.state !== "waiting" && answer.state !== "streaming";

/**
 * receive asks and writes into the answer what comes; `changed` is called with the pieces. It never fails: the state tells.
 * `limits` are added to the request, as max_tokens.
 */
export async function receive(answer, messages, signal, changed, limits = {}) {
  const began = performance.now();
  const thoughts = new Thoughts();
  let last = began, size = 0;
  const take = ({ reasoning, text, moved = false }) => {
    if (moved) { answer.reasoning += answer.text; answer.text = ""; }
    answer.reasoning += reasoning;
    answer.text += text;
    changed({ reasoning, text, moved });
  };
  try {
    const request = { model: answer.model, messages, stream: true, stream_options: { include_usage: true }, ...limits };
    for await (const part of chat(request, answer.asked, signal)) {
      if (part.head) { identify(answer, part.head); changed({}); continue; }
      if (part.content || part.reasoning || part.tools.length) {
        size += part.content.length + part.reasoning.length + (part.tools.length && JSON.stringify(part.tools).length);
        if (size > longest) throw new TooLong("The answer");
        last = performance.now();
        if (!answer.ttft) answer.ttft = last - began;
        if (!answer.counted) answer.tokens++;
        answer.state = "streaming";
      }
      if (part.reasoning) take({ reasoning: part.reasoning, text: "" });
      if (part.content) take(thoughts.split(part.content));
      if (part.tools.length) addTools(answer.tools, part.tools);
      if (part.tokens) { answer.tokens = part.tokens; answer.counted = true; }
      if (part.finish) answer.finish = part.finish;
    }
    answer.state = "done";
  } catch (error) {
    fail(answer, error, signal);
  }
  take(thoughts.end());
  answer.took = (over(answer) && last > began ? last : performance.now()) - began;
}

// identify says who answered, and how that is known.
function identify(answer, { revision, pod }) {
  answer.pod = pod ?? "";
  answer.revision = revision || answer.asked || null;
  answer.how = revision ? "header" : answer.asked ? "asked" : "unknown";
}

function fail(answer, error, signal) {
  if (signal.aborted) { answer.state = "stopped"; return; }
  if (!(error instanceof ChatError || error instanceof TooLong)) error = new ChatError("cut", `The page failed to read the answer: ${error.message}`);
  answer.state = answer.text || answer.reasoning || answer.tools.length ? "cut" : "failed";
  answer.error = error.message;
  answer.code = error.code ?? "";
}

// addTools joins the pieces of calls, whose arguments come as text bit by bit.
function addTools(tools, pieces) {
  for (const part of pieces) {
    const index = part?.index ?? 0;
    if (!Number.isInteger(index) || index < 0 || index > tools.length) throw new ChatError("model", "The model sent a tool call out of order.");
    const call = tools[index] ??= { id: "", type: "function", function: { name: "", arguments: "" } };
    call.id = text(part?.id) || call.id;
    call.function.name += text(part?.function?.name);
    call.function.arguments += text(part?.function?.arguments);
  }
}

// What comes in one packet says nothing of how fast it was made; in milliseconds.
const leastTime = 10;

/** speed is in tokens per second, without the time to the first; 0 where there are too few, or they came all at once. */
export function speed({ tokens, took, ttft }) {
  return tokens > 1 && took - ttft >= leastTime ? (tokens - 1) / (took - ttft) * 1000 : 0;
}

/** announcement is what a screen reader is told of an answer once it is there, and not of each token. */
export function announcement(answer) {
  const who = answer.revision ? `Answer of ${answer.revision}` : "Answer";
  const how = { done: "", stopped: ", stopped", cut: ", cut", failed: " failed" }[answer.state];
  return `${who}${how}: ${(answer.error || answer.text).slice(0, 500)}`;
}

/** AnswerView shows an answer, and goes on showing it while it grows. */
export class AnswerView {
  #answer; #tone; #retry = null; #text; #reasoning; #frame = 0; #ended = false; #shown = "";

  /** tone is the colour of a revision by name. */
  constructor(answer, { tone }) {
    this.#answer = answer;
    this.#tone = tone;
    this.who = el("div", { class: "who" });
    this.summary = el("summary", {}, "Reasoning");
    this.thoughts = el("div", { class: "text" });
    this.folded = el("details", { class: "reasoning", hidden: true, on: { toggle: () => this.#later() } }, this.summary, this.thoughts);
    this.body = el("div", { class: "text" });
    this.foot = el("div", { class: "foot" });
    this.element = el("div", { class: "answer", role: "group" }, this.who, this.folded, this.body, this.foot);
    this.#restart();
    if (over(answer)) this.end();
  }

  #restart() {
    this.#text = new Rendered(this.body);
    this.#reasoning = new Rendered(this.thoughts);
    this.body.replaceChildren();
    this.thoughts.replaceChildren();
    this.#text.add(this.#answer.text);
    this.#reasoning.add(this.#answer.reasoning);
    this.#later();
  }

  /** changed takes what receive says. */
  changed({ reasoning = "", text = "", moved = false }) {
    if (moved) return this.#restart();
    this.#reasoning.add(reasoning);
    this.#text.add(text);
    this.#later();
  }

  /** mayRetry offers to ask again, or no longer. */
  mayRetry(retry) {
    this.#retry = retry;
    this.#later();
  }

  /** end says that nothing more comes. */
  end() {
    this.#ended = true;
    this.#later();
  }

  // A page that nobody sees gets no frames; it need not be drawn either.
  #later() {
    this.#frame ||= requestAnimationFrame(() => { this.#frame = 0; this.#draw(); });
  }

  #draw() {
    const until = performance.now() + frameTime;
    this.#parts();
    for (const [text, shown] of [[this.#reasoning, this.folded.open], [this.#text, true]]) {
      if (!shown) continue;
      do text.show(portion); while (text.behind > 0 && performance.now() < until);
      if (text.behind > 0) this.#later();
      else if (this.#ended) text.finish();
    }
    this.element.setAttribute("aria-busy", String(!this.#ended || this.#text.behind > 0));
    this.element.dispatchEvent(new CustomEvent("drawn", { bubbles: true }));
  }

  #parts() {
    const answer = this.#answer;
    const name = answer.revision ?? (answer.asked || "");
    const shown = [name, answer.pod, answer.state, answer.text === "", answer.reasoning === "", this.#ended, this.#retry !== null].join();
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.element.setAttribute("aria-label", name ? `Answer of ${name}` : "Answer");
    this.element.dataset.state = answer.state;
    this.who.replaceChildren(...this.#origin(name));
    this.folded.hidden = answer.reasoning === "";
    this.summary.textContent = answer.text === "" && !this.#ended ? "Reasoning…" : "Reasoning";
    this.foot.replaceChildren(...this.#ending());
  }

  #origin(name) {
    const answer = this.#answer;
    const known = name ? el("span", { class: "badge", "data-tone": this.#tone(name) }, name) : el("span", { class: "badge" }, answer.how === "unknown" ? "unknown revision" : this.#ended ? "no answer" : "waiting");
    const out = [known];
    if (answer.asked) out.push(el("span", { class: "muted" }, "asked by name"));
    if (answer.pod) out.push(el("span", { class: "muted pod", title: "The pod that answered" }, answer.pod));
    return out;
  }

  #ending() {
    const answer = this.#answer;
    if (!this.#ended) return [el("span", { class: "dots", "aria-hidden": "true" }, el("i"), el("i"), el("i"))];
    const out = [];
    if (answer.tools.length) out.push(toolCalls(JSON.stringify(answer.tools, null, 2)));
    const trouble = troubles(answer);
    if (trouble) out.push(el("p", { class: "trouble" }, trouble));
    const row = el("div", { class: "row" }, el("span", { class: "figures" }, figures(answer)));
    if (answer.text) row.append(copyButton("Copy the answer", () => answer.text));
    if (this.#retry) row.append(button({ symbol: "retry", label: "Retry", shown: trouble !== "" }, () => this.#retry()));
    out.push(row);
    return out;
  }
}

// toolCalls shows them as the model wrote them; nothing carries them out.
function toolCalls(text) {
  const bar = el("div", { class: "bar" }, el("span", {}, "Tool calls, not carried out"), copyButton("Copy the tool calls", () => text));
  return el("figure", { class: "code" }, bar, el("pre", { tabindex: "0", role: "region", "aria-label": "Tool calls" }, el("code", {}, text)));
}

const count = (tokens) => `${tokens} ${tokens === 1 ? "token" : "tokens"}`;

function troubles(answer) {
  const received = answer.tokens ? ` Received: ${count(answer.tokens)}, shown above.` : "";
  switch (answer.state) {
    case "stopped": return `Stopped.${received}`;
    case "cut": return `${answer.error}${received}`;
    case "failed": return answer.error;
  }
  return answer.finish === "length" ? "The answer ends here because it reached the limit of tokens." : "";
}

/** figures are the numbers of an answer in words. */
export function figures(answer) {
  const rate = speed(answer);
  return [
    answer.ttft ? `${seconds(answer.ttft)} to first token` : "",
    rate ? `${rate.toFixed(rate < 10 ? 1 : 0)} tokens/s` : "",
    answer.tokens ? `${answer.counted ? "" : "≈"}${count(answer.tokens)}` : "",
  ].filter(Boolean).join(" · ");
}

/** seconds writes milliseconds for people. */
export function seconds(ms) { return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(ms < 10000 ? 2 : 0)} s`; }
