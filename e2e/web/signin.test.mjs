// Signing in, with the program itself and a real identity provider (dex), and by passwords of a file.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { answered, ask, launch, noticed, until, violations, visit } from "./lib/browser.mjs";
import { chatPage, free, issuer } from "./lib/programs.mjs";
import { end, event, scripted, sleep } from "./lib/upstreams.mjs";

// Each hash is of "NAME's password", by bcrypt.
const users = [
  { email: "jane@example.com", password: "jane's password", hash: "$2a$10$PSUj6YoqHEzVpg3aYckRZuepi7wTFkzARM.uARmwfOOLBLY1I1JG6" },
  { email: "ken@example.com", password: "ken's password", hash: "$2a$10$YrSztR7HXcc6Y9uRPGywUeBaZrSnG5fq6KwBu/IPp0XHlceRN4h9e" },
];
const [jane, ken] = users;
const kim = { username: "kim", password: "kim's password", hash: "$2a$10$jGQ8A9fNbV6Jvbj5sDdla.RbiBDQ.YnzhYMmqG1WnGd0m/KTrQOFO" };
const client = "kservegen-chat", secret = "a secret of the client";
const cookie = "__Secure-kservegen-chat";
const short = 8; // s, of a token that is to expire

const started = [];
let browser, folder, model, long, brief;

before(async () => {
  browser = await launch();
  folder = await mkdtemp(join(tmpdir(), "sign-in-"));
  await writeFile(join(folder, "client-secret"), `${secret}\n`);
  await writeFile(join(folder, "htpasswd"), `${kim.username}:${kim.hash}\n`);
  model = await scripted({
    "never ends": async ({ stream, send, request }) => { stream(); while (!request.closed) { await send(event({ content: "and on " })); await sleep(20); } },
    default: ({ stream, response }) => { stream(); response.end(event({ content: "fine" }) + end(1)); },
  });
  [long, brief] = await Promise.all([signedIn("1h", ["--requests-per-minute=1"]), signedIn(`${short}s`)]);
});
after(async () => {
  await browser?.close();
  for (const program of [...started, model]) await program?.stop();
  await rm(folder, { recursive: true });
});

/** signedIn serves a page whose users are known to an issuer of its own. The page is there before the issuer is. */
async function signedIn(lifetime, more = []) {
  const port = await free();
  const link = `http://127.0.0.1:${port}/`;
  const provider = await issuer(link, { client, secret, users, lifetime });
  started.push(provider);
  const page = await chatPage(model.address, [
    `--oidc-issuer-url=${provider.at}`, `--oidc-client-id=${client}`, `--oidc-client-secret-file=${join(folder, "client-secret")}`, "--oidc-scopes=openid,email", ...more,
  ], port);
  started.push(page);
  assert.equal(page.link, link);
  return { link, issuer: provider.at };
}

/** signIn goes from the page's link to the issuer and back. */
async function signIn(page, { email, password }) {
  await page.getByRole("link", { name: "Sign in" }).click();
  await page.locator("#login").fill(email);
  await page.locator("#password").fill(password);
  await page.locator("#submit-login").click();
  await page.locator("#account:not([hidden])").waitFor();
  await page.locator("body[data-ready]").waitFor();
}

function visited(name, place, run, options = {}) {
  test(name, { timeout: 60_000 }, async () => {
    const { link, issuer } = place();
    const { page, context, watched } = await visit(browser, link, options);
    await run(page, context);
    assert.deepEqual([...watched.hosts].filter((host) => ![link, issuer].some((at) => new URL(at).host === host)), [], "nobody else is asked");
    assert.deepEqual(watched.refused, [], "the page keeps to its own policy");
    assert.deepEqual(watched.errors, []);
    await context.close();
  });
}

const shownUser = (page) => page.locator("#user").textContent();

visited("who signs in by OIDC is back at what they wrote, and the token is in no script's reach", () => long, async (page, context) => {
  assert.equal(await page.locator("#gate p").textContent(), "Sign in to talk to the model.");
  assert.deepEqual(await violations(page), []);
  await page.locator("#prompt").fill("What I began to write");
  await ask(page, "What I began to write");
  assert.equal(model.seen.length, 0, "nothing is asked before");
  const asked = page.waitForRequest((request) => new URL(request.url()).pathname === "/dex/auth");
  await signIn(page, jane);
  const query = new URL((await asked).url()).searchParams;
  assert.deepEqual([query.get("code_challenge_method"), query.get("response_type"), query.get("redirect_uri")], ["S256", "code", `${long.link}auth/callback`]);
  assert.ok(query.get("state").length >= 26 && query.get("nonce").length >= 26 && query.get("code_challenge").length >= 43);
  assert.equal(page.url(), long.link, "neither code nor state stays in the address");
  assert.equal(await shownUser(page), jane.email);
  assert.equal(await page.locator("#prompt").inputValue(), "What I began to write");

  const kept = (await context.cookies()).filter(({ domain, name }) => domain === "127.0.0.1" && name.includes("kservegen"));
  assert.deepEqual(kept.map(({ name, path, httpOnly, secure, sameSite }) => [name, path, httpOnly, secure, sameSite]), [[cookie, "/api/", true, true, "Strict"]]);
  const left = kept[0].expires - Date.now() / 1000;
  assert.ok(left > 3000 && left <= 3600, `the cookie lasts ${left} s, as long as the token`);
  const { sub, aud, email } = JSON.parse(Buffer.from(kept[0].value.split(".")[1], "base64url"));
  assert.deepEqual([aud, email], [client, jane.email]);
  assert.notEqual(sub, "");
  assert.equal(await page.evaluate(() => document.cookie), "");
  assert.ok(!(await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]))).includes(kept[0].value.slice(-20)));

  await page.locator("#prompt").focus();
  await page.keyboard.press("Enter");
  await answered(page);
  assert.equal(await page.locator(".answer .text").last().textContent(), "fine");
  assert.ok(!Object.keys(model.seen.at(-1).headers).includes("cookie"), "the model gets no cookie");
  assert.ok(!JSON.stringify(model.seen.at(-1)).includes(kept[0].value.slice(-20)), "and the token nowhere else");
  await page.reload();
  await page.locator("body[data-ready]").waitFor();
  assert.equal(await shownUser(page), jane.email);
  assert.equal(await page.locator(".prompt").textContent(), "What I began to write");
  assert.deepEqual(await violations(page), []);
});

visited("a second tab is signed in as well, and signed out with the first", () => long, async (page, context) => {
  await signIn(page, jane);
  await ask(page, "Jane asks");
  await answered(page);
  const second = await context.newPage();
  await second.goto(long.link);
  await second.locator("body[data-ready]").waitFor();
  assert.equal(await shownUser(second), jane.email);
  assert.equal(await second.locator("#conversations .title").textContent(), "Jane asks");
  await second.locator("#prompt").fill("a draft");
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.locator("#gate:not([hidden])").waitFor();
  await page.locator("body[data-ready]").waitFor();
  assert.equal(await page.locator("#conversations li").count(), 0);
  assert.deepEqual((await context.cookies(`${long.link}api/about`)).filter(({ name }) => name === cookie), []);
  await noticed(second, () => second.locator("#gate").isVisible(), "the notice comes");
  assert.equal(await second.locator("#prompt").inputValue(), "a draft");

  // Ken takes the same browser: he sees nothing of what Jane asked, and her tab becomes his.
  await signIn(page, ken);
  assert.equal(await shownUser(page), ken.email);
  assert.equal(await page.locator("#conversations li").count(), 0);
  await noticed(second, async () => await second.locator("body[data-ready]").count() === 1 && await shownUser(second) === ken.email, "the other tab is Ken's");
  assert.deepEqual([await second.locator(".turn").count(), await second.locator("#prompt").inputValue()], [0, ""]);
});

visited("a token that expires signs out; the draft, the conversation and the choice are there after the next sign-in", () => brief, async (page) => {
  await signIn(page, jane);
  await ask(page, "before it expires");
  await answered(page);
  const address = page.url();
  await sleep((short + 1) * 1000);
  await ask(page, "after it expired");
  await answered(page);
  assert.equal(await page.locator(".trouble").textContent(), "You are signed out. Sign in, and ask again by Retry.");
  await page.locator("#prompt").fill("a draft,\nof two lines");
  await signIn(page, jane);
  assert.equal(page.url(), address);
  assert.equal(await page.locator("#prompt").inputValue(), "a draft,\nof two lines");
  assert.deepEqual(await page.locator(".prompt").allTextContents(), ["before it expires", "after it expired"]);
  await page.getByRole("button", { name: "Retry" }).click();
  await answered(page);
  assert.equal(await page.locator(".trouble").count(), 0);
  assert.equal(await page.locator(".answer .text").last().textContent(), "fine");
});

visited("an answer that runs comes to its end though the token expires meanwhile", () => brief, async (page) => {
  await signIn(page, jane);
  await ask(page, "never ends");
  await sleep((short + 1) * 1000);
  await noticed(page, () => page.locator("#gate").isVisible(), "the notice comes");
  const text = page.locator(".answer .text").last();
  const before = (await text.textContent()).length;
  await until(async () => (await text.textContent()).length > before + 100, "it goes on");
  await page.keyboard.press("Escape");
  await answered(page);
});

visited("each person may ask so many times; the others are not hindered", () => long, async (page) => {
  await signIn(page, ken);
  await page.getByRole("button", { name: "Count 20 short answers" }).click();
  await until(async () => await page.locator("#panel button.wide").isEnabled(), "the count has ended");
  assert.equal(await page.locator("#panel tbody td").first().textContent(), "20");
  await ask(page, "one more");
  await answered(page);
  assert.match(await page.locator(".trouble").textContent(), /^This page limits what each person asks to 1 a minute, and you asked more often; go on in \d+ s \(it is the page that limits, not the model\)\.$/);
  const asked = model.seen.length;
  await page.getByRole("button", { name: "Retry" }).click();
  await answered(page);
  assert.equal(model.seen.length, asked, "the model was not asked");
});

test("a sign-in that somebody else began is refused", { timeout: 30_000 }, async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  for (const [query, said] of [["?code=abc&state=def", /no sign-in is under way in this browser/], ["?error=access_denied&state=def", /no sign-in is under way/]]) {
    const response = await page.goto(`${long.link}auth/callback${query}`);
    assert.equal(response.status(), 400);
    assert.match(await page.locator("p").first().textContent(), said);
  }
  // A code that an attacker got, for a victim who is about to sign in.
  await page.goto(`${long.link}auth/login`);
  await page.locator("#login").waitFor();
  const response = await page.goto(`${long.link}auth/callback?code=abc&state=def`);
  assert.equal(response.status(), 400);
  assert.match(await page.locator("p").first().textContent(), /not one to this browser's last sign-in/);
  await page.getByRole("link", { name: "Sign in again" }).click();
  await page.locator("#login").waitFor();
  assert.equal(await page.evaluate((at) => fetch(`${at}`).then(() => "read", () => "refused"), `${long.link}api/about`), "refused", "the issuer's site reads nothing");
  await context.close();
});

test("the page is there while the issuer is away, and says so", { timeout: 30_000 }, async () => {
  const port = await free();
  const served = await chatPage(model.address, [`--oidc-issuer-url=http://127.0.0.1:${await free()}/dex`, `--oidc-client-id=${client}`], port);
  try {
    const { page, context } = await visit(browser, served.link);
    const response = page.waitForResponse((response) => response.url().endsWith("/auth/login"));
    await page.getByRole("link", { name: "Sign in" }).click();
    assert.equal((await response).status(), 503);
    assert.match(await page.locator("body").textContent(), /issuer/);
    await context.close();
  } finally { await served.stop(); }
});

test("the browser itself asks for a name and a password of the file", { timeout: 30_000 }, async () => {
  const served = await chatPage(model.address, [`--users-file=${join(folder, "htpasswd")}`], await free());
  try {
    // The browser shows its dialog for these, which a test cannot see.
    for (const headers of [{}, { Authorization: `Basic ${btoa(`${kim.username}:wrong`)}` }]) {
      const refused = await fetch(served.link, { headers });
      assert.deepEqual([refused.status, refused.headers.get("www-authenticate")], [401, 'Basic realm="kservegen chat", charset="UTF-8"']);
    }
    const { page, context, watched } = await visit(browser, served.link, { httpCredentials: kim });
    assert.equal(await shownUser(page), kim.username);
    assert.equal(await page.locator("#sign-out").isVisible(), false);
    await ask(page, "by password");
    await answered(page);
    assert.equal(await page.locator(".answer .text").last().textContent(), "fine");
    assert.ok(!("authorization" in model.seen.at(-1).headers), "the model gets no password");
    assert.deepEqual([watched.refused, watched.errors, await violations(page)], [[], [], []]);
    await context.close();
  } finally { await served.stop(); }
});
