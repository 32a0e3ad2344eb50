// The page: what is open, what is asked, and what is shown of it.
import * as api from "./api.mjs";
import { AnswerView, newAnswer, receive, speed } from "./answer.mjs";
import { ask } from "./ask.mjs";
import { exported, interrupted, messages, newConversation, titled } from "./conversation.mjs";
import { el } from "./dom.mjs";
import { Panel } from "./panel.mjs";
import { Sidebar } from "./sidebar.mjs";
import { Stats } from "./stats.mjs";
import { Store } from "./store.mjs";

const byId = (id) => document.getElementById(id);
const tones = 5;
// How often an answer that grows is kept, in milliseconds.
const keepEvery = 1000;
const suggestions = [
  "Explain a canary release in three sentences.",
  "Write a Python function that merges two sorted lists.",
  "Compare blue-green and canary deployments in a table.",
];

class Page {
  #store; #about; #sidebar; #panel;
  #stats = new Stats();
  #conversation = newConversation();
  #running = new Map();
  #heads = [];
  #following = true;
  #last = [];
  #leaving = false;

  async start() {
    api.takeToken();
    this.#store = await Store.open();
    this.#sidebar = new Sidebar(byId("conversations"), {
      open: (head) => this.#open(head.id), rename: (head) => this.#rename(head),
      save: (head) => this.#export(head), remove: (head) => this.#remove(head),
    });
    this.#say(this.#store.problem);
    this.#listen();
    await this.#introduce();
    await this.#open(location.hash.slice(1));
    document.body.dataset.ready = "";
  }

  // introduce learns what the page talks to, and asks for the token where one is missing.
  async #introduce() {
    for (;;) {
      try {
        this.#about = await api.about();
        break;
      } catch (error) {
        if (error.status !== 401) { this.#about = { name: "", revisions: [] }; this.#say(error.message); break; }
        const token = await ask({ title: "This chat needs its token", label: "Token (in the link that the program printed)", yes: "Enter", secret: true });
        if (token) api.setToken(token);
      }
    }
    const { name, revisions } = this.#about;
    byId("brand").textContent = name || "Chat";
    byId("prompt").placeholder = name ? `Ask ${name}` : "Ask the model";
    this.#chooseRevision(revisions);
    this.#panel = new Panel(byId("panel"), {
      stats: this.#stats, revisions, tone: (of) => this.#tone(of),
      sample: (count, done) => this.#sample(count, done), clear: () => { this.#stats.clear(); this.#panel.show(); },
    });
    const listed = this.#chooseModel();
    if (!this.#about.model) await listed;
  }

  #chooseRevision(revisions) {
    const chosen = revisions.filter(({ chosen }) => chosen).map(({ name }) => name);
    const pairs = chosen.flatMap((one, i) => chosen.slice(i + 1).map((other) => [one, other]));
    byId("revision").replaceChildren(
      el("option", { value: "" }, "As users get it"),
      ...chosen.map((name) => el("option", { value: JSON.stringify([name]) }, `Only ${name}`)),
      ...pairs.map((pair) => el("option", { value: JSON.stringify(pair) }, `Compare ${pair.join(" and ")}`)));
    byId("revision-pick").hidden = chosen.length === 0;
  }

  // chooseModel shows the model that is known at once, and the others once the server has listed them.
  async #chooseModel() {
    const known = this.#about.model ? [this.#about.model] : [];
    this.#showModels(known);
    try {
      this.#showModels([...new Set([...known, ...await api.models()])]);
    } catch (error) {
      this.#say(error.message);
    }
  }

  #showModels(names) {
    const select = byId("model");
    const chosen = select.value || names[0] || "";
    select.replaceChildren(...names.map((name) => el("option", { value: name }, name)));
    select.value = chosen;
    byId("model-pick").hidden = names.length < 2;
  }

  #listen() {
    const prompt = byId("prompt");
    byId("new").addEventListener("click", () => this.#open(""));
    byId("stop").addEventListener("click", () => this.#stop());
    byId("composer").addEventListener("submit", (event) => { event.preventDefault(); this.#send(); });
    prompt.addEventListener("input", () => grow(prompt));
    prompt.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#send();
    });
    addEventListener("keydown", (event) => { if (event.key === "Escape" && !byId("ask").open && !document.querySelector("[popover]:popover-open")) this.#stop(); });
    addEventListener("hashchange", () => { if (location.hash.slice(1) !== this.#conversation.id) this.#open(location.hash.slice(1)); });
    addEventListener("pagehide", () => this.#leave());
    addEventListener("pageshow", () => { this.#leaving = false; });
    this.#watchScrolling(byId("scroller"));
  }

  // The end of a growing answer stays in sight until the person looks elsewhere. What the browser scrolls by itself says nothing
  // of what people want, so it is their means that are watched.
  #watchScrolling(scroller) {
    const away = () => { this.#following = false; };
    scroller.addEventListener("wheel", ({ deltaY }) => { if (deltaY < 0) away(); }, { passive: true });
    scroller.addEventListener("touchmove", away, { passive: true });
    scroller.addEventListener("keydown", ({ key }) => { if (["PageUp", "ArrowUp", "Home"].includes(key)) away(); });
    scroller.addEventListener("pointerdown", ({ target }) => { if (target === scroller) away(); });
    scroller.addEventListener("scroll", () => { if (scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 40) this.#following = true; }, { passive: true });
    scroller.addEventListener("drawn", () => this.#follow());
  }

  #follow() {
    if (this.#following) byId("scroller").scrollTop = byId("scroller").scrollHeight;
  }

  #tone(name) {
    const place = this.#about.revisions.findIndex((revision) => revision.name === name);
    return String((place < 0 ? this.#about.revisions.length : place) % tones);
  }

  // say shows what is wrong with the page itself, and announces it.
  #say(problem) {
    byId("storage").textContent = problem;
    byId("storage").hidden = problem === "";
    if (problem) byId("status").textContent = problem;
  }

  async #open(id) {
    this.#stop();
    const found = id ? await this.#store.load(id) : undefined;
    this.#conversation = found ? interrupted(found) : newConversation();
    history.replaceState(null, "", found ? `#${id}` : location.pathname);
    if (byId("sidebar").matches(":popover-open")) byId("sidebar").hidePopover();
    this.#show();
    await this.#list();
    if (document.activeElement === document.body || document.activeElement === byId("new")) byId("prompt").focus();
  }

  async #list() {
    this.#heads = await this.#store.list();
    this.#sidebar.show(this.#heads, this.#conversation.id);
  }

  #show() {
    const { title, turns } = this.#conversation;
    byId("title").textContent = title;
    document.title = `${title} · ${this.#about.name || "Chat"}`;
    this.#last = [];
    byId("turns").replaceChildren(...(turns.length ? turns.map((turn, i) => this.#turn(turn, i)) : [this.#welcome()]));
    this.#following = true;
    this.#follow();
    this.#controls();
  }

  #welcome() {
    const weighed = this.#about.revisions.filter(({ weight }) => weight > 0);
    const shares = weighed.map(({ name, weight }) => `${name} answers ${weight}`).join(", ");
    return el("div", { class: "welcome" },
      el("h2", {}, this.#about.name ? `Talk to ${this.#about.name}` : "Talk to the model"),
      shares ? el("p", {}, `Of 100 requests of users, ${shares}. Ask as a user does, ask one revision by name, or compare two.`) : "",
      el("ul", {}, ...suggestions.map((text) => el("li", {}, el("button", { type: "button", on: { click: () => this.#send(text) } }, text)))));
  }

  #turn(turn, index) {
    const answers = el("div", { class: "answers", "data-count": String(turn.answers.length) }, ...turn.answers.map((answer) => this.#view(turn, index, answer).element));
    return el("article", { class: "turn" }, el("h2", { class: "away" }, `You: ${titled(turn.prompt)}`), el("div", { class: "prompt", dir: "auto" }, turn.prompt), answers);
  }

  #view(turn, index, answer) {
    const view = new AnswerView(answer, { tone: (name) => this.#tone(name) });
    if (index === this.#conversation.turns.length - 1) {
      view.mayRetry(() => this.#retry(turn, index, answer, view));
      this.#last.push(view);
    }
    return view;
  }

  // append shows a new turn. What is said in it rests on the answers before, so these are not asked for again.
  #append(turn) {
    for (const view of this.#last) view.mayRetry(null);
    this.#last = [];
    const index = this.#conversation.turns.push(turn) - 1;
    if (index === 0) return this.#show();
    byId("turns").append(this.#turn(turn, index));
    this.#following = true;
    this.#follow();
  }

  async #send(text = byId("prompt").value) {
    if (text.trim() === "" || this.#running.size > 0) return;
    const prompt = byId("prompt");
    prompt.value = "";
    grow(prompt);
    prompt.focus();
    const conversation = this.#conversation;
    if (conversation.turns.length === 0) conversation.title = titled(text);
    const asked = byId("revision").value ? JSON.parse(byId("revision").value) : [""];
    const turn = { prompt: text, at: Date.now(), answers: asked.map((name) => newAnswer(name, byId("model").value)) };
    this.#append(turn);
    history.replaceState(null, "", `#${conversation.id}`);
    await this.#answerAll(conversation, conversation.turns.length - 1);
  }

  async #retry(turn, index, answer, view) {
    if (this.#running.size > 0) return;
    const fresh = newAnswer(answer.asked, byId("model").value || answer.model);
    turn.answers[turn.answers.indexOf(answer)] = fresh;
    view.element.replaceWith(this.#view(turn, index, fresh).element);
    byId("prompt").focus();
    await this.#answerAll(this.#conversation, index);
  }

  // answerAll asks for the answers of a turn that have not begun, side by side.
  async #answerAll(conversation, index) {
    const turn = conversation.turns[index];
    const article = byId("turns").children[index];
    const answers = article.querySelector(".answers");
    const waiting = turn.answers.filter((answer) => answer.state === "waiting");
    const views = new Map(waiting.map((answer) => {
      const view = this.#view(turn, index, answer);
      answers.children[turn.answers.indexOf(answer)].replaceWith(view.element);
      return [answer, view];
    }));
    const kept = setInterval(() => this.#keep(conversation), keepEvery);
    await Promise.all([this.#keep(conversation), ...waiting.map((answer) => this.#answer(conversation, index, answer, views.get(answer)))]);
    clearInterval(kept);
    byId("status").textContent = waiting.map(announcement).join(" ");
    await this.#keep(conversation);
  }

  async #answer(conversation, index, answer, view) {
    const controller = new AbortController();
    this.#running.set(answer, controller);
    this.#controls();
    await receive(answer, messages(conversation, index, answer.asked), controller.signal, (what) => view.changed(what));
    this.#running.delete(answer);
    view.end();
    this.#count(answer);
    this.#controls();
  }

  #count(answer) {
    if (answer.state === "stopped" && !answer.ttft) return;
    this.#stats.add({ revision: answer.revision, byWeight: answer.asked === "", failed: answer.state === "cut" || answer.state === "failed", ttft: answer.ttft, speed: speed(answer) });
    this.#panel.show();
  }

  // leave keeps what came so far. The browser cuts what is still coming, which is then no trouble of the model's.
  #leave() {
    this.#leaving = true;
    if (this.#running.size === 0) return;
    this.#store.save(interrupted(structuredClone(this.#conversation))).catch(() => { /* nobody is there to be told */ });
  }

  async #keep(conversation) {
    if (conversation.removed || this.#leaving) return;
    conversation.updated = Date.now();
    try {
      await this.#store.save(conversation);
      this.#say(this.#store.problem);
    } catch (error) {
      this.#say(error.message);
    }
    await this.#list();
  }

  #stop() { for (const controller of this.#running.values()) controller.abort(); }

  #controls() {
    const busy = this.#running.size > 0;
    const stopFocused = document.activeElement === byId("stop");
    byId("send").hidden = busy;
    byId("stop").hidden = !busy;
    if (!busy && stopFocused) byId("prompt").focus();
  }

  async #rename(head) {
    const title = await ask({ title: "Rename the conversation", label: "Title", value: head.title, yes: "Rename" });
    const conversation = title && await this.#current(head.id);
    if (!conversation) return;
    conversation.title = title.slice(0, 200);
    await this.#keep(conversation);
    if (head.id === this.#conversation.id) byId("title").textContent = conversation.title;
  }

  async #export(head) {
    const conversation = await this.#current(head.id);
    if (!conversation) return;
    const address = URL.createObjectURL(new Blob([exported(conversation)], { type: "application/json" }));
    el("a", { href: address, download: `${conversation.title.replace(/[^\p{L}\p{N}]+/gu, "-").slice(0, 60) || "conversation"}.json` }).click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  }

  async #remove(head) {
    if (!await ask({ title: `Delete “${head.title}”?`, yes: "Delete" })) return;
    const open = head.id === this.#conversation.id;
    if (open) this.#conversation.removed = true;
    await this.#store.remove(head.id);
    await (open ? this.#open("") : this.#list());
    byId("new").focus();
  }

  // current is the conversation as it is open, or as it was kept.
  async #current(id) { return id === this.#conversation.id ? this.#conversation : this.#store.load(id); }

  // sample counts who answers, by requests that cost one token each.
  async #sample(count, done) {
    let left = count, ready = 0;
    const one = async () => {
      while (left-- > 0) {
        const answer = newAnswer("", byId("model").value);
        await receive(answer, [{ role: "user", content: "Say one word." }], new AbortController().signal, () => {}, { max_tokens: 1 });
        this.#count(answer);
        done(++ready);
      }
    };
    await Promise.all([one(), one(), one(), one()]);
  }
}

// announcement is what a screen reader is told of an answer once it is there, and not of each token.
function announcement(answer) {
  const who = answer.revision ? `Answer of ${answer.revision}` : "Answer";
  const how = { done: "", stopped: ", stopped", cut: ", cut", failed: " failed" }[answer.state];
  return `${who}${how}: ${(answer.error || answer.text).slice(0, 500)}`;
}

// grow gives the prompt the height of its text, up to a third of the window.
function grow(prompt) {
  prompt.style.height = "auto";
  prompt.style.height = `${Math.min(prompt.scrollHeight, innerHeight / 3)}px`;
}

new Page().start();
