// Programs that the tests start, and their end.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { once } from "node:events";
import { createServer } from "node:net";

export const root = fileURLToPath(new URL("../../../", import.meta.url));
const server = process.env.CHAT_SERVER ?? `${root}bin/chat-web`;

/** program starts one and resolves with its first line; stop ends it. */
export async function program(command, args, { env = {}, ready = () => true } = {}) {
  const child = spawn(command, args, { cwd: root, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  const line = await new Promise((resolve, reject) => {
    const read = (data) => {
      said += data;
      const found = said.split("\n").slice(0, -1).find(ready);
      if (found !== undefined) resolve(found);
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`${command} ended with ${code}: ${said}`)));
  });
  const stop = async () => {
    if (child.exitCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    await ended;
  };
  return { line, stop };
}

/** page serves the chat's page and returns its link. */
export async function page(upstream, { revisions = [], token = "", name = "deepseek-r1", listen = "127.0.0.1:0", patience = "1m" } = {}) {
  const args = ["-upstream", `${upstream}/v1`, "-name", name, "-listen", listen, "-patience", patience];
  if (token) args.push("-token", token);
  for (const revision of revisions) args.push("-revision", revision);
  const { line, stop } = await program(server, args);
  return { link: line, stop };
}

// free is a port that nobody has. Another may take it before it is used: who uses it tries again.
async function free() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** simulator starts a simulated model server of one pod and returns its address. */
export async function simulator(pod, tries = 3) {
  const path = process.env.KSERVEGEN_SIMULATOR;
  if (!path) throw new Error("KSERVEGEN_SIMULATOR names no simulator; `make web` sets it");
  const port = await free();
  const args = ["--force-dummy-tokenizer", "--mode=random", `--port=${port}`, "--model=deepseek-r1", "--time-to-first-token=60ms", "--inter-token-latency=10ms", "--max-num-seqs=64"];
  let stop;
  try {
    ({ stop } = await program(path, args, { env: { POD_NAME: pod }, ready: (line) => /starting|listening/i.test(line) }));
  } catch (error) {
    if (tries > 1) return simulator(pod, tries - 1);
    throw error;
  }
  const address = `http://127.0.0.1:${port}`;
  for (let i = 0; i < 100; i++) {
    try {
      if ((await fetch(`${address}/v1/models`)).ok) return { address, stop };
    } catch { /* not yet */ }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`the simulator ${pod} does not answer`);
}
