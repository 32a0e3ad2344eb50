// The page's own server. It adds the credentials of the model, which never come here.
import { Events, longest, piece, text, TooLong } from "./sse.mjs";

const tokenKey = "kservegen.token";

/** signedOut is the code of a refusal to who is not signed in. The mesh gives none: a bad token is its 401, a missing one its 403. */
export const signedOut = "signed_out";

/** unasked are the codes with which the page's server says that it did not ask the model: limits, and sign-ins that nobody can check. */
export const unasked = ["too_many_requests", "too_many_sign_ins", "issuer_unreachable"];

/**
 * ChatError is why there is no answer, or not all of one. Kinds: refused (an HTTP status, with the code that the page's server gives
 * it, and whether the browser itself asks for a password), cut, unreachable, model.
 */
export class ChatError extends Error {
  constructor(kind, message, { status = 0, code = "", basic = false } = {}) {
    super(message);
    Object.assign(this, { kind, status, code, basic });
  }
}

/** takeToken moves the token out of the link's fragment, so that it is in no bookmark and not in what is shared of the address. */
export function takeToken() {
  const found = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!found) return;
  setToken(found);
  history.replaceState(null, "", location.pathname);
}

/** setToken keeps the page's token as long as the tab is open. */
export function setToken(token) { sessionStorage.setItem(tokenKey, token); }

function headers() {
  const token = sessionStorage.getItem(tokenKey);
  return { "X-Kservegen-Chat": "1", ...(token ? { Authorization: `Bearer ${token}` } : {}) };
}

async function ask(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { cache: "no-store", redirect: "error", ...options, headers: { ...headers(), ...options.headers } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ChatError("unreachable", "The chat's server does not answer. Is the program that served this page still running?");
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

// refusal says what a status means before it repeats what the server said.
async function refusal(response) {
  const status = response.status;
  const retryAfter = response.headers.get("Retry-After") ?? "";
  let said = "", code = "";
  try {
    const body = (await read(response, 64 << 10)).slice(0, 2000);
    try {
      const { error } = JSON.parse(body);
      said = text(error?.message);
      code = text(error?.code);
    } catch { said = body; }
  } catch { /* the body was cut: the status is all there is */ }
  if ((status === 401 && code !== "token") || (status === 403 && said.startsWith("RBAC: access denied"))) code = signedOut;
  const basic = /^basic\b/i.test(response.headers.get("WWW-Authenticate") ?? "");
  if (unasked.includes(code) && said) return new ChatError("refused", `${said[0].toUpperCase()}${said.slice(1, 500)}.`, { status, code });
  const meaning = {
    401: "A token is needed.", 403: "The request was refused.", 404: "There is no such model or path.",
    429: `The model has too many requests${/^\d+$/.test(retryAfter) ? ` and asks to wait ${retryAfter} s` : ""}.`,
    502: "The model cannot be reached.", 503: "No replica of the model is ready.", 504: "The model did not begin to answer in time.",
  }[status] ?? `The request failed.`;
  return new ChatError("refused", `${meaning} (${status}${said ? `: ${said.trim().slice(0, 500)}` : ""})`, { status, code, basic });
}

// read takes so many bytes of a body and no more, as text.
async function read(response, limit) {
  const reader = response.body.getReader(), decoder = new TextDecoder();
  let said = "";
  for (let size = 0; size < limit;) {
    const { done, value } = await reader.read();
    if (done) return said;
    size += value.length;
    said += decoder.decode(value, { stream: true });
  }
  reader.cancel().catch(() => { /* it has ended */ });
  return said;
}

/** about says what the page talks to: {name, model, revisions: [{name, weight, chosen}], unread (the model whose route cannot be read), signIn: {kind, id, user, login}}. */
export async function about() { return (await ask("api/about")).json(); }

/** signOut makes the server forget nothing, since it keeps nothing: it takes the browser's cookie away. */
export async function signOut() { await ask("api/sign-out", { method: "POST", body: "{}", headers: { "Content-Type": "application/json" } }); }

/** models are the names that the model serves. */
export async function models() {
  const listed = (await (await ask("api/models")).json())?.data;
  return (Array.isArray(listed) ? listed : []).slice(0, 1000).map((model) => text(model?.id)).filter(Boolean);
}

/**
 * chat asks and yields {head: {revision, pod}} once, then pieces as sse.piece reads them. It returns where the model ended its
 * answer and throws a ChatError where it did not. The empty revision leaves the choice to the route.
 */
export async function* chat(request, revision, signal) {
  const response = await ask(`api/chat?revision=${encodeURIComponent(revision)}`, {
    method: "POST", signal, body: JSON.stringify(request), headers: { "Content-Type": "application/json" },
  });
  yield { head: { revision: response.headers.get("X-Llm-Revision"), pod: response.headers.get("X-Inference-Pod") } };
  if (!response.headers.get("Content-Type")?.startsWith("text/event-stream")) {
    return yield* whole(await read(response, longest));
  }
  yield* streamed(response.body.getReader(), signal);
}

async function* streamed(reader, signal) {
  const events = new Events();
  let finished = false;
  try {
    for (let part; (part = await next(reader, signal)) !== null;) {
      for (const data of events.read(part)) {
        if (data === "[DONE]") return;
        const read = piece(data);
        if (read.error) throw new ChatError("model", `The model broke off: ${read.error}`);
        // vLLM says abort of an answer that it drops when it stops, and error of one that it could not finish.
        if (["abort", "error"].includes(read.finish)) throw new ChatError("cut", "The model dropped the answer before its end.");
        finished ||= read.finish !== "";
        yield read;
      }
    }
  } finally {
    reader.cancel().catch(() => { /* it was cut already */ });
  }
  if (!finished) throw new ChatError("cut", "The connection was cut before the answer ended.");
}

// next returns what came, or null where nothing more will: a connection that broke says no more than one that ended.
async function next(reader, signal) {
  try {
    const { done, value } = await reader.read();
    return done ? null : value;
  } catch (error) {
    if (signal?.aborted || error.name === "AbortError") throw error;
    return null;
  }
}

// whole reads an answer of a server that does not stream.
async function* whole(body) {
  if (body.length >= longest) throw new TooLong("The answer");
  const read = piece(body);
  if (read.error) throw new ChatError("model", `The model's answer cannot be read: ${read.error}`);
  yield read;
}
