// The windows merged by their newest tokens: how much each suffix weighs, and which of them are rows of the tree.
//
// A suffix of `depth` tokens has the number `code` that its windows have modulo V ** depth. One token older b, it is
// b * V ** depth + code; all windows together are the suffix of no tokens.

// Of the suffixes that are one token older than another: more are shown when they are asked for.
export const FIRST_SHOWN = 12;

// For each depth from 0 to L, the sum of the weights of each suffix: each level is folded into the one above.
export function suffixSums({ V, L }, weights) {
  const levels = [Float64Array.from(weights)];
  while (levels.length <= L) {
    const below = levels[0];
    const sums = new Float64Array(below.length / V);
    below.forEach((weight, code) => {
      sums[code % sums.length] += weight;
    });
    levels.unshift(sums);
  }
  return levels;
}

// What follows a suffix in the long run: the mean of its windows' probabilities, weighted; null if none has weight.
export function meanNext({ V, n }, probs, weights, depth, code) {
  const next = new Float64Array(V);
  let total = 0;
  for (let state = code; state < n; state += V ** depth) {
    if (weights[state] === 0) continue;
    total += weights[state];
    for (let token = 0; token < V; token += 1) next[token] += weights[state] * probs[state * V + token];
  }
  return total > 0 ? next.map((sum) => sum / total) : null;
}

export function suffixKey(depth, code) {
  return `${depth}:${code}`;
}

export function suffixTokens({ V }, depth, code) {
  return Array.from({ length: depth }, (_, place) => Math.floor(code / V ** (depth - 1 - place)) % V);
}

// The rows from the top: every suffix whose parents are open, the heaviest of siblings first. `open` and `whole` are
// sets of keys: of what is expanded, and of what shows all of its children. A row is {key, depth, code, parent, mass,
// part: of its parent's mass} or, where more are left out, {key, more: how many, mass, parent, depth}.
export function suffixRows(table, sums, open, whole) {
  const rows = [];
  addSuffix(rows, { table, sums, open, whole }, 0, 0, null);
  return rows;
}

function addSuffix(rows, given, depth, code, parent) {
  const { table, sums, open } = given;
  const key = suffixKey(depth, code);
  const mass = sums[depth][code];
  const above = depth === 0 ? mass : sums[depth - 1][code % sums[depth - 1].length];
  const opened = depth < table.L && open.has(key);
  rows.push({ key, depth, code, parent, mass, part: above > 0 ? mass / above : 0, leaf: depth === table.L, opened });
  if (opened) addChildren(rows, given, depth, code, key);
}

function addChildren(rows, given, depth, code, key) {
  const { table, sums, whole } = given;
  const below = sums[depth + 1];
  const children = Array.from({ length: table.V }, (_, token) => token * sums[depth].length + code);
  children.sort((one, other) => below[other] - below[one] || one - other);
  // One that is left out would take the room of the row that says so.
  const shown = whole.has(key) || children.length <= FIRST_SHOWN + 1 ? children.length : FIRST_SHOWN;
  for (const child of children.slice(0, shown)) addSuffix(rows, given, depth + 1, child, key);
  const rest = children.slice(shown);
  if (!rest.length) return;
  const mass = rest.reduce((sum, child) => sum + below[child], 0);
  rows.push({ key: `${key}+`, depth: depth + 1, more: rest.length, mass, parent: key });
}
