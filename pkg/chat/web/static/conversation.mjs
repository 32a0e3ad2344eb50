// What a conversation is: turns, each a prompt and its answers, one or one for each revision that is compared.
import { over } from "./answer.mjs";

/** newConversation is empty and has no title of its own yet. */
export function newConversation() {
  const now = Date.now();
  return { id: crypto.getRandomValues(new Uint32Array(3)).join("-"), title: "New conversation", created: now, updated: now, turns: [] };
}

/** titled is a title made of the first prompt, at most 60 characters. */
export function titled(prompt) {
  const line = prompt.trim().split("\n", 1)[0].trim();
  const letters = [...line];
  return letters.length > 60 ? `${letters.slice(0, 59).join("")}…` : line || "New conversation";
}

/**
 * messages is what a revision is told before it answers the turn at `index`: of each turn before, its own answer, or where it gave
 * none the first that there is. Reasoning is left out, as models want it; a turn without an answer is left out as a whole.
 */
export function messages(conversation, index, asked) {
  const out = [];
  for (const turn of conversation.turns.slice(0, index)) {
    const said = turn.answers.filter(({ text }) => text !== "");
    const own = said.find((answer) => answer.asked === asked) ?? said[0];
    if (own) out.push({ role: "user", content: turn.prompt }, { role: "assistant", content: own.text });
  }
  out.push({ role: "user", content: conversation.turns[index].prompt });
  return out;
}

/** interrupted marks what was still coming when the page was closed. */
export function interrupted(conversation) {
  for (const answer of conversation.turns.flatMap(({ answers }) => answers)) {
    if (over(answer)) continue;
    answer.state = answer.text || answer.reasoning ? "cut" : "failed";
    answer.error = "The page was closed before the answer ended.";
  }
  return conversation;
}

/** exported is the conversation as a file: the messages as the API has them, and the turns with their figures. */
export function exported(conversation) {
  const { title, created, updated, turns } = conversation;
  const last = turns.length - 1;
  const said = last < 0 ? [] : messages(conversation, last, "");
  const answer = turns[last]?.answers.find(({ text }) => text !== "");
  if (answer) said.push({ role: "assistant", content: answer.text });
  return JSON.stringify({ title, created: new Date(created).toISOString(), updated: new Date(updated).toISOString(), messages: said, turns }, null, 2);
}
