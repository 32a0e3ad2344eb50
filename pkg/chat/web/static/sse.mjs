// What a model sends: server-sent events, and in them the pieces of a chat answer.

/** longest is how many characters an answer may have, and one event: some two million tokens. More would fill the memory. */
export const longest = 8 << 20;

/** TooLong says that something is over the limit. */
export class TooLong extends Error {
  constructor(what) { super(`${what} is longer than the page reads (${longest} characters).`); }
}

/** Events reads lines of an event stream from bytes that come in any pieces; bytes that are no UTF-8 become U+FFFD. */
export class Events {
  #decoder = new TextDecoder();
  #rest = "";
  #return = false;
  #data = [];
  #size = 0;

  /** read returns the data of the events that are complete. It fails where one is too long. */
  read(bytes) {
    const text = this.#decoder.decode(bytes, { stream: true });
    const ended = this.#return || /[\r\n]/.test(text);
    if (text !== "") this.#return = text.endsWith("\r");
    this.#rest += text;
    this.#size += text.length;
    if (this.#size > longest) throw new TooLong("An event of the stream");
    return ended ? this.#events() : [];
  }

  #events() {
    const lines = this.#rest.split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop();
    const out = [];
    for (const line of lines) {
      if (line.startsWith("data:")) this.#data.push(line.slice(line[5] === " " ? 6 : 5));
      else if (line === "" && this.#data.length > 0) {
        out.push(this.#data.join("\n"));
        this.#data = [];
      }
    }
    this.#size = this.#rest.length + this.#data.reduce((sum, line) => sum + line.length, 0);
    return out;
  }
}

// So much white space before an answer may still hide a tag.
const blank = 1024;

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
    const far = this.#rest.length - text.length > blank;
    if (text.startsWith("<think>") && !far) this.#enter("thinking", text.slice(7));
    else if (!"<think>".startsWith(text) || far) this.#state = "answer";
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

/** piece reads one event of a chat completion: {content, reasoning, tools, finish, tokens} or {error}. What is of another type counts as not there. */
export function piece(data) {
  let event;
  try { event = JSON.parse(data); } catch { return { error: "an event of the stream is not JSON" }; }
  if (event?.error) return { error: String(event.error.message ?? JSON.stringify(event.error)) };
  const choice = event?.choices?.[0];
  const delta = choice?.delta ?? choice?.message ?? {};
  const tokens = event?.usage?.completion_tokens;
  return {
    content: text(delta.content),
    reasoning: text(delta.reasoning_content) || text(delta.reasoning),
    tools: Array.isArray(delta.tool_calls) ? delta.tool_calls : [],
    finish: text(choice?.finish_reason),
    tokens: Number.isSafeInteger(tokens) && tokens > 0 ? tokens : 0,
  };
}

/** text is a value that is one, or else the empty one. */
export const text = (value) => typeof value === "string" ? value : "";
