// What the suite of the cluster drives the page by (cluster/drive.mjs), without a cluster.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { page as serve } from "./lib/programs.mjs";
import { end, event, scripted, sleep } from "./lib/upstreams.mjs";

let model, server, driver, count = 0;

before(async () => {
  const words = "one two three four five six seven eight nine ten ";
  model = await scripted({
    "Say one word.": async ({ stream, send, response }) => { stream(); await send(event({ content: "one" })); await send(end(1)); response.end(); },
    "Write for long.": async ({ stream, send, response }) => {
      stream();
      await send(event({ content: words }));
      await sleep(500);
      response.destroy();
    },
  }, () => ++count % 10 === 0 ? "v2" : "v1");
  server = await serve(model.address, { revisions: ["v1,90,x-llm-track,v1", "v2,10,x-llm-track,v2"] });
});
after(async () => { driver?.kill(); await server?.stop(); await model?.stop(); });

test("the driver says what a person sees", { timeout: 40_000 }, async () => {
  driver = spawn("node", [fileURLToPath(new URL("cluster/drive.mjs", import.meta.url))], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: driver.stdout })[Symbol.asyncIterator]();
  const run = async (...command) => {
    driver.stdin.write(`${JSON.stringify(command)}\n`);
    const { value, error } = JSON.parse((await lines.next()).value);
    assert.equal(error, undefined);
    return value;
  };
  const link = new URL(server.link);
  await run("open", { link: `http://localhost:${link.port}/`, addresses: { [`localhost:${link.port}`]: link.host } });
  await run("count");
  const counted = await run("see");
  assert.equal(counted.asked, 20);
  assert.deepEqual(counted.revisions, [{ name: "v1", answers: 18, route: 90, errors: 0 }, { name: "v2", answers: 2, route: 10, errors: 0 }]);
  assert.match(counted.notes[0], /^Within what chance makes/);

  await run("ask", { prompt: "Write for long.", length: 700 });
  await run("begun");
  assert.equal((await run("see")).answers[0].state, "streaming");
  await run("answered");
  const [cut] = (await run("see")).answers;
  assert.equal(cut.state, "cut");
  assert.match(cut.text, /^one two .* ten $/);
  assert.match(cut.trouble, /^The connection was cut/);
  assert.match(cut.pod, /^deepseek-r1-v1-/);
  assert.equal(cut.revision, "v1");
  assert.ok(cut.retry);
  const { body } = model.seen.at(-1);
  assert.deepEqual([body.max_tokens, body.ignore_eos], [700, true]);

  const asked = model.seen.length;
  await run("retry");
  await run("answered");
  assert.equal(model.seen.length, asked + 1);
  assert.equal(model.seen.at(-1).body.ignore_eos, undefined, "what is asked for again is the page's own request");
  assert.deepEqual(await run("close"), []);
  driver.stdin.end();
  assert.deepEqual(await once(driver, "exit"), [0, null]);
});
