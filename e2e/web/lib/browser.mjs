// A real browser, and what all pages in it must never do.
import { chromium } from "playwright-core";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** launch starts Debian's Chromium. As root it has no sandbox to use. */
export function launch(more = []) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--font-render-hinting=none", "--disable-lcd-text", ...more],
  });
}

/** visit opens a link in a context of its own, or the one given. `watched` collects what the page asked for and what its policy refused. */
export async function visit(browser, link, { context: given, ...options } = {}) {
  const context = given ?? await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(5_000);
  const watched = { hosts: new Set(), refused: [], errors: [] };
  page.on("request", (request) => { if (!request.url().startsWith("blob:")) watched.hosts.add(new URL(request.url()).host); });
  page.on("pageerror", (error) => watched.errors.push(String(error)));
  page.on("console", (message) => { if (/Content Security Policy|Trusted/i.test(message.text())) watched.refused.push(message.text()); });
  page.on("dialog", (dialog) => { watched.errors.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  await context.exposeBinding("policyRefused", (_, text) => watched.refused.push(text));
  await context.addInitScript(() => addEventListener("securitypolicyviolation", (event) => globalThis.policyRefused(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`)));
  await page.goto(link);
  await page.locator("body[data-ready]").waitFor();
  return { page, context, watched };
}

/** ask types a prompt and sends it. */
export async function ask(page, prompt) {
  await page.locator("#prompt").fill(prompt);
  await page.keyboard.press("Enter");
}

/** answered waits until nothing is coming any more and all of it is drawn. */
export async function answered(page, timeout = 20_000) {
  await page.locator("#send:not([hidden])").waitFor({ timeout });
  await until(() => page.locator("#turns .answer:not([aria-busy='false'])").count().then((count) => count === 0), "the answer is drawn", timeout);
}

/** until waits for something to become true. */
export async function until(holds, what, timeout = 10_000) {
  for (const last = Date.now() + timeout; Date.now() < last; await new Promise((resolve) => setTimeout(resolve, 20))) {
    if (await holds()) return;
  }
  throw new Error(`waited ${timeout} ms in vain: ${what}`);
}

/** lookAgain is what a person does who was at another tab. */
export const lookAgain = (page) => page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));

/** noticed looks at the page again until something holds: what it asks its server may have been under way already. */
export function noticed(page, holds, what) {
  return until(async () => {
    if (await holds()) return true;
    await lookAgain(page).catch(() => { /* the page loads anew */ });
    await page.waitForTimeout(100);
    return false;
  }, what);
}

/** violations are what axe finds, in words. It comes by the debugger, so that the page's policy has no say in it. */
export async function violations(page) {
  const session = await page.context().newCDPSession(page);
  await session.send("Runtime.evaluate", { expression: axe });
  const { result } = await session.send("Runtime.evaluate", {
    expression: "axe.run(document, { resultTypes: ['violations'] }).then((r) => JSON.stringify(r.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(' ') + ' ' + n.failureSummary).join(' | ')}`)))",
    awaitPromise: true,
  });
  await session.detach();
  return JSON.parse(result.value);
}
