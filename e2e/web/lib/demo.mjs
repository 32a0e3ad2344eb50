// What the model says on the pictures, the same each time.
import { end, event, sleep } from "./upstreams.mjs";

const thinking = "The user wants to merge two sorted lists. Two indices, one loop, then what is left of either list. I should mention the cost, and that `heapq.merge` exists.";

const merge = `Walk both lists with an index each, and take the smaller head every time:

\`\`\`python
def merge(a, b):
    merged, i, j = [], 0, 0
    while i < len(a) and j < len(b):
        if a[i] <= b[j]:
            merged.append(a[i]); i += 1
        else:
            merged.append(b[j]); j += 1
    return merged + a[i:] + b[j:]
\`\`\`

- **Time** is \`O(len(a) + len(b))\`: each element is looked at once.
- For files, see [heapq.merge](https://docs.python.org/3/library/heapq.html#heapq.merge).`;

const short = {
  v1: "It sends a **small share** of requests to the new revision. While that does well, the share grows. Where it does not, all requests go back.",
  v2: "A taste before the meal:\n\n1. The new one gets *5 of 100* requests.\n2. Its errors are compared.\n3. The share grows, or goes to zero.",
};

const table = `They differ in what runs at a time, and in who notices a mistake:

| | Blue-green | Canary |
|---|---|---|
| Runs twice | everything | a small part |
| Mistake hits | all users | 5 of 100 |
| Way back | switch | set the weight to 0 |
| GPUs needed | 2× | 1.1× |

> Where devices are scarce, a canary is the cheaper way.`;

async function say({ stream, send, response }, text, { reasoning = "", pause = 0 } = {}) {
  stream();
  for (const word of reasoning.match(/\S+\s*/g) ?? []) { await send(event({ reasoning_content: word })); await sleep(pause); }
  const words = text.match(/\s*\S+/g);
  for (const word of words) { await send(event({ content: word })); await sleep(pause); }
  response.end(end(words.length));
}

export const demo = {
  "Write a Python function that merges two sorted lists.": (to) => say(to, merge, { reasoning: thinking, pause: 1 }),
  "Explain a canary release in three sentences.": (to) => say(to, short[to.revision], { pause: 2 }),
  "Compare blue-green and canary deployments in a table.": (to) => say(to, table, { pause: 1 }),
  default: (to) => say(to, "Yes.", { pause: 1 }),
};
