// The pictures of the docs, drawn from what the model of lib/demo.mjs says. PICTURES names the folder that they go to; without,
// they are drawn all the same, and thrown away.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { answered, ask, launch, noticed, until, violations, visit } from "./lib/browser.mjs";
import { demo } from "./lib/demo.mjs";
import { page as serve } from "./lib/programs.mjs";
import { scripted } from "./lib/upstreams.mjs";

const largest = 100 * 1024;
let browser, model, server, folder, count = 0, every = 10;

before(async () => {
  folder = process.env.PICTURES || await mkdtemp(join(tmpdir(), "pictures-"));
  // Who answers by weight is drawn by lot in life; here each tenth answer is the canary's.
  model = await scripted(demo, () => ++count % every === 0 ? "v2" : "v1");
  server = await serve(model.address, { revisions: ["v1,90,x-llm-track,v1", "v2,10,x-llm-track,v2"] });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.stop();
  await model?.stop();
  if (!process.env.PICTURES) await rm(folder, { recursive: true });
});

async function picture(page, name) {
  await page.mouse.move(0, 0);
  const path = join(folder, `chat-${name}.png`);
  await page.screenshot({ path, caret: "hide" });
  if (!process.env.PICTURES) return; // what is thrown away may be of other letters, and so larger
  const { size } = await stat(path);
  assert.ok(size <= largest, `${path} has ${size} bytes`);
}

test("pictures", { timeout: 60_000 }, async () => {
  const { page, context, watched } = await visit(browser, server.link, { viewport: { width: 1216, height: 736 }, colorScheme: "light" });
  const share = () => page.locator("#panel tbody tr").first().textContent();
  await page.getByRole("button", { name: "Count 20 short answers" }).click();
  await until(async () => /18\s*2$/.test(await share()), "twenty are counted");
  await page.locator("#prompt").focus();
  await ask(page, "Write a Python function that merges two sorted lists.");
  await answered(page);
  await picture(page, "light");
  await page.getByRole("button", { name: "New conversation" }).click();
  await page.locator("#revision").selectOption({ label: "Compare v1 and v2" });
  await ask(page, "Explain a canary release in three sentences.");
  await answered(page);
  await page.setViewportSize({ width: 1216, height: 560 });
  await page.locator("#theme").selectOption("dark");
  await page.locator("#prompt").focus();
  await picture(page, "compare");
  await page.getByRole("button", { name: "New conversation" }).click();
  await page.locator("#revision").selectOption("");
  await page.setViewportSize({ width: 390, height: 760 });
  await ask(page, "Compare blue-green and canary deployments in a table.");
  await answered(page);
  await page.locator("#scroller").evaluate((scroller) => scroller.scrollTo(0, 0));
  await picture(page, "phone");
  assert.deepEqual(await violations(page), []);
  assert.deepEqual(watched.errors, []);
  await context.close();
});

// What differs in the cluster: somebody is signed in, and the route's weights change while the page is open.
test("the picture of the page in the cluster", { timeout: 60_000 }, async () => {
  const context = await browser.newContext({ viewport: { width: 1216, height: 640 }, reducedMotion: "reduce", colorScheme: "light", locale: "en-GB" });
  [count, every] = [0, 10];
  await context.route("**/api/about", async (route) => {
    const response = await route.fetch();
    const about = await response.json();
    about.signIn = { kind: "oidc", id: "1", user: "jane@example.com", login: "/auth/login" };
    for (const revision of about.revisions) revision.weight = revision.name === "v2" ? 100 / every : 100 - 100 / every;
    await route.fulfill({ response, json: about });
  });
  const { page, watched } = await visit(browser, server.link, { context });
  await page.clock.setFixedTime(new Date("2026-11-30T10:20:00"));
  const counted = async (wanted) => {
    await page.getByRole("button", { name: "Count 20 short answers" }).click();
    await until(async () => (await page.locator("#panel tbody tr").first().locator("td").allTextContents()).join() === wanted, wanted);
  };
  await counted("18,2");
  every = 4;
  await noticed(page, async () => /count began anew/.test(await page.locator("#panel").textContent()), "the weights changed");
  count = 0;
  await counted("15,5");
  await ask(page, "Explain a canary release in three sentences.");
  await answered(page);
  await picture(page, "cluster");
  assert.deepEqual(watched.errors, []);
  await context.close();
});
