// What the panel shows, counted from the answers of this visit. Nothing of the page is known here.

/** Stats counts answers by the revision that gave them. */
export class Stats {
  #rows = new Map();

  /** period is of the weights: it goes on with each change of them. */
  period = 0;

  /**
   * add counts an answer: {revision (null: not known), byWeight, failed, ttft (ms), speed (tokens/s), period}. One that was asked for
   * in a period before was shared out by other weights, and is of no share.
   */
  add({ revision, byWeight, failed, ttft, speed, period = this.period }) {
    const row = this.#row(revision);
    if (failed) row.errors++;
    else if (byWeight) row.byWeight += Number(period === this.period);
    else row.byName++;
    if (ttft > 0) keep(row.ttft, ttft);
    if (speed > 0) keep(row.speed, speed);
  }

  /** total is how many answers the route shared out. */
  get total() { return [...this.#rows.values()].reduce((sum, row) => sum + row.byWeight, 0); }

  /** rows are the revisions named, then others that were seen, the unknown last. */
  rows(names) {
    const all = [...names, ...[...this.#rows.keys()].filter((name) => name !== null && !names.includes(name)).sort()];
    if (this.#rows.has(null)) all.push(null);
    return all.map((name) => {
      const row = this.#rows.get(name) ?? fresh();
      return { name, ...row, share: this.total ? row.byWeight / this.total : 0, ttft: median(row.ttft), speed: median(row.speed) };
    });
  }

  /** renew counts the shares anew, for other weights. How fast a revision is, and how often it fails, is no matter of weights. */
  renew() {
    this.period++;
    for (const row of this.#rows.values()) row.byWeight = 0;
  }

  clear() { this.#rows.clear(); }

  #row(name) {
    if (!this.#rows.has(name)) this.#rows.set(name, fresh());
    return this.#rows.get(name);
  }
}

const fresh = () => ({ byWeight: 0, byName: 0, errors: 0, ttft: [], speed: [] });

function keep(list, value) {
  list.push(value);
  if (list.length > 500) list.shift();
}

/** median of numbers; null of none. */
export function median(numbers) {
  if (numbers.length === 0) return null;
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** chance is how likely a count as far from the weight as this one, or farther, is by luck: the two-sided binomial test. */
export function chance(count, total, weight) {
  if (total === 0) return 1;
  if (weight <= 0 || weight >= 1) return count === total * weight ? 1 : 0;
  const logs = [0];
  for (let k = 1; k <= total; k++) logs.push(logs[k - 1] + Math.log(k));
  const likely = (k) => Math.exp(logs[total] - logs[k] - logs[total - k] + k * Math.log(weight) + (total - k) * Math.log(1 - weight));
  const seen = likely(count) * (1 + 1e-9);
  let sum = 0;
  for (let k = 0; k <= total; k++) if (likely(k) <= seen) sum += likely(k);
  return Math.min(1, sum);
}
