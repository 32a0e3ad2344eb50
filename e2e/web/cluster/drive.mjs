// A page in a real browser, driven line by line by the suite of the cluster (e2e/kind/browser): each line of standard input is a
// command with its arguments, as ["ask", {"prompt": "Hello"}]; each gets a line of standard output, {"value": …} or {"error": "…"}.
import { createInterface } from "node:readline";
import { answered, ask, launch, until, visit } from "../lib/browser.mjs";

let browser, page, context, watched, known = [], asks = 0;

// An answer that is to be cut must last: the page's own request gets a length that the simulator keeps to. 0 leaves it alone.
let tokens = 0;
const lengthened = (route) => route.continue(tokens ? { postData: JSON.stringify({ ...route.request().postDataJSON(), max_tokens: tokens, ignore_eos: true }) } : {});

const commands = {
  /** open visits a page whose hosts are at other addresses, with the credentials that a person would type, if any. */
  async open({ link, addresses, user, password }) {
    known = Object.keys(addresses);
    browser = await launch([`--host-resolver-rules=${known.map((host) => `MAP ${host} ${addresses[host]}`).join(", ")}`]);
    ({ page, context, watched } = await visit(browser, link, { ignoreHTTPSErrors: true, httpCredentials: user ? { username: user, password } : undefined }));
    page.on("request", (request) => { if (request.url().includes("/api/chat?")) asks++; });
    await page.route("**/api/chat?*", lengthened);
  },
  async ask({ prompt, length = 0 }) {
    tokens = length;
    await ask(page, prompt);
  },
  /** begun waits until something of the last answer is there. */
  begun: () => until(() => page.locator("#turns .answer").last().evaluate((answer) => answer.dataset.state === "streaming" && answer.querySelector(":scope > .text").textContent.length > 20), "an answer begins"),
  answered: () => answered(page, 60_000),
  /** count has the panel ask for 20 short answers. */
  async count() {
    const button = page.getByRole("button", { name: "Count 20 short answers" });
    await button.click();
    await until(() => button.isEnabled(), "twenty are counted", 60_000);
  },
  retry: () => { tokens = 0; return page.getByRole("button", { name: "Retry" }).last().click(); },
  reload: () => page.reload().then(() => page.locator("body[data-ready]").waitFor()),
  /** signIn goes to the issuer, as the page says, and waits until the page is back. */
  async signIn() {
    await page.locator("#sign-in").click();
    await until(() => page.locator("body[data-ready] #user").textContent().then((user) => user !== "", () => false), "somebody is signed in");
  },
  see: async () => ({ ...await page.evaluate(seen), asked: asks }),
  /** close says what the page did that it may not: ask others, break its own policy, fail. */
  async close() {
    const strangers = [...watched.hosts].filter((host) => !known.some((one) => one === host || one.startsWith(`${host}:`)));
    await context.close();
    await browser.close();
    return [...strangers.map((host) => `it asked ${host}`), ...watched.refused, ...watched.errors];
  },
};

// seen runs in the page: what a person sees of the answers and of the panel.
function seen() {
  const answers = [...document.querySelectorAll("#turns .answer")].map((answer) => ({
    state: answer.dataset.state ?? "",
    revision: answer.querySelector(".badge")?.textContent ?? "",
    pod: answer.querySelector(".pod")?.textContent ?? "",
    text: answer.querySelector(":scope > .text")?.textContent ?? "",
    trouble: answer.querySelector(".trouble")?.textContent ?? "",
    retry: [...answer.querySelectorAll("button")].some((button) => /Retry/.test(button.textContent + button.ariaLabel)),
  }));
  const names = [...document.querySelectorAll("#panel thead th")].map((cell) => cell.textContent.trim());
  const lines = Object.fromEntries([...document.querySelectorAll("#panel tbody tr")].map((line) => [
    line.querySelector("th").textContent.trim(), [...line.querySelectorAll("td")].map((cell) => cell.textContent.trim()),
  ]));
  const number = (label, i) => Number.parseInt(lines[label]?.[i] ?? "0", 10) || 0;
  const revisions = names.map((name, i) => ({ name, answers: number("Answers by weight", i), route: number("Route", i), errors: number("Errors", i) }));
  const notes = [...document.querySelectorAll("#panel .note")].map((note) => note.textContent);
  return { answers, revisions, notes, problem: document.getElementById("storage").textContent, user: document.getElementById("user").textContent };
}

for await (const line of createInterface({ input: process.stdin })) {
  const [name, options = {}] = JSON.parse(line);
  let result;
  try {
    result = { value: await commands[name](options) ?? null };
  } catch (error) {
    result = { error: `${name}: ${error.message}` };
  }
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
await browser?.close();
