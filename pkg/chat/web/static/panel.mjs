// The panel: which revisions answer, how often, and how fast.
import { el } from "./dom.mjs";
import { seconds } from "./answer.mjs";
import { chance } from "./stats.mjs";

// weights are the shares as a text that is another where they are.
const weights = (revisions) => JSON.stringify(revisions.filter(({ weight }) => weight > 0).map(({ name, weight }) => [name, weight]).sort());
const known = (revisions) => weights(revisions) !== "[]";
const share = (revisions, name) => known(revisions) && name ? `${revisions.find((r) => r.name === name)?.weight ?? 0} %, ` : "";

/** Panel shows Stats in an element. */
export class Panel {
  #element; #stats; #tone;
  #revisions = [];
  #unread = "";
  #before = "";
  #stopped = "";

  /** sample asks for a number of short answers by weight and says after each how many are there, and in the end why there are fewer. */
  constructor(element, { stats, tone, sample }) {
    this.sample = sample;
    this.#element = element;
    this.#stats = stats;
    this.#tone = tone;
    this.figures = el("div", { class: "panel" });
    this.count = el("button", { type: "button", class: "wide", on: { click: () => this.#sample() } }, "Count 20 short answers");
    this.reset = el("button", { type: "button", class: "quiet", on: { click: () => this.#clear() } }, "Reset");
    element.append(el("h2", {}, "Revisions"), this.figures, this.count, this.reset);
    this.show();
  }

  async #sample() {
    this.count.disabled = true;
    this.#stopped = "";
    let counted = 0;
    const why = await this.sample(20, (done) => { counted = done; this.count.textContent = `Counting: ${done} of 20`; });
    if (why) this.#stopped = `The count ended after ${counted} of 20. ${why}`;
    this.count.textContent = "Count 20 short answers";
    this.count.disabled = false;
    this.show();
  }

  #clear() {
    this.#stats.clear();
    this.#before = this.#stopped = "";
    this.show();
  }

  /**
   * revise takes the revisions as they are now, and returns what it tells of it. Other weights begin a new count: answers that were
   * shared out by different ones say nothing together. `unread` is the model whose route the server fails to read.
   */
  revise(revisions, unread = "") {
    const before = this.#revisions, missed = this.#unread;
    this.#revisions = revisions;
    this.#unread = unread;
    const told = [(before.length > 0 || missed) && this.#anew(before), unread !== missed && this.#missing()];
    this.show();
    return told.filter(Boolean).join(" ");
  }

  // anew begins a new count where the weights are others than before, and tells so.
  #anew(before) {
    const revisions = this.#revisions;
    if (weights(before) === weights(revisions)) return "";
    const what = !known(revisions) ? "are unknown since" : known(before) ? "changed at" : "are known since";
    const { total } = this.#stats;
    const then = this.#stats.rows(before.map(({ name }) => name)).map(({ name, byWeight }) => `${name ?? "unknown"} ${share(before, name)}${byWeight} of ${total} answers`);
    const at = new Date().toLocaleTimeString([], { timeStyle: "short" });
    this.#before = `The route's weights ${what} ${at}, and the count began anew.${total ? ` Before: ${then.join("; ")}.` : ""}`;
    this.#stats.renew();
    return this.#before;
  }

  // missing tells what to do where the server should know the weights and does not.
  #missing() {
    return this.#unread && `The route's weights are unknown because the page cannot read the route: an operator finds the reason in the page's log, and in a cluster makes sure that the Role ${this.#unread}-chat is there.`;
  }

  show() {
    const rows = this.#stats.rows(this.#revisions.map(({ name }) => name));
    const weight = (name) => this.#revisions.find((r) => r.name === name)?.weight;
    this.#element.hidden = false;
    this.figures.replaceChildren(...this.#share(rows), rows.length ? this.#table(rows, weight) : "", ...this.#notes(rows, weight));
    this.reset.hidden = rows.every((row) => !row.byWeight && !row.byName && !row.errors) && !this.#before && !this.#stopped;
  }

  // share is a bar of all answers by weight; the table says the same in numbers.
  #share(rows) {
    if (this.#stats.total === 0) return [];
    const bar = el("div", { class: "share", "aria-hidden": "true" });
    for (const row of rows.filter(({ byWeight }) => byWeight > 0)) {
      const part = el("i", { "data-tone": row.name === null ? null : this.#tone(row.name) });
      part.style.flexGrow = String(row.byWeight);
      bar.append(part);
    }
    return [bar];
  }

  #table(rows, weight) {
    const line = (label, value) => el("tr", {}, el("th", { scope: "row" }, label), ...rows.map((row) => el("td", {}, value(row))));
    const percent = (share) => `${Math.round(share * 100)} %`;
    const lines = [
      line("Answers by weight", (row) => String(row.byWeight)),
      line("Share", (row) => this.#stats.total ? percent(row.share) : "–"),
    ];
    if (rows.some(({ name }) => weight(name) !== undefined)) lines.push(line("Route", (row) => weight(row.name) === undefined ? "–" : `${weight(row.name)} %`));
    lines.push(
      line("Asked by name", (row) => String(row.byName)),
      line("First token", (row) => row.ttft === null ? "–" : seconds(row.ttft)),
      line("Tokens/s", (row) => row.speed === null ? "–" : row.speed.toFixed(0)),
      line("Errors", (row) => String(row.errors)),
    );
    return el("table", {},
      el("caption", { class: "away" }, "Answers by revision of this visit"),
      el("thead", {}, el("tr", {}, el("td"), ...rows.map(({ name }) => el("th", { scope: "col" }, el("span", { class: "badge", "data-tone": name === null ? null : this.#tone(name) }, name ?? "unknown"))))),
      el("tbody", {}, ...lines));
  }

  #notes(rows, weight) {
    const out = [this.#stopped, this.#missing(), this.#before].filter(Boolean);
    const known = rows.filter(({ name }) => weight(name) !== undefined);
    const total = known.reduce((sum, row) => sum + row.byWeight, 0);
    const odd = known.some((row) => chance(row.byWeight, total, weight(row.name) / 100) < 0.01);
    if (total >= 5) out.push(odd ? "This is not what the route's weights let expect: chance alone does so less than once in 100 times." : "Within what chance makes of the route's weights.");
    if (rows.some(({ name, byWeight }) => name === null && byWeight > 0)) {
      out.push("The route does not say which revision answered (no header x-llm-revision), so answers by weight cannot be told apart." + (this.#revisions.some(({ chosen }) => chosen) ? " Ask a revision by name instead." : ""));
    }
    return out.map((text) => el("p", { class: "note" }, text));
  }
}
