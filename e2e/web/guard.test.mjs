// Who may ask: tokens, names that others point here, and other sites.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { answered, ask, launch, until, visit } from "./lib/browser.mjs";
import { page as serve } from "./lib/programs.mjs";
import { end, event, scripted } from "./lib/upstreams.mjs";

const token = "a-token-of-22-letters-";
const fine = ({ stream, response }) => { stream(); response.end(event({ content: "fine" }) + end(1)); };
let browser, model, open, closed;

before(async () => {
  model = await scripted({ default: fine });
  open = await serve(model.address);
  closed = await serve(model.address, { token, listen: "0.0.0.0:0" });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  for (const program of [open, closed, model]) await program?.stop();
});

test("the link's token is taken out of the address, and lasts as long as the tab", { timeout: 20_000 }, async () => {
  const { page, context, watched } = await visit(browser, closed.link);
  assert.doesNotMatch(page.url(), /token/);
  await ask(page, "hello");
  await answered(page);
  assert.equal(await page.locator(".answer .text").last().textContent(), "fine");
  await page.reload();
  await page.locator("body[data-ready]").waitFor();
  assert.equal(await page.evaluate(() => history.length), 2);
  assert.deepEqual(watched.errors, []);
  await context.close();
});

test("without a token the page asks for one, and again where it is wrong", { timeout: 20_000 }, async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(closed.link.replace(/#.*/, ""));
  for (const given of ["wrong-token-wrong-token", token]) {
    await page.locator("#ask-value:focus").waitFor();
    await page.keyboard.type(given);
    await page.keyboard.press("Enter");
  }
  await page.locator("body[data-ready]").waitFor();
  assert.equal(await page.locator("#brand").textContent(), "deepseek-r1");
  await context.close();
});

test("a name that was turned to this machine is refused (DNS rebinding)", { timeout: 20_000 }, async () => {
  const { chromium } = await import("playwright-core");
  const rebound = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--host-resolver-rules=MAP evil.example 127.0.0.1"] });
  try {
    for (const link of [open.link, closed.link]) {
      const page = await rebound.newPage();
      const response = await page.goto(link.replace("127.0.0.1", "evil.example"));
      assert.equal(response.status(), 421);
      assert.match(await page.locator("body").textContent(), /does not know itself under the name/);
      const status = await page.evaluate(() => fetch("/api/about", { headers: { "X-Kservegen-Chat": "1" } }).then((answer) => answer.status));
      assert.equal(status, 421);
    }
  } finally { await rebound.close(); }
});

test("another site can neither ask, nor frame, nor load the page", { timeout: 20_000 }, async () => {
  const site = await scripted({});
  const context = await browser.newContext();
  const page = await context.newPage();
  const before = model.seen.length;
  try {
    // Any page of another origin will do: a port is enough to be one.
    await page.goto(`${site.address}/v1/models`);
    const { origin } = new URL(open.link);
    const tried = await page.evaluate(async (to) => {
      const outcome = (options) => fetch(`${to}/api/chat?revision=`, { method: "POST", body: '{"messages":[]}', ...options }).then((answer) => answer.type, () => "refused");
      const loads = (name, properties) => new Promise((resolve) => {
        const element = Object.assign(document.createElement(name), properties);
        element.onload = () => resolve("loaded");
        element.onerror = () => resolve("refused");
        document.body.append(element);
        setTimeout(() => resolve("refused"), 2000);
      });
      return {
        simple: await outcome({ mode: "no-cors", headers: { "Content-Type": "text/plain" } }),
        json: await outcome({ headers: { "Content-Type": "application/json" } }),
        header: await outcome({ headers: { "X-Kservegen-Chat": "1" } }),
        script: await loads("script", { src: `${to}/main.mjs` }),
        image: await loads("img", { src: `${to}/icon.svg` }),
      };
    }, origin);
    assert.deepEqual(tried, { simple: "refused", json: "refused", header: "refused", script: "refused", image: "refused" });
    await page.evaluate((to) => document.body.append(Object.assign(document.createElement("iframe"), { src: to })), origin);
    await until(async () => page.frames().length === 2 && page.frames()[1].url().startsWith("chrome-error:"), "the frame is refused");
    // The first was sent without asking: the server refused it, and the browser kept the answer from the other site.
    assert.equal(model.seen.length, before, "nothing reached the model");
  } finally {
    await context.close();
    await site.stop();
  }
});

test("where the program has ended the page says so", { timeout: 20_000 }, async () => {
  const server = await serve(model.address);
  const { page, context } = await visit(browser, server.link);
  await server.stop();
  await ask(page, "anyone?");
  await answered(page);
  assert.equal(await page.locator(".trouble").textContent(), "The chat's server does not answer. Is the program that served this page still running?");
  await context.close();
});
