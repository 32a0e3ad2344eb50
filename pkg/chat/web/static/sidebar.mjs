// The list of conversations.
import { button, el } from "./dom.mjs";

/** Sidebar shows heads of conversations in a list, with what can be done to each. */
export class Sidebar {
  #list; #actions;

  /** actions are open, rename, save and remove, each called with a head. */
  constructor(list, actions) {
    this.#list = list;
    this.#actions = actions;
  }

  /** show replaces the list; `current` is the id of the one that is open. */
  show(heads, current) {
    const focused = document.activeElement?.closest?.("[data-id]")?.dataset.id;
    this.#list.replaceChildren(...heads.map((head) => this.#item(head, head.id === current)));
    if (focused) this.#list.querySelector(`[data-id="${CSS.escape(focused)}"] button`)?.focus();
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
