// Products with the matrix.

// out = x P: what arrives of masses x that leave.
export function push(table, probs, x, out) {
  const { V, n } = table;
  out.fill(0);
  for (let s = 0, target = 0; s < n; s++, target += V) {
    if (target === n) target = 0;
    if (x[s] === 0) continue;
    for (let a = 0, edge = s * V; a < V; a++) out[target + a] += x[s] * probs[edge + a];
  }
  return out;
}

// out = P f: what values f are worth one step ahead.
export function pull(table, probs, f, out) {
  const { V, n } = table;
  for (let s = 0, target = 0; s < n; s++, target += V) {
    if (target === n) target = 0;
    let sum = 0;
    for (let a = 0, edge = s * V; a < V; a++) sum += probs[edge + a] * f[target + a];
    out[s] = sum;
  }
  return out;
}
