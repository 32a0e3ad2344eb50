// Conversations stay in this browser (IndexedDB): their heads for the list, their turns for the one that is open.

const limit = 200;

/** Store keeps conversations; where the browser keeps nothing it says why, and they live as long as the page. */
export class Store {
  #db = null;
  #memory = new Map();
  #kept = new Set();

  /** open returns the store. `problem` says in words what is not kept. */
  static async open(name = "kservegen-chat") {
    const store = new Store();
    try {
      const request = indexedDB.open(name, 1);
      request.onupgradeneeded = () => {
        request.result.createObjectStore("heads", { keyPath: "id" });
        request.result.createObjectStore("bodies", { keyPath: "id" });
      };
      store.#db = await done(request);
    } catch {
      store.problem = "This browser keeps nothing for the page (a private window?): conversations last until it is closed.";
    }
    return store;
  }

  problem = "";

  /** list returns the heads, newest first. */
  async list() {
    const heads = this.#db ? await done(this.#db.transaction("heads").objectStore("heads").getAll()) : [...this.#memory.values()].map(head);
    return heads.sort((a, b) => b.updated - a.updated);
  }

  /** load returns a whole conversation, or undefined. */
  async load(id) {
    if (!this.#db) return this.#memory.get(id);
    return done(this.#db.transaction("bodies").objectStore("bodies").get(id));
  }

  /** save keeps a conversation. It fails with a sentence for people where there is no room. */
  async save(conversation) {
    if (!this.#db) return void this.#memory.set(conversation.id, conversation);
    // One that is kept already is written at once: a page that is being closed waits for nothing.
    if (!this.#kept.has(conversation.id) && await this.#full(conversation.id)) {
      throw new Error(`${limit} conversations are kept, and there is no room for this one. Export or delete some.`);
    }
    this.#kept.add(conversation.id);
    try {
      const change = this.#db.transaction(["heads", "bodies"], "readwrite");
      change.objectStore("heads").put(head(conversation));
      change.objectStore("bodies").put(conversation);
      change.commit();
      await complete(change);
    } catch (error) {
      if (error?.name !== "QuotaExceededError") throw new Error(`This conversation is not kept: ${error?.message ?? error}`);
      throw new Error("The browser's storage is full, so this conversation is not kept. Export it, or delete others.");
    }
  }

  async #full(id) {
    const heads = this.#db.transaction("heads").objectStore("heads");
    const [known, count] = await Promise.all([done(heads.getKey(id)), done(heads.count())]);
    return known === undefined && count >= limit;
  }

  async remove(id) {
    this.#kept.delete(id);
    if (!this.#db) return void this.#memory.delete(id);
    const change = this.#db.transaction(["heads", "bodies"], "readwrite");
    change.objectStore("heads").delete(id);
    change.objectStore("bodies").delete(id);
    await complete(change);
  }
}

const head = ({ id, title, created, updated }) => ({ id, title, created, updated });

function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error("another tab blocks the storage"));
  });
}

function complete(change) {
  return new Promise((resolve, reject) => {
    change.oncomplete = () => resolve();
    change.onabort = change.onerror = () => reject(change.error);
  });
}
