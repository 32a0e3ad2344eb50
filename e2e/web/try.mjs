import { launch, visit, ask, answered, violations } from "./lib/browser.mjs";
import { page as serve } from "./lib/programs.mjs";
import { scripted } from "./lib/upstreams.mjs";
import { demo } from "./lib/demo.mjs";
const up = await scripted(demo);
const srv = await serve(up.address, { revisions: ["v1,90,x-llm-track,v1", "v2,10,x-llm-track,v2"] });
const b = await launch();
try {
  const { page, watched } = await visit(b, srv.link);
  await page.screenshot({ path: "/tmp/wt/s0.png" });
  await ask(page, "Write a Python function that merges two sorted lists.");
  await answered(page);
  await page.screenshot({ path: "/tmp/wt/s1.png" });
  await page.locator("#revision").selectOption({ label: "Compare v1 and v2" });
  await ask(page, "Explain a canary release in three sentences.");
  await answered(page);
  await page.screenshot({ path: "/tmp/wt/s2.png" });
  await page.locator("#theme").selectOption("dark");
  await page.locator("#revision").selectOption("");
  await ask(page, "Compare blue-green and canary deployments in a table.");
  await answered(page);
  await page.screenshot({ path: "/tmp/wt/s3.png" });
  console.log(watched, await violations(page));
  await page.setViewportSize({ width: 390, height: 780 });
  await page.screenshot({ path: "/tmp/wt/s4.png" });
  await page.locator("header [popovertarget=panel]").click();
  await page.screenshot({ path: "/tmp/wt/s5.png" });
  console.log(watched, await violations(page));
} finally { await b.close(); await srv.stop(); await up.stop(); }
