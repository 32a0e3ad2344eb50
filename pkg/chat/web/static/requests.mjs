// What is asked of the model, and what of it counts.
import { signedOut, unasked } from "./api.mjs";
import { newAnswer, receive, speed } from "./answer.mjs";

// After an answer, what the server said of the route so long ago is not asked for again, in milliseconds.
const fresh = 5000;

/** Requests asks for answers, and adds them to Stats. */
export class Requests {
  #session; #stats; #model; #counted;

  /** model tells the name that is asked for, counted is called when an answer was added. */
  constructor({ session, stats, model, counted }) {
    this.#session = session;
    this.#stats = stats;
    this.#model = model;
    this.#counted = counted;
  }

  /** receive takes what answer.receive does, and looks in the end whether the route is still the same. */
  async receive(answer, ...request) {
    await this.#receive(answer, ...request);
    this.#session.ask(fresh);
  }

  /** sample counts who answers, by requests that cost one token each. It returns why it ended before all were counted. */
  async sample(count, done) {
    let left = count, ready = 0, why = "";
    const one = async () => {
      while (!why && left-- > 0) {
        const answer = newAnswer("", this.#model());
        if (await this.#receive(answer, [{ role: "user", content: "Say one word." }], new AbortController().signal, () => {}, { max_tokens: 1 })) done(++ready);
        else why = answer.error;
      }
    };
    await Promise.all([one(), one(), one(), one()]);
    this.#session.ask(fresh);
    return why;
  }

  // receive counts an answer, and tells whether the model was asked for it. The refusal may be the model's own: then the page's
  // server still says what it is about.
  async #receive(answer, ...request) {
    const { period } = this.#stats;
    await receive(answer, ...request);
    if (answer.code === signedOut && (await this.#session.ask(), this.#session.out)) {
      answer.error = "You are signed out. Sign in, and ask again by Retry.";
      return false;
    }
    if (unasked.includes(answer.code)) return false;
    if (answer.state !== "stopped" || answer.ttft) {
      this.#stats.add({ period, revision: answer.revision, byWeight: answer.asked === "", failed: answer.state === "cut" || answer.state === "failed", ttft: answer.ttft, speed: speed(answer) });
      this.#counted();
    }
    return true;
  }
}
