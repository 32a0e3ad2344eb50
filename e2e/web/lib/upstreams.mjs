// What answers the page: a gateway before simulators, and a model that does whatever it is told.
import http from "node:http";
import { once } from "node:events";

async function listening(handler) {
  const server = http.createServer(handler);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `http://127.0.0.1:${server.address().port}`,
    stop: async () => { server.closeAllConnections(); server.close(); },
  };
}

/** gateway does what the route of a canary does: a tester's header decides, else each tenth request is the canary's. */
export function gateway({ v1, v2 }, { names = true } = {}) {
  let count = 0;
  return listening((request, response) => {
    let revision = request.headers["x-llm-track"];
    if (!revision) revision = request.url.endsWith("/chat/completions") && ++count % 10 === 0 ? "v2" : "v1";
    const to = new URL(request.url, revision === "v2" ? v2 : v1);
    const forward = http.request(to, { method: request.method, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode, names ? { ...answer.headers, "x-llm-revision": revision } : answer.headers);
      answer.pipe(response);
    });
    forward.on("error", () => response.destroy());
    response.on("close", () => forward.destroy());
    request.pipe(forward);
  });
}

/** event is one of a stream. */
export const event = (delta, finish = null) => `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
export const end = (tokens) => `${event({}, "stop")}data: ${JSON.stringify({ choices: [], usage: { completion_tokens: tokens } })}\n\ndata: [DONE]\n\n`;
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * scripted is a model that answers each prompt by the function of that name in `scripts`, called with {send, revision, request,
 * response, stream}; stream begins the answer. `byWeight` says who answers where no header does. `seen` collects the requests with their headers.
 */
export async function scripted(scripts, byWeight = () => "v1") {
  const seen = [];
  const started = await listening(async (request, response) => {
    if (request.url === "/v1/models") {
      response.setHeader("Content-Type", "application/json");
      return response.end(JSON.stringify({ data: [{ id: "deepseek-r1" }] }));
    }
    if (request.method !== "POST") return response.writeHead(404).end();
    let body = "";
    for await (const part of request) body += part;
    const asked = { headers: request.headers, url: request.url, body: JSON.parse(body), closed: false };
    seen.push(asked);
    response.on("close", () => { asked.closed = true; });
    const prompt = asked.body.messages.at(-1).content;
    const revision = request.headers["x-llm-track"] ?? byWeight();
    const stream = () => response.writeHead(200, { "Content-Type": "text/event-stream", "x-llm-revision": revision, "x-inference-pod": `deepseek-r1-${revision}-7c9d8-x2k4q` });
    response.setMaxListeners(0);
    const send = (data) => response.write(data) || new Promise((resolve) => { response.once("drain", resolve); response.once("close", resolve); });
    const script = scripts[prompt.split("\n", 1)[0]] ?? scripts.default;
    await script({ send, stream, response, revision, request: asked });
  });
  return { ...started, seen };
}
