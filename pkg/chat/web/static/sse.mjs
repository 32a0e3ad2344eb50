// What a model sends: server-sent events, and in them the pieces of a chat answer.

/** Events reads lines of an event stream from bytes that come in any pieces; bytes that are no UTF-8 become U+FFFD. */
export class Events {
  #decoder = new TextDecoder();
  #rest = "";
  #data = [];

  /** read returns the data of the events that are complete. */
  read(bytes) {
    const text = this.#rest + this.#decoder.decode(bytes, { stream: true });
    const lines = text.split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop();
    const out = [];
    for (const line of lines) {
      if (line.startsWith("data:")) this.#data.push(line.slice(line[5] === " " ? 6 : 5));
      else if (line === "" && this.#data.length > 0) {
        out.push(this.#data.join("\n"));
        this.#data = [];
      }
    }
    return out;
  }
}

/** Thoughts tells the reasoning that a model writes between <think> and </think> from its answer. */
export class Thoughts {
  #state = "start";
  #rest = "";
  #begun = false;
  #trim = false;

  /**
   * split takes a piece and returns {reasoning, text}; `moved` says that all text of the pieces before was reasoning, too: the
   * templates of some models write <think> themselves, and only its end comes, on a line of its own.
   */
  split(piece) {
    const out = { reasoning: "", text: "", moved: false };
    this.#rest += piece;
    if (this.#state === "start") this.#start();
    if (this.#state === "thinking") this.#thinking(out);
    if (this.#state === "answer") this.#answer(out);
    if (this.#state === "over") { out.text += this.#trimmed(); this.#rest = ""; }
    return out;
  }

  /** end returns what was held back because a tag might have begun. */
  end() {
    const rest = this.#rest;
    this.#rest = "";
    return this.#state === "thinking" ? { reasoning: rest, text: "" } : { reasoning: "", text: rest };
  }

  #start() {
    const text = this.#rest.trimStart();
    if (text.startsWith("<think>")) this.#enter("thinking", text.slice(7));
    else if (!"<think>".startsWith(text)) this.#state = "answer";
  }

  #enter(state, rest) {
    this.#state = state;
    this.#rest = rest;
    this.#trim = true;
  }

  // trimmed is what is left without the white space after a tag, which may come in pieces of its own.
  #trimmed() {
    if (this.#trim) this.#rest = this.#rest.trimStart();
    this.#trim &&= this.#rest === "";
    return this.#rest;
  }

  #thinking(out) {
    const text = this.#trimmed(), tag = "</think>";
    const end = text.indexOf(tag);
    const shown = end >= 0 ? end : text.length - held(text, tag);
    out.reasoning += text.slice(0, shown);
    if (end >= 0) this.#enter("over", text.slice(end + tag.length));
    else this.#rest = text.slice(shown);
  }

  #answer(out) {
    const found = /(^|\n)<\/think>\n/.exec(this.#rest);
    if (found && (found[1] === "\n" || !this.#begun)) {
      out.moved = true;
      out.reasoning = this.#rest.slice(0, found.index);
      return this.#enter("over", this.#rest.slice(found.index + found[0].length));
    }
    if (!this.#begun && "</think>\n".startsWith(this.#rest)) return;
    const shown = this.#rest.length - held(this.#rest, "\n</think>\n");
    this.#begun ||= shown > 0;
    out.text += this.#rest.slice(0, shown);
    this.#rest = this.#rest.slice(shown);
  }
}

// held is how many characters at the end of a text may be the beginning of a tag.
function held(text, tag) {
  for (let n = Math.min(text.length, tag.length - 1); n > 0; n--) {
    if (tag.startsWith(text.slice(-n))) return n;
  }
  return 0;
}

/** piece reads one event of a chat completion: {content, reasoning, tools, finish, usage} or {error}. */
export function piece(data) {
  let event;
  try { event = JSON.parse(data); } catch { return { error: "an event of the stream is not JSON" }; }
  if (event?.error) return { error: String(event.error.message ?? JSON.stringify(event.error)) };
  const choice = event?.choices?.[0];
  const delta = choice?.delta ?? choice?.message ?? {};
  return {
    content: text(delta.content),
    reasoning: text(delta.reasoning_content) || text(delta.reasoning),
    tools: Array.isArray(delta.tool_calls) ? delta.tool_calls : [],
    finish: choice?.finish_reason ?? null,
    usage: event?.usage ?? null,
  };
}

const text = (value) => typeof value === "string" ? value : "";
