// The page: what is open, what is asked, and what is shown of it.
import * as api from "./api.mjs";
import { announcement, AnswerView, newAnswer } from "./answer.mjs";
import { ask } from "./ask.mjs";
import { exported, interrupted, messages, newConversation, titled } from "./conversation.mjs";
import { byId, el } from "./dom.mjs";
import { choose, grow } from "./fields.mjs";
import { letIn, shutOut } from "./gate.mjs";
import { Panel } from "./panel.mjs";
import { Requests } from "./requests.mjs";
import { back, leave, Session } from "./session.mjs";
import { Sidebar } from "./sidebar.mjs";
import { Stats } from "./stats.mjs";
import { Store } from "./store.mjs";

const tones = 5;
// How often an answer that grows is kept, in milliseconds.
const keepEvery = 1000;
const suggestions = [
  "Explain a canary release in three sentences.",
  "Write a Python function that merges two sorted lists.",
  "Compare blue-green and canary deployments in a table.",
];

class Page {
  #session; #sidebar; #panel; #requests;
  #about = { name: "", revisions: [] };
  #user; // undefined until the server has said who is signed in, empty where nobody has to be
  #store = new Store();
  #stats = new Stats();
  #conversation = newConversation();
  #running = new Map();
  #heads = [];
  #following = true;
  #last = [];
  #leaving = false;

  async start() {
    api.takeToken();
    this.#sidebar = new Sidebar(byId("conversations"), {
      open: (head) => this.#open(head.id), rename: (head) => this.#rename(head),
      save: (head) => this.#export(head), remove: (head) => this.#remove(head),
    });
    this.#panel = new Panel(byId("panel"), { stats: this.#stats, tone: (of) => this.#tone(of), sample: (count, done) => this.#barred() ? "Sign in first." : this.#requests.sample(count, done) });
    this.#session = new Session({ learn: (about) => this.#learn(about), end: (why) => shutOut(why, this.#user !== undefined) });
    this.#requests = new Requests({ session: this.#session, stats: this.#stats, model: () => byId("model").value, counted: () => this.#panel.show() });
    this.#listen();
    await this.#introduce();
    document.body.dataset.ready = "";
  }

  // introduce learns what the page talks to, and asks for the token where one is missing.
  async #introduce() {
    for (let error; (error = await this.#session.ask());) {
      if (error.code === "token") {
        const token = await ask({ title: "This chat needs its token", label: "Token (in the link that the program printed)", yes: "Enter", secret: true });
        if (token) api.setToken(token);
        continue;
      }
      if (!this.#session.out) this.#say(error.message);
      this.#show();
      if (this.#session.out) byId("sign-in").focus();
      return;
    }
  }

  // learn takes what the server says of itself, at first and whenever it was asked again.
  async #learn(about) {
    const { name, revisions, unread, signIn } = about;
    const same = JSON.stringify([revisions, unread]) === JSON.stringify([this.#about.revisions, this.#about.unread]);
    this.#about = about;
    letIn(signIn);
    byId("brand").textContent = name || "Chat";
    byId("prompt").placeholder = name ? `Ask ${name}` : "Ask the model";
    if (!same) {
      this.#chooseRevision(revisions);
      byId("status").textContent = this.#panel.revise(revisions, unread);
    }
    byId("shares")?.replaceChildren(this.#sharing());
    await this.#settle(signIn?.id ?? "");
  }

  // settle opens what the user keeps here, where the page was when they left to sign in. Each has a store of their own: one browser
  // may have several, perhaps of the same name, who are not to find each other's conversations.
  async #settle(user) {
    if (user === this.#user) return;
    if (this.#user !== undefined) return location.reload();
    this.#user = user;
    this.#store = await Store.open(user ? `kservegen-chat ${user}` : "kservegen-chat");
    this.#say(this.#store.problem);
    const listed = this.#chooseModel();
    if (!this.#about.model) await listed;
    if (this.#conversation.turns.length > 0) return this.#list();
    const place = back(user);
    byId("prompt").value ||= place.draft;
    choose(byId("revision"), place.revision);
    listed.then(() => choose(byId("model"), place.model));
    await this.#open(location.hash.slice(1) || place.id);
    grow(byId("prompt"));
  }

  // barred tells that nothing can be asked, and leads to where one signs in.
  #barred() {
    if (this.#session.out) byId("sign-in").focus();
    return this.#session.out !== null;
  }

  // signOut leaves nothing on the page. Conversations stay in the browser, for when the user is back.
  async #signOut() {
    try {
      await api.signOut();
    } catch (error) {
      if (error.code !== api.signedOut) return this.#say(error.message);
    }
    history.replaceState(null, "", location.pathname);
    location.reload();
  }

  #chooseRevision(revisions) {
    const chosen = revisions.filter(({ chosen }) => chosen).map(({ name }) => name);
    const pairs = chosen.flatMap((one, i) => chosen.slice(i + 1).map((other) => [one, other]));
    const before = byId("revision").value;
    byId("revision").replaceChildren(
      el("option", { value: "" }, "As users get it"),
      ...chosen.map((name) => el("option", { value: JSON.stringify([name]) }, `Only ${name}`)),
      ...pairs.map((pair) => el("option", { value: JSON.stringify(pair) }, `Compare ${pair.join(" and ")}`)));
    choose(byId("revision"), before);
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
    byId("sign-out").addEventListener("click", () => this.#signOut());
    byId("sign-in").addEventListener("click", () => leave({
      user: this.#user ?? null, id: location.hash.slice(1), draft: prompt.value, revision: byId("revision").value, model: byId("model").value,
    }));
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

  #shares() { return this.#about.revisions.filter(({ weight }) => weight > 0).map(({ name, weight }) => `${name} answers ${weight}`).join(", "); }

  #sharing() { return this.#shares() && `Of 100 requests of users, ${this.#shares()}. Ask as a user does, ask one revision by name, or compare two.`; }

  #welcome() {
    return el("div", { class: "welcome" },
      el("h2", {}, this.#about.name ? `Talk to ${this.#about.name}` : "Talk to the model"),
      el("p", { id: "shares" }, this.#sharing()),
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
    if (text.trim() === "" || this.#running.size > 0 || this.#barred()) return;
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
    if (this.#running.size > 0 || this.#barred()) return;
    const again = newAnswer(answer.asked, byId("model").value || answer.model);
    turn.answers[turn.answers.indexOf(answer)] = again;
    view.element.replaceWith(this.#view(turn, index, again).element);
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
    await this.#requests.receive(answer, messages(conversation, index, answer.asked), controller.signal, (what) => view.changed(what));
    this.#running.delete(answer);
    view.end();
    this.#controls();
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
}

new Page().start();
