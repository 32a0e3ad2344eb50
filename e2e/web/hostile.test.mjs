// What a model or the way to it may do to the page: everything. Nothing of it harms, and each trouble is said in a sentence.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { answered, ask, launch, until, visit } from "./lib/browser.mjs";
import { page as serve } from "./lib/programs.mjs";
import { end, event, scripted, sleep } from "./lib/upstreams.mjs";

const evil = [
  "<script>window.harmed = 'script'</script>", "<img src=x onerror=\"window.harmed = 'image'\">",
  "<iframe srcdoc=\"<script>parent.harmed = 'frame'</script>\"></iframe>", "<svg onload=\"window.harmed = 'svg'\">",
  "<style>body { display: none }</style>", "<base href=\"http://evil.example/\">", "<form action=\"http://evil.example/\"><button>x</button></form>",
  "[click](javascript:window.harmed='link')", "[click](JaVaScRiPt:window.harmed='link')", "[click](data:text/html,<script>1</script>)",
  "<javascript:window.harmed=1>", "![pixel](http://evil.example/pixel.png)", "![pixel](//evil.example/pixel.png)",
  "[a\"onmouseover=\"window.harmed=1](https://example.com/\"onclick=\"window.harmed=1)",
  "```html\n<script>window.harmed = 'code'</script>\n```", "`<img src=x onerror=window.harmed=1>`",
  "| <script>window.harmed=1</script> | b |\n|---|---|\n| <img src=x onerror=window.harmed=1> | b |", "> <script>window.harmed=1</script>", "- <script>window.harmed=1</script>", "# <script>window.harmed=1</script>",
].join("\n\n");

const pieces = async ({ stream, send, response }, parts, tail = end(parts.length)) => {
  stream();
  for (const part of parts) await send(part);
  response.end(tail);
};

const words = 100_000;
const line = 1 << 20;
let tries = 0;

const scripts = {
  markup: (to) => pieces(to, (evil.match(/[^]{1,9}/g)).map((content) => event({ content }))),
  "markup as reasoning": (to) => pieces(to, [event({ reasoning_content: evil }), event({ content: "done" })]),
  "markup as tool call": (to) => pieces(to, [event({ tool_calls: [{ index: 0, id: "<b>", function: { name: "<script>window.harmed=1</script>", arguments: evil } }] })]),
  "markup as error": ({ response }) => { response.writeHead(500, { "Content-Type": "text/html" }); response.end(evil); },
  "huge line": async (to) => {
    to.stream();
    for (let i = 0; i < 64; i++, await sleep(10)) await to.send(event({ content: "x".repeat(line / 64) }));
    to.response.end(end(64));
  },
  "broken UTF-8": ({ stream, response }) => {
    stream();
    response.write(Buffer.concat([Buffer.from("data: {\"choices\":[{\"delta\":{\"content\":\"before "), Buffer.from([0xff, 0xfe, 0xc3, 0x28, 0xed, 0xa0, 0x80]), Buffer.from(" after\"}}]}\n\n")]));
    response.end(end(1));
  },
  "many tokens": async ({ stream, send, response }) => {
    stream();
    for (let i = 0; i < words; i += 50) {
      let some = "";
      for (let j = i; j < i + 50; j++) some += event({ content: j % 200 === 0 ? `\n\n## Part ${j}\n\n` : j % 40 === 0 ? `\n- **item ${j}** ` : `w${j} ` });
      await send(some);
      if (i % 500 === 0) await sleep(10);
    }
    response.end(end(words));
  },
  "many lines of code": async ({ stream, send, response }) => {
    stream();
    await send(event({ content: "```js\n" }));
    for (let i = 0; i < 20_000; i += 50, i % 2000 || await sleep(30)) await send(Array.from({ length: 50 }, (_, j) => event({ content: `const line${i + j} = ${i + j};\n` })).join(""));
    response.end(event({ content: "```\n" }) + end(20_002));
  },
  429: ({ response }) => { response.writeHead(429, { "Retry-After": "7", "Content-Type": "application/json" }); response.end('{"error":{"message":"slow down"}}'); },
  503: ({ response }) => { response.writeHead(503, { "Content-Type": "text/plain" }); response.end("no healthy upstream"); },
  redirect: ({ response }) => { response.writeHead(302, { Location: "http://evil.example/" }); response.end(); },
  cut: async ({ stream, send, response }) => {
    if (++tries > 1) return pieces({ stream, send, response }, [event({ content: "whole " }), event({ content: "answer" })]);
    stream();
    await send(event({ content: "half " }) + event({ content: "an answer" }));
    await sleep(50);
    response.destroy();
  },
  "ends without an end": ({ stream, response }) => { stream(); response.end(event({ content: "half" })); },
  "half a chunk": ({ stream, response }) => { stream(); response.end(`${event({ content: "half" })}data: {"choices":[{"del`); },
  "not JSON": ({ stream, response }) => { stream(); response.end("data: {nonsense\n\n"); },
  "error inside": ({ stream, response }) => { stream(); response.end(`${event({ content: "half" })}data: {"error":{"message":"out of memory"}}\n\n`); },
  dropped: ({ stream, response }) => { stream(); response.end(`${event({ content: "half" })}${event({}, "abort")}data: [DONE]\n\n`); },
  "limit": ({ stream, response }) => { stream(); response.end(`${event({ content: "long" }, "length")}data: [DONE]\n\n`); },
  "never headers": () => {},
  "never ends": async ({ stream, send, request }) => { stream(); while (!request.closed) { await send(event({ content: "and on " })); await sleep(10); } },
  think: (to) => pieces(to, ["<thi", "nk>let me", " see</th", "ink>\n\nFound **it**."].map((content) => event({ content }))),
  default: (to) => pieces(to, [event({ content: "fine" })]),
};

let browser, model, server;
before(async () => {
  model = await scripted(scripts);
  server = await serve(model.address, { revisions: ["v1,50,x-llm-track,v1", "v2,50,x-llm-track,v2"], patience: "1s" });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.stop();
  await model?.stop();
});

async function visited(run) {
  const { page, context, watched } = await visit(browser, server.link);
  await run(page);
  assert.deepEqual([...watched.hosts], [new URL(server.link).host], "nothing is asked of anybody else");
  assert.deepEqual(watched.refused, [], "nothing was left for the policy to refuse");
  assert.deepEqual(watched.errors, []);
  assert.equal(await page.evaluate(() => globalThis.harmed), undefined);
  await context.close();
}

test("markup stays text, wherever it stands", { timeout: 30_000 }, () => visited(async (page) => {
  for (const prompt of ["markup", "markup as reasoning", "markup as tool call", "markup as error"]) {
    await ask(page, prompt);
    await answered(page);
    for (const fold of await page.locator("summary").all()) if (await fold.isVisible()) await fold.click();
    const made = await page.evaluate(() => [...document.querySelectorAll("#turns :is(script, img, iframe, svg:not(.icon), style, base, form, object, embed, video)")].map((element) => element.tagName));
    assert.deepEqual(made, [], prompt);
    const links = await page.locator("#turns a").evaluateAll((all) => all.map(({ href, rel, target }) => [new URL(href).protocol, rel, target].join(" ")));
    assert.ok(links.every((link) => /^https?: noopener noreferrer nofollow _blank$/.test(link)), links.join("\n"));
    assert.deepEqual(await page.locator("#turns *").evaluateAll((all) => all.flatMap((element) => element.getAttributeNames()).filter((name) => name.startsWith("on"))), []);
  }
  assert.match(await page.locator(".answer").first().locator(".text").last().textContent(), /<script>window\.harmed = 'script'<\/script>/);
  await page.reload();
  await page.locator("body[data-ready]").waitFor();
  await answered(page);
}));

/** pace watches a page while something runs: the longest task, and how long a key takes to show. */
async function pace(page, running) {
  await page.evaluate(() => {
    globalThis.tasks = [];
    new PerformanceObserver((list) => globalThis.tasks.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: "longtask" });
  });
  const keys = [];
  let done = false;
  const finished = running().then(() => { done = true; });
  while (!done) {
    const began = performance.now();
    await page.keyboard.press("a");
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
    keys.push(performance.now() - began);
    await sleep(50);
  }
  await finished;
  const tasks = await page.evaluate(() => globalThis.tasks);
  await page.locator("#prompt").fill("");
  return { keys: Math.max(...keys), pressed: keys.length, task: Math.max(0, ...tasks) };
}

for (const [prompt, wanted] of [["many tokens", words], ["many lines of code", 20_000], ["huge line", line]]) {
  test(`the page stays responsive: ${prompt}`, { timeout: 60_000 }, () => visited(async (page) => {
    await ask(page, prompt);
    const first = page.locator(prompt === "many lines of code" ? ".piece" : ".answer > .text > *").first();
    await first.evaluate((element) => { element.drawnOnce = true; });
    const began = performance.now();
    const seen = await pace(page, () => answered(page, 50_000));
    console.log(`${prompt}: ${((performance.now() - began) / 1000).toFixed(1)} s, ${seen.pressed} keys pressed meanwhile, the slowest showed after ${seen.keys.toFixed(0)} ms, the longest task took ${seen.task.toFixed(0)} ms`);
    const text = await page.locator(".answer .text").last().evaluate((element) => element.textContent);
    const count = { "many tokens": () => text.match(/(w|Part |item )\d+/g).length, "many lines of code": () => text.match(/const line/g).length, "huge line": () => text.length }[prompt]();
    assert.equal(count, wanted, "all of it is there");
    assert.ok(await first.evaluate((element) => element.drawnOnce), "what is complete is not drawn again");
    // On a quiet machine a tenth of it.
    assert.ok(seen.keys < 2500, `a key took ${seen.keys} ms`);
    assert.ok(seen.task < 1500, `a task took ${seen.task} ms`);
  }));
}

test("each trouble is a sentence, with what was received, and nothing is asked again unasked", { timeout: 40_000 }, () => visited(async (page) => {
  for (const [prompt, said, shown] of [
    ["broken UTF-8", null, /^before \ufffd+\(\ufffd+ after$/],
    ["429", /^The model has too many requests and asks to wait 7 s\. \(429: slow down\)$/, /^$/],
    ["503", /^No replica of the model is ready\. \(503: no healthy upstream\)$/, /^$/],
    ["redirect", /\(502: .*it redirects to "http:\/\/evil\.example\/"/, /^$/],
    ["never headers", /^The model did not begin to answer in time\. \(504: .* within 1s/, /^$/],
    ["cut", /^The connection was cut before the answer ended\. Received: 2 tokens, shown above\.$/, /^half an answer$/],
    ["ends without an end", /^The connection was cut.* Received: 1 token, shown above\.$/, /^half$/],
    ["half a chunk", /^The connection was cut/, /^half$/],
    ["not JSON", /^The model broke off: an event of the stream is not JSON/, /^$/],
    ["error inside", /^The model broke off: out of memory/, /^half$/],
    ["dropped", /^The model dropped the answer before its end\. Received: 1 token,/, /^half$/],
    ["limit", /limit of tokens/, /^long$/],
  ]) {
    const before = model.seen.length;
    await ask(page, prompt);
    await answered(page);
    const answer = page.locator(".answer").last();
    if (said === null) assert.equal(await answer.locator(".trouble").count(), 0, prompt);
    else assert.match(await answer.locator(".trouble").textContent(), said);
    assert.match(await answer.locator(".text").last().textContent(), shown, prompt);
    if (prompt === "503") assert.equal(await answer.locator(".who").textContent(), "no answer");
    assert.equal(model.seen.length, before + 1, `${prompt} was asked once`);
  }
}));

test("a cut answer is asked for again when the person says so", { timeout: 20_000 }, () => visited(async (page) => {
  tries = 0;
  await ask(page, "cut");
  await answered(page);
  await page.getByRole("button", { name: "Retry" }).click();
  await answered(page);
  assert.equal(await page.locator(".answer .text").last().textContent(), "whole answer");
  assert.equal(await page.locator(".answer").count(), 1);
}));

test("stop ends the answer, and the model hears of it", { timeout: 20_000 }, () => visited(async (page) => {
  for (const stop of [() => page.getByRole("button", { name: "Stop" }).click(), () => page.keyboard.press("Escape")]) {
    await ask(page, "never ends");
    const request = () => model.seen.at(-1);
    const body = page.locator(".answer .text").last();
    await until(async () => (await body.textContent()).length > 50, "something came");
    await stop();
    await answered(page);
    await until(() => request().closed, "the model's request ended");
    assert.match(await page.locator(".trouble").last().textContent(), /^Stopped\. Received: \d+ tokens, shown above\.$/);
    assert.ok((await body.textContent()).length > 50, "what came stays");
  }
}));

test("what has the focus keeps it while an answer comes", { timeout: 30_000 }, () => visited(async (page) => {
  await ask(page, "never ends");
  const body = page.locator(".answer .text").last();
  const grown = async (by) => {
    const before = (await body.textContent()).length;
    await until(async () => (await body.textContent()).length > before + by, "more came", 20_000);
  };
  await grown(10);
  await page.getByRole("button", { name: "Delete: never ends" }).focus();
  await grown("and on ".length * 250); // more than two seconds, in each of which the conversation is kept
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), "Delete: never ends");
  await page.keyboard.press("Escape");
  await answered(page);
}));

test("reasoning is folded", { timeout: 20_000 }, () => visited(async (page) => {
  await ask(page, "think");
  await answered(page);
  const reasoning = page.locator(".reasoning");
  assert.equal(await page.locator(".answer > .text").textContent(), "Found it.");
  assert.equal(await reasoning.locator(".text").isVisible(), false);
  await page.locator("#prompt").press("Shift+Tab");
  await reasoning.locator("summary").focus();
  await page.keyboard.press("Enter");
  await until(async () => await reasoning.locator(".text").textContent() === "let me see", "the reasoning is shown");
}));

test("a page that was closed in the middle says so", { timeout: 20_000 }, () => visited(async (page) => {
  await ask(page, "never ends");
  await until(async () => (await page.locator(".answer .text").last().textContent()).length > 500, "something came");
  await page.reload();
  await page.locator("body[data-ready]").waitFor();
  await answered(page);
  assert.match(await page.locator(".trouble").textContent(), /^The page was closed before the answer ended\./);
  assert.ok((await page.locator(".answer .text").last().textContent()).length > 10);
}));

test("what the model is asked has neither the browser's headers nor anything of the page's", { timeout: 20_000 }, () => visited(async (page) => {
  await page.context().addCookies([{ name: "session", value: "secret", url: server.link }]);
  await page.locator("#revision").selectOption({ label: "Only v2" });
  await ask(page, "fine?");
  await answered(page);
  const { headers, url } = model.seen.at(-1);
  assert.equal(url, "/v1/chat/completions");
  assert.deepEqual(Object.keys(headers).sort(), ["accept", "accept-encoding", "content-length", "content-type", "host", "user-agent", "x-llm-track"]);
  assert.equal(headers["x-llm-track"], "v2");
}));
