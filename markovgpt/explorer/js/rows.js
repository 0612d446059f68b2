// Logits -> probabilities.
import { activeSettings, ENGINES } from "./settings.js";

// The rows of the chain under settings that have no error: probs, logs (natural logarithms of probs, which hold where
// probs are below the doubles) and kept (1 where possible), each [s * V + a].
export function rowsOf(table, settings) {
  const { V, n, logits } = table;
  const rows = { V, probs: new Float64Array(n * V), logs: new Float64Array(n * V), kept: new Uint8Array(n * V) };
  const engine = ENGINES[settings.engine];
  const temperature = settings.temperature === 0 ? 0 : Math.max(settings.temperature, engine.lowest ?? 0);
  const active = activeSettings(settings);
  // the largest logit survives every filter, and at temperature 0 nothing else matters
  const filters = temperature > 0 && Object.keys(active).length > 0;
  const scores = new Float32Array(V);
  for (let first = 0; first < n * V; first += V) {
    const row = logits.subarray(first, first + V);
    for (let a = 0; a < V; a++) rows.kept[first + a] = row[a] > -Infinity ? 1 : 0;
    if (filters) {
      takeScores(row, engine.temperatureLast ? 1 : temperature, scores);
      engine.filter(scores, active);
      for (let a = 0; a < V; a++) if (scores[a] === -Infinity) rows.kept[first + a] = 0;
    }
    if (temperature === 0) fillArgmax(row, first, rows);
    else fillSoftmax(row, temperature, first, rows);
  }
  return rows;
}

// One token alone: the largest logit, the lowest id on ties.
function fillArgmax(row, first, rows) {
  let best = 0;
  for (let a = 1; a < row.length; a++) if (row[a] > row[best]) best = a;
  rows.kept.fill(0, first, first + row.length);
  rows.logs.fill(-Infinity, first, first + row.length);
  rows.kept[first + best] = rows.probs[first + best] = 1;
  rows.logs[first + best] = 0;
}

function fillSoftmax(row, temperature, first, rows) {
  const { probs, logs, kept } = rows;
  let highest = -Infinity;
  for (let a = 0; a < row.length; a++) if (kept[first + a] && row[a] > highest) highest = row[a];
  let sum = 0;
  for (let a = 0; a < row.length; a++) {
    // a gap beyond the doubles is still possible: only `kept` may say that it is not
    const gap = Math.max((row[a] - highest) / temperature, -Number.MAX_VALUE);
    logs[first + a] = kept[first + a] ? gap : -Infinity;
    probs[first + a] = Math.exp(logs[first + a]);
    sum += probs[first + a];
  }
  const logOfSum = Math.log(sum);
  for (let a = 0; a < row.length; a++) {
    probs[first + a] /= sum;
    logs[first + a] -= logOfSum;
  }
}

// What the engine's filters see: logits over temperature in float32; a Float32Array rounds what is put into it.
function takeScores(row, temperature, scores) {
  const divisor = Math.fround(temperature);
  let isFar = false;
  for (let a = 0; a < row.length; a++) {
    scores[a] = row[a];
    if (divisor !== 1) scores[a] = scores[a] / divisor;
    if (!Number.isFinite(scores[a]) && Number.isFinite(row[a])) isFar = true;
  }
  if (isFar) drawTogether(row, temperature, scores);
}

// Scores beyond float32 are drawn together below the largest, as much as it takes; their order stays.
function drawTogether(row, temperature, scores) {
  const widestInFloat32 = 1e38;
  const highest = Math.max(...row);
  // halves, since the distance of two doubles may be none
  const gaps = Array.from(row, (logit) => logit / 2 - highest / 2);
  const widest = Math.max(0, ...gaps.filter(Number.isFinite).map((gap) => -gap));
  const divisor = Math.max(temperature / 2, widest / widestInFloat32);
  gaps.forEach((gap, a) => (scores[a] = gap / divisor));
}
