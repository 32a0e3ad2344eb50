// The list of conversations.
import { button, el } from "./dom.mjs";

/** Sidebar shows heads of conversations in a list, with what can be done to each. */
export class Sidebar {
  #list; #actions; #shown = "";

  /** actions are open, rename, save and remove, each called with a head. */
  constructor(list, actions) {
    this.#list = list;
    this.#actions = actions;
  }

  /**
   * show replaces the list where something in it changed; `current` is the id of the one that is open. What had the focus keeps
   * it: while an answer comes the list is shown each second.
   */
  show(heads, current) {
    const shown = JSON.stringify([current, heads.map(({ id, title }) => [id, title])]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    const item = document.activeElement?.closest?.("[data-id]");
    const place = item ? [...item.querySelectorAll("button")].indexOf(document.activeElement) : -1;
    this.#list.replaceChildren(...heads.map((head) => this.#item(head, head.id === current)));
    if (item) this.#list.querySelector(`[data-id="${CSS.escape(item.dataset.id)}"]`)?.querySelectorAll("button")[place]?.focus();
  }

  #item(head, current) {
    const { open, rename, save, remove } = this.#actions;
    const title = el("button", { type: "button", class: "title", "aria-current": current ? "page" : null, title: head.title, on: { click: () => open(head) } }, head.title);
    const tools = el("span", { class: "tools" },
      button({ symbol: "rename", label: `Rename: ${head.title}` }, () => rename(head)),
      button({ symbol: "save", label: `Export: ${head.title}` }, () => save(head)),
      button({ symbol: "delete", label: `Delete: ${head.title}` }, () => remove(head)));
    return el("li", { "data-id": head.id }, title, tools);
  }
}
