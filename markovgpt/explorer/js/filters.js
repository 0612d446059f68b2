// Filters: each takes scores in float32, where -Infinity is gone, and makes -Infinity of what goes.
import { highestOf, sumOf } from "./arrays.js";

export function isGiven(value) {
  return value !== null && value !== undefined;
}

export function filterHuggingFace(scores, { top_k: k, top_p: p, min_p: share }) {
  if (isGiven(k)) keepTopKWithTies(scores, k);
  if (isGiven(p)) dropLeastLikely(scores, Math.fround(1 - p));
  if (isGiven(share)) keepShareOfBest(scores, share);
}

export function filterVllm(scores, { top_k: k, top_p: p, min_p: share }) {
  if (isGiven(share)) keepShareOfBest(scores, share);
  if (isGiven(k)) keepTopKWithTies(scores, k);
  if (isGiven(p)) dropLeastLikely(scores, Math.fround(1 - Math.fround(p)));
}

export function filterTopK(scores, { top_k: k }) {
  keepTopKWithTies(scores, k);
}

export function filterTransformerLens(scores, { top_k: k, top_p: p }) {
  if (isGiven(k)) keepTopKWithTies(scores, k);
  else dropAfterMass(scores, p);
}

export function filterLlama(scores, { top_k: k, top_p: p, min_p: share }) {
  // its sum for top_p runs over the tokens as they lie: sorted by then if there was a top_k
  const lying = isGiven(k) ? tokensFalling(scores) : Int32Array.from(scores.keys());
  if (isGiven(k)) for (const a of lying.subarray(k)) scores[a] = -Infinity;
  if (isGiven(p)) keepUntilMass(scores, p, lying);
  if (isGiven(share)) {
    const least = Math.fround(highestOf(scores) + Math.fround(Math.log(Math.fround(share))));
    dropWhere(scores, (a) => scores[a] < least);
  }
}

// Every token whose score is at least the k-th largest: all of its equals stay.
function keepTopKWithTies(scores, k) {
  const least = Float32Array.from(scores).sort()[Math.max(0, scores.length - k)];
  dropWhere(scores, (a) => scores[a] < least);
}

// From the least likely up, of equals higher ids first, what together has at most this mass; the likeliest stays.
function dropLeastLikely(scores, mass) {
  const rising = tokensFalling(scores).reverse();
  const chances = softmaxInFloat32(scores);
  let sum = 0;
  for (const a of rising.subarray(0, rising.length - 1)) {
    sum += chances[a];
    if (Math.fround(sum) > mass) return;
    scores[a] = -Infinity;
  }
}

// From the likeliest down, what comes after a mass above p.
function dropAfterMass(scores, p) {
  const chances = softmaxInFloat32(scores);
  let sum = 0;
  for (const a of tokensFalling(scores)) {
    const goes = Math.fround(sum) > Math.fround(p);
    sum += chances[a];
    if (goes) scores[a] = -Infinity;
  }
}

// llama.cpp: the fewest of the likeliest that together have at least p; every sum rounded to float32 on the way.
function keepUntilMass(scores, p, lying) {
  const highest = highestOf(scores);
  const weights = scores.map((score) => Math.exp(Math.fround(score - highest)));
  let total = 0;
  for (const a of lying) total = Math.fround(total + weights[a]);
  let sum = 0;
  for (const a of tokensFalling(scores)) {
    const goes = sum >= Math.fround(p);
    sum = Math.fround(sum + Math.fround(weights[a] / total));
    if (goes) scores[a] = -Infinity;
  }
}

// Every token with a probability of at least a share of the largest.
function keepShareOfBest(scores, share) {
  const chances = softmaxInFloat32(scores);
  const least = Math.fround(Math.fround(share) * highestOf(chances));
  dropWhere(scores, (a) => chances[a] < least);
}

function dropWhere(scores, goes) {
  for (let a = 0; a < scores.length; a++) if (goes(a)) scores[a] = -Infinity;
}

function softmaxInFloat32(scores) {
  const highest = highestOf(scores);
  const chances = scores.map((score) => Math.exp(Math.fround(score - highest)));
  const sum = Math.fround(sumOf(chances));
  return chances.map((chance) => chance / sum);
}

// Token ids from the largest score down, of equals the lower first. By insertion: rows are short, and there are many.
function tokensFalling(scores) {
  const tokens = new Int32Array(scores.length);
  for (let a = 0; a < scores.length; a++) {
    let place = a;
    while (place > 0 && scores[tokens[place - 1]] < scores[a]) {
      tokens[place] = tokens[place - 1];
      place--;
    }
    tokens[place] = a;
  }
  return tokens;
}
