// The likeliest ways to red.
import { successorOf } from "./table.js";

// The k likeliest walks from the start to the first red state within n tokens, the likeliest first and of equals the
// shorter; each with its tokens, its probability and log10 of it. A walk that comes back to a state counts.
// A search that grows walks in the order of what they have cost and still must cost at least, cost being -log p: that
// remainder is known beforehand, so that hardly anything grows but beginnings of the answers. Where very many tie it
// gives up early, with those found so far.
export function likeliestWays(table, rows, red, start, n, k) {
  const mostGrown = 20000;
  const remaining = remainingCosts(table, rows, red, n);
  const least = (state, steps) => remaining[Math.min(n - steps, remaining.length - 1)][state];
  const waiting = new Queue();
  const ways = [];
  const wait = (node) => {
    const total = node.cost + least(node.state, node.steps);
    if (total < Infinity) waiting.add(total, node.steps, node);
  };
  wait({ state: start, token: null, before: null, cost: 0, steps: 0 });
  for (let grown = 0; waiting.size > 0 && ways.length < k && grown < mostGrown; grown++) {
    const node = waiting.takeFirst();
    if (red[node.state]) {
      ways.push(wayOf(node));
      continue;
    }
    for (let token = 0; token < table.V; token++) {
      const edge = node.state * table.V + token;
      if (!rows.kept[edge]) continue;
      const state = successorOf(table, node.state, token);
      wait({ state, token, before: node, cost: node.cost - rows.logs[edge], steps: node.steps + 1 });
    }
  }
  return ways;
}

function wayOf(last) {
  const tokens = [];
  for (let node = last; node.before; node = node.before) tokens.unshift(node.token);
  return { tokens, probability: Math.exp(-last.cost), log10: -last.cost / Math.LN10 };
}

// The least cost from each state to red in at most 0, 1, ... n steps; the list ends early where more change nothing.
function remainingCosts(table, rows, red, n) {
  const { V } = table;
  const layers = [Float64Array.from(red, (isRed) => (isRed ? 0 : Infinity))];
  for (let step = 0; step < n; step++) {
    const nearer = layers.at(-1);
    let isChanged = false;
    const further = nearer.map((cost, s) => {
      if (red[s]) return 0;
      let least = Infinity;
      for (let a = 0; a < V; a++) {
        if (rows.kept[s * V + a]) least = Math.min(least, nearer[successorOf(table, s, a)] - rows.logs[s * V + a]);
      }
      isChanged ||= least !== cost;
      return least;
    });
    if (!isChanged) break;
    layers.push(further);
  }
  return layers;
}

// Items in the order of their cost, then of their steps: a binary heap.
class Queue {
  #heap = [];

  get size() {
    return this.#heap.length;
  }

  add(cost, steps, item) {
    const heap = this.#heap;
    let place = heap.push({ cost, steps, item }) - 1;
    while (place > 0) {
      const above = (place - 1) >> 1;
      if (!this.#isBefore(place, above)) break;
      [heap[place], heap[above]] = [heap[above], heap[place]];
      place = above;
    }
  }

  takeFirst() {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (heap.length > 0) {
      heap[0] = last;
      this.#sink();
    }
    return first.item;
  }

  #sink() {
    const heap = this.#heap;
    for (let place = 0; ;) {
      let first = place;
      for (const below of [2 * place + 1, 2 * place + 2]) {
        if (below < heap.length && this.#isBefore(below, first)) first = below;
      }
      if (first === place) return;
      [heap[place], heap[first]] = [heap[first], heap[place]];
      place = first;
    }
  }

  #isBefore(i, j) {
    const [left, right] = [this.#heap[i], this.#heap[j]];
    return left.cost < right.cost || (left.cost === right.cost && left.steps < right.steps);
  }
}
