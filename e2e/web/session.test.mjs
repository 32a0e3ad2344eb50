// What a page lives through that stays open: the route changes, the server limits, and whoever is signed in is not any more.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { answered, ask, launch, lookAgain, noticed, until, violations, visit } from "./lib/browser.mjs";
import { page as serve } from "./lib/programs.mjs";
import { end, event, scripted } from "./lib/upstreams.mjs";

const fine = ({ stream, response }) => { stream(); response.end(event({ content: "fine" }) + end(1)); };
let browser, model, server, count = 0;

before(async () => {
  model = await scripted({
    "model's own 401": ({ response }) => { response.writeHead(401, { "Content-Type": "application/json" }); response.end('{"error":{"message":"no key","code":"invalid_api_key"}}'); },
    "model's own 403": ({ response }) => { response.writeHead(403, { "Content-Type": "text/plain" }); response.end("RBAC: access denied"); },
    "model's own 429": ({ response }) => { response.writeHead(429, { "Retry-After": "7", "Content-Type": "application/json" }); response.end('{"error":{"message":"slow down","code":429}}'); },
    default: fine,
  }, () => ++count % 10 === 0 ? "v2" : "v1");
  server = await serve(model.address, { revisions: ["v1,90,x-llm-track,v1", "v2,10,x-llm-track,v2"] });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  for (const program of [server, model]) await program?.stop();
});

/** visited runs a test in a new page whose server `says` what the test lets it: of about, what to change in it or a refusal; of chat, a refusal or nothing. */
function visited(name, run, options = {}) {
  test(name, { timeout: 30_000 }, async () => {
    const says = { about: {}, chat: null, asked: 0, ...options };
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: "reduce" });
    await context.route("**/api/about", async (route) => {
      says.asked++;
      if (says.about.status) return route.fulfill(says.about);
      const response = await route.fetch();
      return route.fulfill({ response, json: { ...await response.json(), ...says.about } });
    });
    await context.route("**/api/chat*", (route) => says.chat ? route.fulfill(says.chat) : route.continue());
    await context.route("**/api/sign-out", (route) => { says.about = says.gone; return route.fulfill({ status: 204 }); });
    const { page, watched } = await visit(browser, server.link, { context });
    await run(page, says);
    assert.deepEqual(watched.refused, []);
    assert.deepEqual(watched.errors, []);
    await context.close();
  });
}

const shares = (page) => page.locator("#panel tbody tr").first().locator("td").allTextContents();
const notes = (page) => page.locator("#panel .note").allTextContents().then((all) => all.join("\n"));
const weights = (...pairs) => pairs.map(([name, weight]) => ({ name, weight, chosen: true }));

visited("answers of different weights are not counted together", async (page, says) => {
  count = 0;
  await page.getByRole("button", { name: "Count 20 short answers" }).click();
  await until(async () => (await shares(page)).join() === "18,2", "twenty are counted");
  assert.match(await notes(page), /^Within what chance makes/);
  await page.locator("#revision").selectOption({ label: "Only v2" });
  says.about = { revisions: weights(["v1", 50], ["v2", 50], ["v3", 0]) };
  await noticed(page, async () => (await shares(page)).join() === "0,0,0", "the count is new");
  assert.match(await notes(page), /^The route's weights changed at .+, and the count began anew\. Before: v1 90 %, 18 of 20 answers; v2 10 %, 2 of 20 answers\.$/);
  assert.match(await page.locator("#status").textContent(), /^The route's weights changed at /, "and it is announced");
  assert.match(await page.locator("#shares").textContent(), /^Of 100 requests of users, v1 answers 50, v2 answers 50\./);
  assert.equal(await page.locator("#revision").evaluate((select) => select.selectedOptions[0].textContent), "Only v2", "what was chosen stays chosen");
  assert.ok((await page.locator("#revision").textContent()).includes("Only v3"));
  assert.notEqual(await page.locator("#panel tbody tr", { hasText: "First token" }).locator("td").first().textContent(), "–", "how fast a revision is, is no matter of weights");
  count = 0;
  await page.locator("#revision").selectOption("");
  await page.getByRole("button", { name: "Count 20 short answers" }).click();
  await until(async () => (await shares(page)).join() === "18,2,0", "twenty more are counted");
  assert.match(await notes(page), /This is not what the route's weights let expect/, "by the new weights alone");
  assert.deepEqual(await violations(page), []);
  says.about = { revisions: ["v1", "v2"].map((name) => ({ name, chosen: true })) };
  await noticed(page, async () => /^The route's weights are unknown since .+ Before: v1 50 %, 18 of 20 answers; v2 50 %, 2 of 20/.test(await notes(page)), "without weights there is nothing to compare");
  says.about = {};
  await noticed(page, async () => /^The route's weights are known since .+, and the count began anew\.$/.test(await notes(page)), "they are known again");
  await page.getByRole("button", { name: "Reset" }).click();
  assert.equal(await notes(page), "");
});

const unread = "The route's weights are unknown because the page cannot read the route: an operator finds the reason in the page's log, and in a cluster makes sure that the Role deepseek-r1-chat is there.";

visited("a route that cannot be read from the start is told, with what to do, until it is read", async (page, says) => {
  assert.equal(await notes(page), unread);
  assert.equal(await page.locator("#panel .note").isVisible(), true);
  assert.equal(await page.locator("#status").textContent(), unread, "and it is announced");
  assert.equal(await page.locator("#revision-pick").isVisible(), false);
  assert.deepEqual(await violations(page), []);
  count = 0;
  await page.getByRole("button", { name: "Count 20 short answers" }).click();
  await until(async () => (await shares(page)).join() === "18,2", "answers are counted all the same");
  assert.equal(await notes(page), unread, "and compared with nothing");
  says.about = {};
  await noticed(page, async () => /^The route's weights are known since .+, and the count began anew\. Before: v1 18 of 20 answers; v2 2 of 20 answers\.$/.test(await notes(page)), "it is read");
  assert.deepEqual(await shares(page), ["0", "0"]);
  assert.equal(await page.locator("#revision-pick").isVisible(), true);
}, { about: { revisions: [], unread: "deepseek-r1" } });

visited("a route that cannot be read any more is told, and its revisions can still be asked by name", async (page, says) => {
  assert.equal(await notes(page), "");
  says.about = { revisions: ["v1", "v2"].map((name) => ({ name, chosen: true })), unread: "deepseek-r1" };
  await noticed(page, async () => (await notes(page)).startsWith(`${unread}\nThe route's weights are unknown since `), "both are told");
  assert.match(await page.locator("#status").textContent(), /^The route's weights are unknown since .+, and the count began anew\. The route's weights are unknown because /);
  await page.locator("#revision").selectOption({ label: "Only v2" });
  await page.getByRole("button", { name: "Reset" }).click();
  assert.equal(await notes(page), unread, "as long as it lasts");
});

visited("an answer that was asked for before the weights changed is of neither count", async (page, says) => {
  let go;
  const held = new Promise((resolve) => { go = resolve; });
  await page.route("**/api/chat*", async (route) => { await held; await route.continue(); });
  await ask(page, "slow");
  says.about = { revisions: weights(["v1", 80], ["v2", 20]) };
  await noticed(page, async () => /the count began anew/.test(await notes(page)), "the change is seen");
  go();
  await answered(page);
  assert.deepEqual(await shares(page), ["0", "0"]);
  assert.equal(await page.locator("#panel tbody tr", { hasText: "Errors" }).textContent(), "Errors00");
});

visited("where nothing says who answered, to ask by name is advised where that can be done", async (page, says) => {
  says.chat = { contentType: "text/event-stream", body: event({ content: "fine" }) + end(1) };
  await ask(page, "Who?");
  await answered(page);
  assert.match(await notes(page), /cannot be told apart\. Ask a revision by name instead\.$/);
  says.about = { revisions: [] };
  await noticed(page, () => page.locator("#revision-pick").isHidden(), "there is none to ask");
  await ask(page, "And now?");
  await answered(page);
  assert.match(await notes(page), /cannot be told apart\.$/);
});

visited("a page that nobody sees asks nothing, and one that is seen asks at a pace", async (page, says) => {
  await page.clock.install();
  await page.reload();
  await page.locator("body[data-ready]").waitFor();
  for (let i = 0; i < 3; i++) {
    const before = says.asked;
    await page.clock.runFor(14_000);
    assert.equal(says.asked, before);
    await page.clock.runFor(1_000);
    await until(() => says.asked === before + 1, "four times a minute");
    await page.waitForTimeout(100);
  }
  await page.evaluate(() => Object.defineProperty(document, "hidden", { get: () => true, configurable: true }));
  const before = says.asked;
  await page.clock.runFor(600_000);
  assert.equal(says.asked, before);
});

visited("the page's own limit says how long, keeps the prompt, and asks again only when told to", async (page, says) => {
  const limit = { status: 429, headers: { "Retry-After": "12" }, json: { error: { code: "too_many_requests", message: "this page limits; go on in 12 s" } } };
  const before = model.seen.length;
  says.chat = limit;
  await ask(page, "What of it?");
  await answered(page);
  assert.equal(await page.locator(".trouble").textContent(), "This page limits; go on in 12 s.");
  assert.equal(await page.locator(".prompt").textContent(), "What of it?");
  assert.equal(await page.locator("#panel tbody tr", { hasText: "Errors" }).textContent(), "Errors00", "it is no error of a revision");
  says.chat = null;
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal(model.seen.length, before, "nothing was asked unasked");
  await page.getByRole("button", { name: "Retry" }).click();
  await answered(page);
  assert.equal(await page.locator(".answer .text").last().textContent(), "fine");

  says.chat = limit;
  await page.getByRole("button", { name: "Count 20 short answers" }).click();
  await until(async () => /^The count ended after 0 of 20\. This page limits; go on in 12 s/.test(await notes(page)), "the count says why it ended");
  assert.ok(await page.getByRole("button", { name: "Count 20 short answers" }).isEnabled());
  assert.deepEqual(await violations(page), []);

  says.chat = null;
  await ask(page, "model's own 429");
  await answered(page);
  assert.equal(await page.locator(".trouble").textContent(), "The model has too many requests and asks to wait 7 s. (429: slow down)");
});

const jane = { signIn: { kind: "oidc", id: "1", user: "jane@example.com", login: "/auth/login" } };
const out = { status: 401, json: { error: { code: "signed_out", message: "sign in" } } };

visited("a 401 or 403 that is the model's own signs nobody out", async (page) => {
  assert.equal(await page.locator("#user").textContent(), "jane@example.com");
  await ask(page, "model's own 401");
  await answered(page);
  assert.match(await page.locator(".trouble").textContent(), /\(401: no key\)$/);
  await ask(page, "model's own 403");
  await answered(page);
  assert.match(await page.locator(".trouble").last().textContent(), /^The request was refused\. \(403: RBAC: access denied\)$/);
  assert.equal(await page.locator("#panel tbody tr", { hasText: "Errors" }).locator("td").last().textContent(), "2", "they are errors of the model");
  assert.equal(await page.locator("#gate").isVisible(), false);
}, { about: jane });

for (const [who, refusal] of [["the page's server", out], ["the mesh", { status: 401, contentType: "text/plain", body: "Jwt is expired" }], ["the mesh, which misses the token", { status: 403, contentType: "text/plain", body: "RBAC: access denied" }]]) {
  visited(`who is signed out by ${who} keeps the draft and the conversation`, async (page, says) => {
    await ask(page, "First");
    await answered(page);
    says.about = says.chat = refusal;
    await ask(page, "Second");
    await answered(page);
    assert.equal(await page.locator(".trouble").textContent(), "You are signed out. Sign in, and ask again by Retry.");
    assert.equal(await page.locator("#gate p").textContent(), "You are signed out. The conversation stays here, and so does what you write.");
    assert.equal(await page.locator("#sign-in").getAttribute("href"), "/auth/login");
    assert.equal(await page.locator("#account").isVisible(), false);
    assert.equal(await page.locator("#panel tbody tr", { hasText: "Errors" }).textContent(), "Errors00");
    assert.deepEqual(await violations(page), []);
    await ask(page, "Third");
    assert.equal(await page.locator("#prompt").inputValue(), "Third", "the draft stays");
    assert.equal(await page.locator("#sign-in:focus").count(), 1);
    await page.getByRole("button", { name: "Retry" }).click();
    assert.equal(await page.locator("#sign-in:focus").count(), 1);
    // Signed in in another tab: the page goes on where it was.
    says.about = jane;
    says.chat = null;
    await noticed(page, async () => !await page.locator("#gate").isVisible(), "the notice goes");
    assert.equal(await page.locator("#prompt").inputValue(), "Third");
    await page.getByRole("button", { name: "Retry" }).click();
    await answered(page);
    assert.deepEqual(await page.locator(".answer .text").evaluateAll((all) => all.map((text) => text.textContent).filter(Boolean)), ["fine", "fine"]);
  }, { about: jane });
}

visited("who is not signed in yet sees where to, and nothing of what others asked", async (page, says) => {
  await ask(page, "Jane's question");
  await answered(page);
  says.gone = out;
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.locator("#gate").waitFor();
  await page.locator("body[data-ready]").waitFor();
  assert.equal(await page.locator("#gate p").textContent(), "Sign in to talk to the model.");
  assert.equal(await page.locator("#sign-in:focus").count(), 1);
  assert.equal(await page.locator("#conversations li").count(), 0);
  assert.equal(await page.locator(".turn").count(), 0);
  await page.getByRole("button", { name: /^Count 20/ }).click();
  await until(async () => /Sign in first\./.test(await notes(page)), "nothing is counted");
  assert.deepEqual(await violations(page), []);
  says.about = { status: 403, contentType: "text/plain", body: "RBAC: access denied" };
  await page.reload();
  await page.locator("#gate").waitFor();
  assert.equal(await page.locator("#gate p").textContent(), "Sign in to talk to the model.");
  await page.evaluate(() => addEventListener("click", (event) => event.preventDefault(), { once: true }));
  await page.locator("#sign-in").click(); // the issuer knows them, and the mesh lets others in
  await page.reload();
  await until(async () => await page.locator("#gate p").textContent() === "Sign in to talk to the model. If you just have, you may not use it.", "who is refused reads why");
  const titles = () => page.locator("#conversations li .title").allTextContents();
  for (const [id, user, theirs] of [["2", "ken@example.com", []], ["1", "jane@example.com", ["Jane's question"]], ["3", "jane@example.com", []], ["1", "jane@new.example.com", ["Jane's question"]]]) {
    says.about = { signIn: { ...jane.signIn, id, user } };
    await noticed(page, async () => await page.locator("#user").textContent() === user && await page.locator("#gate").isHidden() && (await titles()).join() === theirs.join(),
      `${id}, ${user}, is signed in, and has ${theirs}`);
    await page.locator("body[data-ready]").waitFor();
  }
}, { about: jane });

visited("a user whose password the browser asks for is led to the browser's dialog", async (page, says) => {
  assert.equal(await page.locator("#user").textContent(), "kim");
  assert.equal(await page.locator("#sign-out").isVisible(), false, "a browser forgets a password when it is closed");
  says.about = says.chat = { status: 401, headers: { "WWW-Authenticate": 'Basic realm="kservegen chat", charset="UTF-8"' }, json: out.json };
  await ask(page, "hello");
  await answered(page);
  assert.equal(await page.locator("#sign-in").getAttribute("href"), "./");
  const before = says.asked;
  await lookAgain(page);
  assert.equal(says.asked, before, "no dialog opens by itself");
}, { about: { signIn: { kind: "basic", id: "kim", user: "kim" } } });

visited("a phone has room for the notice and the account", async (page, says) => {
  await page.setViewportSize({ width: 360, height: 640 });
  const fits = () => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth && document.getElementById("composer").scrollWidth <= innerWidth);
  await page.getByRole("button", { name: "Conversations" }).click();
  assert.ok(await page.getByRole("button", { name: "Sign out" }).isVisible());
  assert.ok(await page.locator("#sidebar").evaluate((side) => side.scrollWidth <= side.clientWidth));
  await page.keyboard.press("Escape");
  says.about = out;
  await noticed(page, () => page.locator("#gate").isVisible(), "the notice comes");
  assert.ok(await fits());
  for (const theme of ["dark", "light"]) {
    await page.locator("html").evaluate((root, theme) => { root.dataset.theme = theme; }, theme);
    assert.deepEqual(await violations(page), []);
  }
}, { about: { signIn: { ...jane.signIn, user: "somebody.with.a.very.long.name@subdomain.example.com" } } });
