// Who is signed in, and whether what the server said of itself still holds.
import { about, signedOut } from "./api.mjs";

// How often a page that is seen asks, in milliseconds. The server reads the route every 10 s.
const every = 15_000;

const placeKey = "kservegen.place";

/** Session asks the server what the page is about, again as long as somebody looks. */
export class Session {
  #learn; #end;
  #running = null;
  #asked = -Infinity;

  /** out is why nobody is signed in; null where somebody is, or nobody has to be. */
  out = null;

  /** learn is called with what the server says, end with why it says nothing to who is not signed in. */
  constructor({ learn, end }) {
    this.#learn = learn;
    this.#end = end;
    setInterval(() => { if (!document.hidden && !this.out) this.ask(); }, every);
    // Signed in in another tab, or out; where the browser asks for a password it would ask each time.
    document.addEventListener("visibilitychange", () => { if (!document.hidden && !this.out?.basic) this.ask(); });
  }

  /** ask returns why the server does not say, or null. It does not ask where it did so many milliseconds ago. */
  async ask(age = 0) {
    if (performance.now() - this.#asked < age) return null;
    return this.#running ??= this.#ask().finally(() => { this.#running = null; });
  }

  async #ask() {
    this.#asked = performance.now();
    try {
      const said = await about();
      this.out = null;
      await this.#learn(said);
      return null;
    } catch (error) {
      if (error.code === signedOut) this.#end(this.out = error);
      return error;
    }
  }
}

/** leave keeps what the page looks like while the person signs in elsewhere. */
export function leave(place) { sessionStorage.setItem(placeKey, JSON.stringify(place)); }

/** left tells that the person went to sign in, and nobody is back yet. */
export function left() { return sessionStorage.getItem(placeKey) !== null; }

/** back returns what leave kept, once. What another person left is not returned; whose it is may not be known (null). */
export function back(user) {
  const place = JSON.parse(sessionStorage.getItem(placeKey));
  sessionStorage.removeItem(placeKey);
  return place && [user, null].includes(place.user) ? place : { draft: "", id: "", revision: "", model: "" };
}
