// Programs that the tests start, and their end.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { once } from "node:events";
import { createServer } from "node:net";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

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

/** free is a port that nobody has. Another may take it before it is used: who uses it tries again. */
export async function free() {
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

const kservegen = process.env.KSERVEGEN ?? `${root}bin/kservegen`;

/** chatPage serves the page by the program itself, as a pod does, at a port of its own. */
export async function chatPage(upstream, args, port) {
  const { line, stop } = await program(kservegen, ["chat", "--web", "--url", upstream, "--model", "deepseek-r1", "--listen", `127.0.0.1:${port}`, ...args], { ready: (line) => line.startsWith("http://") });
  return { link: line, stop };
}

/** issuer starts dex, in which jane and ken have passwords, and knows the page of `link` as a client. Its ID tokens last as long as is said. */
export async function issuer(link, { client, secret, users, lifetime }) {
  const path = process.env.KSERVEGEN_DEX;
  if (!path) throw new Error("KSERVEGEN_DEX names no dex; `make web` sets it");
  const at = `http://127.0.0.1:${await free()}/dex`;
  const folder = await mkdtemp(join(tmpdir(), "dex-"));
  // JSON is YAML.
  await writeFile(join(folder, "config.yaml"), JSON.stringify({
    issuer: at, storage: { type: "memory" }, web: { http: new URL(at).host }, enablePasswordDB: true,
    oauth2: { skipApprovalScreen: true }, expiry: { idTokens: lifetime },
    staticClients: [{ id: client, name: "The page", secret, redirectURIs: [`${link}auth/callback`] }],
    staticPasswords: users.map(({ email, hash }) => ({ email, hash, username: email.split("@")[0], userID: `id-of-${email}` })),
  }));
  const { stop } = await program(path, ["serve", join(folder, "config.yaml")], { ready: (line) => /listening on/.test(line) });
  return { at, stop: async () => { await stop(); await rm(folder, { recursive: true }); } };
}
