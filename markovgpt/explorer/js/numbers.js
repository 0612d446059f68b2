// The numbers of the page: rows under sampling settings, classes, the long run, red, temperature zero, a walk.
// No document in here: the same file runs in the page and in its worker.
//
// A state is a window of exactly L tokens read as a number in base V, oldest token first. Token a leads from state s
// to (s * V + a) % n, n = V**L. So a table of probabilities, probs[s * V + a], is the whole transition matrix.
//
// Zero means impossible, and `kept` alone says what is possible. Solvers only add, multiply and divide numbers that
// are not negative: nothing cancels, and every entry keeps its digits. Where a solver did not get there, or numbers
// left the range of doubles, its answer says so: `converged` is false.

// ---- the table and its states

// The embedded model with its logits decoded; `logits` is null where none are embedded.
export function tableOf(model) {
  const { V, L, name, shown, spelt } = model;
  return { V, L, n: V ** L, logits: model.logits && decodedNumbers(model.logits), name, shown, spelt };
}

// Numbers of {dtype, data: base64}; little-endian, as every machine that runs a browser.
export function decodedNumbers({ dtype, data }) {
  const text = atob(data);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  const kinds = { float32: Float32Array, float64: Float64Array, int32: Int32Array, uint8: Uint8Array };
  return new kinds[dtype](bytes.buffer);
}

export function stateOf(table, tokens) {
  return tokens.reduce((state, token) => state * table.V + token, 0);
}

export function windowOf(table, state) {
  const tokens = new Array(table.L);
  for (let place = table.L - 1; place >= 0; place--) {
    tokens[place] = state % table.V;
    state = Math.floor(state / table.V);
  }
  return tokens;
}

export function successorOf(table, state, token) {
  return (state * table.V + token) % table.n;
}

// ---- sampling settings, as the engines apply them (markovgpt/chains/sampling.py and engines.py)

const ENGINES = {
  huggingface: { has: ["top_k", "top_p", "min_p"], filter: filterHuggingFace },
  vllm: { has: ["top_k", "top_p", "min_p"], filter: filterVllm, lowest: 0.01, highest: 2 },
  "llama.cpp": { has: ["top_k", "top_p", "min_p"], filter: filterLlama, temperatureLast: true },
  nanogpt: { has: ["top_k"], filter: filterTopK },
  transformer_lens: { has: ["top_k", "top_p"], filter: filterTransformerLens, onlyFirst: true },
};
export const ENGINE_NAMES = Object.keys(ENGINES);

// What is allowed, in words, and the value that keeps everything.
const RANGES = {
  top_p: { within: (value) => value > 0 && value <= 1, allowed: "lie in (0, 1]", off: 1 },
  min_p: { within: (value) => value >= 0 && value <= 1, allowed: "lie in [0, 1]", off: 0 },
};

// The settings besides the temperature that are given and do not say "keep all", by name.
function activeSettings(settings) {
  const active = {};
  if (isGiven(settings.top_k)) active.top_k = settings.top_k;
  for (const name of Object.keys(RANGES)) {
    if (isGiven(settings[name]) && settings[name] !== RANGES[name].off) active[name] = settings[name];
  }
  return active;
}

function isGiven(value) {
  return value !== null && value !== undefined;
}

// "" where the engine could sample so from V tokens, otherwise Python's sentence.
export function settingsError(settings, V) {
  return rangeError(settings) || engineError(settings, V);
}

function rangeError(settings) {
  const { temperature, top_k: k } = settings;
  if (!isNumber(temperature)) return numberSentence("temperature", temperature);
  if (!(temperature >= 0 && temperature < Infinity)) {
    return `temperature must be at least 0 and finite, got ${written(temperature)}; 0 is the argmax`;
  }
  if (isGiven(k) && !(Number.isInteger(k) && k >= 1)) {
    return `top_k must be a whole number of at least 1, got ${written(k)}; None turns it off`;
  }
  for (const [name, { within, allowed, off }] of Object.entries(RANGES)) {
    const value = settings[name];
    if (!isGiven(value)) continue;
    if (!isNumber(value)) return numberSentence(name, value);
    if (!within(value)) return `${name} must ${allowed}, got ${written(value)}; None or ${off} turns it off`;
  }
  return "";
}

function engineError(settings, V) {
  const { temperature, engine: name } = settings;
  if (!Object.hasOwn(ENGINES, name)) {
    return `engine must be one of ${ENGINE_NAMES.join(", ")}, got '${name}'; choose one of them`;
  }
  const engine = ENGINES[name];
  const active = activeSettings(settings);
  for (const setting of Object.keys(active)) {
    if (engine.has.includes(setting)) continue;
    const having = ENGINE_NAMES.filter((other) => ENGINES[other].has.includes(setting));
    return (
      `${setting} must be None for engine ${name}, which has no such setting, got ${written(active[setting])}; ` +
      `leave it out, or choose an engine that has it: ${having.join(", ")}`
    );
  }
  if (engine.onlyFirst && "top_k" in active && "top_p" in active) {
    return (
      `top_k and top_p must not both be given for engine ${name}, which follows top_k and ignores the other, ` +
      `got ${written(active.top_k)} and ${written(active.top_p)}; give one of them`
    );
  }
  if (temperature > (engine.highest ?? Infinity)) {
    return (
      `temperature must be at most ${engine.highest} for engine ${name}, which refuses more, ` +
      `got ${written(temperature)}; choose another engine`
    );
  }
  if (name === "huggingface" && active.top_k > V) {
    return `top_k must be at most the vocabulary's ${V} tokens, got ${written(active.top_k)}; None turns it off`;
  }
  return "";
}

function isNumber(value) {
  return typeof value === "number" && !Number.isNaN(value);
}

function numberSentence(name, value) {
  return `${name} must be a number, got ${written(value)}; give it as a decimal, such as 0.7`;
}

// A value as Python writes it.
function written(value) {
  const special = { null: "None", undefined: "None", true: "True", false: "False", NaN: "nan" };
  const text = String(value);
  if (text in special) return special[text];
  // Python writes inf for Infinity, and exponents with two digits: 1e-07
  return text.replace("Infinity", "inf").replace(/e([+-])(\d)$/, "e$10$2");
}

// ---- logits -> probabilities

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

// ---- filters: each takes scores in float32, where -Infinity is gone, and makes -Infinity of what goes

function filterHuggingFace(scores, { top_k: k, top_p: p, min_p: share }) {
  if (isGiven(k)) keepTopKWithTies(scores, k);
  if (isGiven(p)) dropLeastLikely(scores, Math.fround(1 - p));
  if (isGiven(share)) keepShareOfBest(scores, share);
}

function filterVllm(scores, { top_k: k, top_p: p, min_p: share }) {
  if (isGiven(share)) keepShareOfBest(scores, share);
  if (isGiven(k)) keepTopKWithTies(scores, k);
  if (isGiven(p)) dropLeastLikely(scores, Math.fround(1 - Math.fround(p)));
}

function filterTopK(scores, { top_k: k }) {
  keepTopKWithTies(scores, k);
}

function filterTransformerLens(scores, { top_k: k, top_p: p }) {
  if (isGiven(k)) keepTopKWithTies(scores, k);
  else dropAfterMass(scores, p);
}

function filterLlama(scores, { top_k: k, top_p: p, min_p: share }) {
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

function highestOf(numbers) {
  let highest = -Infinity;
  for (let i = 0; i < numbers.length; i++) if (numbers[i] > highest) highest = numbers[i];
  return highest;
}

function sumOf(numbers) {
  let sum = 0;
  for (let i = 0; i < numbers.length; i++) sum += numbers[i];
  return sum;
}

function dotOf(left, right) {
  let sum = 0;
  for (let i = 0; i < left.length; i++) sum += left[i] * right[i];
  return sum;
}

// ---- products with the matrix

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

// ---- classes

// The communicating classes of what is possible: classOf[s]; and `recurrent`, those that are never left, each an
// ascending list of states, ordered by their lowest.
export function classesOf(table, kept) {
  const { classOf, count } = strongComponents(table, kept);
  const isLeft = new Uint8Array(count);
  const { V, n } = table;
  for (let s = 0; s < n; s++) {
    for (let a = 0; a < V; a++) {
      if (kept[s * V + a] && classOf[successorOf(table, s, a)] !== classOf[s]) isLeft[classOf[s]] = 1;
    }
  }
  const members = new Map();
  for (let s = 0; s < n; s++) {
    if (isLeft[classOf[s]]) continue;
    if (!members.has(classOf[s])) members.set(classOf[s], []);
    members.get(classOf[s]).push(s);
  }
  return { classOf, count, recurrent: [...members.values()] };
}

// Tarjan's algorithm (SIAM J. Comput. 1 (1972) 146-160), with a stack of its own in place of recursion.
function strongComponents(table, kept) {
  const { V, n } = table;
  const classOf = new Int32Array(n).fill(-1);
  const entered = new Int32Array(n).fill(-1);
  const lowest = new Int32Array(n);
  const nextToken = new Int32Array(n);
  const path = [];
  const open = [];
  let clock = 0;
  let count = 0;
  function enter(s) {
    entered[s] = lowest[s] = clock++;
    path.push(s);
    open.push(s);
  }
  function leave(s) {
    path.pop();
    if (path.length > 0) lowest[path.at(-1)] = Math.min(lowest[path.at(-1)], lowest[s]);
    if (lowest[s] !== entered[s]) return;
    let member;
    do {
      member = open.pop();
      classOf[member] = count;
    } while (member !== s);
    count++;
  }
  for (let root = 0; root < n; root++) {
    if (entered[root] < 0) enter(root);
    while (path.length > 0) {
      const s = path.at(-1);
      if (nextToken[s] === V) {
        leave(s);
        continue;
      }
      const a = nextToken[s]++;
      if (!kept[s * V + a]) continue;
      const after = successorOf(table, s, a);
      if (entered[after] < 0) enter(after);
      else if (classOf[after] < 0) lowest[s] = Math.min(lowest[s], entered[after]);
    }
  }
  return { classOf, count };
}

// Which states can be reached from a start without going on from a state where `stops` is 1; 1 or 0 each.
function reachedFrom(table, kept, start, stops) {
  const reached = new Uint8Array(table.n);
  reached[start] = 1;
  const waiting = [start];
  while (waiting.length > 0) {
    const s = waiting.pop();
    if (stops[s]) continue;
    for (let a = 0; a < table.V; a++) {
      const after = successorOf(table, s, a);
      if (kept[s * table.V + a] && !reached[after]) {
        reached[after] = 1;
        waiting.push(after);
      }
    }
  }
  return reached;
}

// Which states can reach one where `target` is 1; 1 or 0 each.
function reaching(table, kept, target) {
  const { V, n } = table;
  const reaches = Uint8Array.from(target);
  const waiting = [];
  for (let s = 0; s < n; s++) if (reaches[s]) waiting.push(s);
  while (waiting.length > 0) {
    const state = waiting.pop();
    const newest = state % V;
    // what leads here: any oldest token before all but the newest one
    for (let before = Math.floor(state / V); before < n; before += n / V) {
      if (kept[before * V + newest] && !reaches[before]) {
        reaches[before] = 1;
        waiting.push(before);
      }
    }
  }
  return reaches;
}

// ---- one successor each: what is left at temperature zero

// The machine of largest logits: token[s], next[s], the cycles (in running order from their lowest state, ordered by
// it), basin[s] (the cycle that s leads into), steps[s] to it, and isCyclic[s].
export function greedyMachine(table) {
  const token = new Int32Array(table.n);
  const next = new Int32Array(table.n);
  for (let s = 0; s < table.n; s++) {
    const row = table.logits.subarray(s * table.V, (s + 1) * table.V);
    for (let a = 1; a < table.V; a++) if (row[a] > row[token[s]]) token[s] = a;
    next[s] = successorOf(table, s, token[s]);
  }
  const graph = functionalGraph(next);
  const steps = new Int32Array(table.n);
  const isCyclic = new Uint8Array(table.n).fill(1);
  for (let place = graph.nTrees - 1; place >= 0; place--) {
    const s = graph.order[place];
    steps[s] = steps[next[s]] + 1;
    isCyclic[s] = 0;
  }
  return { token, next, cycles: graph.cycles, basin: graph.basin, cycleOf: graph.basin, steps, isCyclic };
}

// successor[s], -1 where it leads out: `order` has the states on no cycle (nTrees of them), each before its
// successor; basin[s] is the cycle that s leads into, -1 out.
function functionalGraph(successor) {
  const n = successor.length;
  const entered = new Int32Array(n);
  for (let s = 0; s < n; s++) if (successor[s] >= 0) entered[successor[s]]++;
  const order = [];
  for (let s = 0; s < n; s++) if (entered[s] === 0) order.push(s);
  // a state is behind all that lead to it: only cycles are never taken
  for (let place = 0; place < order.length; place++) {
    const after = successor[order[place]];
    if (after >= 0 && --entered[after] === 0) order.push(after);
  }
  const basin = new Int32Array(n).fill(-1);
  const cycles = [];
  for (let s = 0; s < n; s++) {
    if (entered[s] === 0 || basin[s] >= 0) continue;
    const cycle = [];
    for (let state = s; basin[state] < 0; state = successor[state]) {
      basin[state] = cycles.length;
      cycle.push(state);
    }
    cycles.push(cycle);
  }
  for (let place = order.length - 1; place >= 0; place--) {
    const after = successor[order[place]];
    if (after >= 0) basin[order[place]] = basin[after];
  }
  return { successor, order, nTrees: order.length, cycles, basin };
}

// ---- stationary vectors: elimination for few states, suffix multigrid for many
// (markovgpt/solvers/multigrid.py, suffix_multigrid.py, balance.py, gth.py)

// States that are left to elimination: of a whole chain, and on a coarse level.
const FEW_STATES = 256;
const BOTTOM = 128;
const SMOOTHING = 2;
const MOST_CYCLES = 150;
const MOST_BASINS = 100;
const ACCURACY = 1e-14;
const BALANCED = 1e-12;
// a residual below it that is not halved by a cycle is the rounding's
const STALLED = 1e-12;
const ROUNDED = 1e-13;

// A chain on its live states, all of which it can come back to: what leaves them (`exits`, in one step) is sent back
// to the restart, a distribution on them. Restart null: nothing leaves, the live states are a recurrent class.
function restartedChain(table, rows, live, restart) {
  const { V, n } = table;
  const inner = new Float64Array(n * V);
  const exits = new Float64Array(n);
  let size = 0;
  for (let s = 0; s < n; s++) {
    if (!live[s]) continue;
    size++;
    for (let a = 0; a < V; a++) {
      if (live[successorOf(table, s, a)]) inner[s * V + a] = rows.probs[s * V + a];
      else exits[s] += rows.probs[s * V + a];
    }
  }
  return { table, live, size, inner, exits, restart };
}

// The x of sum 1 with x = x Q + (x . exits) restart.
// residual: the largest relative defect; imbalance: the same of the flows into and out of each greedy basin.
function stationaryOf(chain) {
  if (chain.size > FEW_STATES) return byMultigrid(chain);
  const x = byElimination(chain);
  const residual = x ? relativeDefect(stepOf(chain, x), x) : Infinity;
  return { x: x ?? new Float64Array(chain.table.n), residual, cycles: 0, converged: residual < 1e-10 };
}

function byElimination({ table, live, size, inner, exits, restart }) {
  const { V, n } = table;
  const states = [];
  const place = new Int32Array(n);
  for (let s = 0; s < n; s++) if (live[s]) place[s] = states.push(s) - 1;
  const weights = new Float64Array(size * size);
  states.forEach((s, i) => {
    for (let a = 0; a < V; a++) {
      if (inner[s * V + a] > 0) weights[i * size + place[successorOf(table, s, a)]] += inner[s * V + a];
    }
    if (restart) states.forEach((t, j) => (weights[i * size + j] += exits[s] * restart[t]));
  });
  const solved = eliminate(weights, size);
  if (!solved) return null;
  const x = new Float64Array(n);
  states.forEach((s, i) => (x[s] = solved[i]));
  return x;
}

// The x of sum 1 with x A = x diag(row sums of A) for weights A >= 0, which are used up; the diagonal is not read.
// Without subtraction: Grassmann, Taksar and Heyman, Operations Research 33 (1985) 1107-1116.
// null where some state was left without a way out, or has no mass: numbers were lost below the doubles.
function eliminate(weights, size) {
  for (let k = size - 1; k > 0; k--) {
    let leaving = 0;
    for (let j = 0; j < k; j++) leaving += weights[k * size + j];
    if (!(leaving > 0)) return null;
    for (let i = 0; i < k; i++) {
      const share = (weights[i * size + k] /= leaving);
      if (share === 0) continue;
      for (let j = 0; j < k; j++) weights[i * size + j] += share * weights[k * size + j];
    }
  }
  const x = new Float64Array(size);
  x[0] = 1;
  for (let k = 1; k < size; k++) {
    for (let i = 0; i < k; i++) x[k] += x[i] * weights[i * size + k];
  }
  scaleToOne(x);
  return x.every((mass) => mass > 0) ? x : null;
}

function scaleToOne(x) {
  const sum = sumOf(x);
  for (let i = 0; i < x.length; i++) x[i] /= sum;
}

// x Q + (x . exits) restart
function stepOf(chain, x) {
  const arrived = push(chain.table, chain.inner, x, new Float64Array(x.length));
  return addRestart(chain, arrived, x);
}

function addRestart({ restart, exits }, arrived, x) {
  if (!restart) return arrived;
  const killed = dotOf(x, exits);
  for (let s = 0; s < arrived.length; s++) arrived[s] += restart[s] * killed;
  return arrived;
}

// The largest |image / y - 1| where y is above zero.
function relativeDefect(image, y) {
  let largest = 0;
  for (let i = 0; i < y.length; i++) {
    if (y[i] === 0) continue;
    const defect = Math.abs(image[i] / y[i] - 1);
    // a NaN is no small defect
    if (!(defect <= largest)) largest = Number.isNaN(defect) ? Infinity : defect;
  }
  return largest;
}

// Cycles of: smoothing that is exact on the greedy machine, greedy basins balanced against each other, and the coarse
// levels, which are the model's own shorter contexts.
// A small residual is not convergence where a chain mixes slowly: the basins must be in balance, too.
function byMultigrid(chain) {
  const greedy = greedyPart(chain);
  let x = Float64Array.from(chain.live, (isLive) => isLive / chain.size);
  let before = Infinity;
  for (let cycle = 1; ; cycle++) {
    smooth(chain, greedy, x);
    const imbalance = balanceBasins(chain, greedy, x);
    const arrived = push(chain.table, chain.inner, x, new Float64Array(x.length));
    const flows = coarseFlows(chain, x, arrived.slice());
    const residual = relativeDefect(addRestart(chain, arrived, x), x);
    const isStalled = before <= STALLED && residual > before / 2;
    const isSolved = (residual <= ACCURACY || isStalled) && imbalance <= BALANCED;
    const isLost = !Number.isFinite(residual + imbalance) || x.some((mass, s) => (mass > 0) !== (chain.live[s] > 0));
    if (isSolved || isLost || cycle === MOST_CYCLES) {
      return { x, residual, imbalance, cycles: cycle, converged: isSolved && !isLost };
    }
    before = residual;
    const factor = balancedFactor(chain.table.V, flows);
    for (let s = 0; s < x.length; s++) x[s] *= factor[s % factor.length];
    smooth(chain, greedy, x);
  }
}

// Each live state's likeliest token and where it leads (`graph`), `others`: the matrix without it, and `escape`: the
// probability of the others together, those that leave with them.
function greedyPart({ table, live, inner, exits }) {
  const { V, n } = table;
  const others = inner.slice();
  const escape = exits.slice();
  const successor = new Int32Array(n).fill(-1);
  for (let s = 0; s < n; s++) {
    if (!live[s]) continue;
    let best = 0;
    for (let a = 1; a < V; a++) if (inner[s * V + a] > inner[s * V + best]) best = a;
    if (inner[s * V + best] > exits[s]) {
      successor[s] = successorOf(table, s, best);
      others[s * V + best] = 0;
    }
    for (let a = 0; a < V; a++) escape[s] += others[s * V + a];
  }
  const graph = functionalGraph(successor);
  return { graph, others, escape, groups: basinGroups(live, graph) };
}

// x <- (x (Q - D G) + (x . exits) restart) (I - D G)^-1, G the greedy successors, D their probabilities; in place.
function smooth(chain, { graph, others, escape }, x) {
  for (let step = 0; step < SMOOTHING; step++) {
    const arrived = push(chain.table, others, x, new Float64Array(x.length));
    x.set(alongGreedy(graph, escape, addRestart(chain, arrived, x)));
  }
  scaleToOne(x);
}

// The x with x[j] = begin[j] + the sum over i -> j of x[i] (1 - escape[i]), in place of begin: down the trees, then
// around each cycle, closed by what escapes from it.
function alongGreedy({ successor, order, cycles }, escape, x) {
  for (const s of order) if (successor[s] >= 0) x[successor[s]] += x[s] * (1 - escape[s]);
  for (const cycle of cycles) {
    let arrived = 0;
    let logOfStaying = 0;
    for (const s of cycle) {
      arrived = (arrived + x[s]) * (1 - escape[s]);
      logOfStaying += Math.log1p(-escape[s]);
    }
    let carry = arrived / -Math.expm1(logOfStaying);
    for (const s of cycle) {
      x[s] += carry;
      carry = x[s] * (1 - escape[s]);
    }
  }
  return x;
}

// The group of each live state, -1 for the others: its greedy basin; small basins, if there are many, together; and
// all that lead out together.
function basinGroups(live, { basin, cycles }) {
  const sizes = new Int32Array(cycles.length);
  live.forEach((isLive, s) => isLive && basin[s] >= 0 && sizes[basin[s]]++);
  const largestFirst = Array.from(sizes.keys()).sort((i, j) => sizes[j] - sizes[i]);
  const groupOfBasin = new Int32Array(cycles.length);
  largestFirst.forEach((index, rank) => (groupOfBasin[index] = Math.min(rank, MOST_BASINS)));
  const last = Math.min(cycles.length, MOST_BASINS + 1);
  const groupOf = new Int32Array(live.length).fill(-1);
  live.forEach((isLive, s) => isLive && (groupOf[s] = basin[s] >= 0 ? groupOfBasin[basin[s]] : last));
  const leadsOut = live.some((isLive, s) => isLive && basin[s] < 0);
  return { groupOf, count: last + (leadsOut ? 1 : 0) };
}

// Multiply each group by a factor, so that what enters it is what leaves it; returned is by how much that was off.
function balanceBasins({ table, inner, exits, restart }, { groups }, x) {
  const { groupOf, count } = groups;
  if (count === 1) return 0;
  const flows = new Float64Array(count * count);
  const mass = new Float64Array(count);
  const ended = new Float64Array(count);
  const begun = new Float64Array(count);
  for (let s = 0; s < table.n; s++) {
    if (groupOf[s] < 0) continue;
    mass[groupOf[s]] += x[s];
    ended[groupOf[s]] += x[s] * exits[s];
    if (restart) begun[groupOf[s]] += restart[s];
    for (let a = 0; a < table.V; a++) {
      const flow = x[s] * inner[s * table.V + a];
      if (flow > 0) flows[groupOf[s] * count + groupOf[successorOf(table, s, a)]] += flow;
    }
  }
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < count; j++) flows[i * count + j] += ended[i] * begun[j];
    flows[i * count + i] = 0;
  }
  const imbalance = imbalanceOf(flows, count);
  if (imbalance <= ROUNDED) return imbalance;
  const factor = factorOf(flows, mass);
  for (let s = 0; s < table.n; s++) if (groupOf[s] >= 0) x[s] *= factor[groupOf[s]];
  return imbalance;
}

function imbalanceOf(flows, count) {
  const entering = new Float64Array(count);
  const leaving = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < count; j++) {
      leaving[i] += flows[i * count + j];
      entering[j] += flows[i * count + j];
    }
  }
  return relativeDefect(entering, leaving);
}

// What each mass must be multiplied by so that its flows are in balance, 0 where there is none; NaN where flows were
// lost below the doubles.
function factorOf(flows, mass) {
  const factor = new Float64Array(mass.length);
  const alive = [...mass.keys()].filter((i) => mass[i] > 0);
  const weights = new Float64Array(alive.length ** 2);
  alive.forEach((i, row) => {
    alive.forEach((j, column) => (weights[row * alive.length + column] = flows[i * mass.length + j] / mass[i]));
  });
  const balanced = eliminate(weights, alive.length);
  alive.forEach((i, row) => (factor[i] = balanced ? balanced[row] / mass[i] : NaN));
  return factor;
}

// The chain over windows one token shorter, as what flows in it under x: between[m * V + t], which is what arrives in
// the window (m, t), summed over oldest tokens; the mass of each m, what ends there, and what begins.
function coarseFlows({ exits, restart, table }, x, between) {
  const killed = x.map((mass, s) => mass * exits[s]);
  const begun = restart ?? new Float64Array(x.length);
  return {
    between,
    mass: summedOverOldest(x, table.V),
    ended: summedOverOldest(killed, table.V),
    begun: summedOverOldest(begun, table.V),
  };
}

function summedOverOldest(numbers, V) {
  const sums = new Float64Array(numbers.length / V);
  for (let i = 0; i < numbers.length; i++) sums[i % sums.length] += numbers[i];
  return sums;
}

// About what the mass of each coarse window must be multiplied by: by elimination if they are few; otherwise what the
// next shorter windows say, and one step.
function balancedFactor(V, { between, mass, ended, begun }) {
  const nowhere = sumOf(begun) === 0;
  const share = begun.map((begin) => (nowhere ? 0 : begin / sumOf(begun)));
  if (mass.length <= BOTTOM || mass.length < V * V) return eliminatedFactor(V, between, mass, ended, share);
  const shorter = new Float64Array(mass.length);
  // flows into (m, t) of all windows (a, m)
  for (let i = 0; i < between.length; i++) shorter[i % shorter.length] += between[i];
  const factor = balancedFactor(V, {
    between: shorter,
    mass: summedOverOldest(mass, V),
    ended: summedOverOldest(ended, V),
    begun: summedOverOldest(begun, V),
  });
  let killed = 0;
  for (let i = 0; i < ended.length; i++) killed += ended[i] * factor[i % factor.length];
  return mass.map((here, i) => {
    const arrived = factor[Math.floor(i / V)] * shorter[i] + share[i] * killed;
    return here > 0 ? arrived / here : 0;
  });
}

function eliminatedFactor(V, between, mass, ended, share) {
  const size = mass.length;
  const flows = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let a = 0; a < V; a++) flows[i * size + ((i * V + a) % size)] += between[i * V + a];
    for (let j = 0; j < size; j++) flows[i * size + j] += ended[i] * share[j];
  }
  return factorOf(flows, mass);
}

// ---- the long run

// Which share of the time is spent in each state in the long run, from a start: `value`, 0 exactly on transient
// states. In each recurrent class its stationary distribution (a period does not matter), times the probability of
// ending there.
export function longRun(table, rows, start) {
  const classes = classesOf(table, rows.kept);
  const found = { value: new Float64Array(table.n), residual: 0, cycles: 0, converged: true, classes };
  const ending = endsOf(table, rows, classes, start, found);
  classes.recurrent.forEach((states, index) => {
    if (ending[index] === 0) return;
    const inside = noteSolved(found, insideClass(table, rows, states));
    for (const s of states) found.value[s] = ending[index] * inside.x[s];
  });
  found.ending = ending;
  return found;
}

// Keep the worst of several solutions.
function noteSolved(found, solution) {
  found.residual = Math.max(found.residual, solution.residual);
  found.cycles += solution.cycles;
  found.converged &&= solution.converged;
  return solution;
}

function insideClass(table, rows, states) {
  const live = new Uint8Array(table.n);
  for (const s of states) live[s] = 1;
  if (isOneCycle(table, rows, states)) {
    return { x: Float64Array.from(live, (isLive) => isLive / states.length), residual: 0, cycles: 0, converged: true };
  }
  return stationaryOf(restartedChain(table, rows, live, null));
}

function isOneCycle(table, rows, states) {
  return states.every((s) => sumOf(rows.kept.subarray(s * table.V, (s + 1) * table.V)) === 1);
}

// The probability of ending in each recurrent class.
function endsOf(table, rows, { recurrent }, start, found) {
  const classAt = new Int32Array(table.n).fill(-1);
  recurrent.forEach((states, index) => states.forEach((s) => (classAt[s] = index)));
  const ending = new Float64Array(recurrent.length);
  const stops = Uint8Array.from(classAt, (index) => (index >= 0 ? 1 : 0));
  const reached = reachedFrom(table, rows.kept, start, stops);
  const first = new Set();
  reached.forEach((isReached, s) => isReached && stops[s] && first.add(classAt[s]));
  if (first.size === 1) {
    ending[[...first][0]] = 1;
    return ending;
  }
  const live = reached.map((isReached, s) => isReached && !stops[s]);
  const { x } = noteSolved(found, stationaryOf(restartedChain(table, rows, live, certainly(table, start))));
  for (let s = 0; s < table.n; s++) {
    for (let a = 0; live[s] && a < table.V; a++) {
      const index = classAt[successorOf(table, s, a)];
      if (index >= 0) ending[index] += x[s] * rows.probs[s * table.V + a];
    }
  }
  scaleToOne(ending);
  return ending;
}

function certainly(table, state) {
  const distribution = new Float64Array(table.n);
  distribution[state] = 1;
  return distribution;
}

// Bits per token in the long run x.
export function entropyRate(table, rows, x) {
  let nats = 0;
  for (let s = 0; s < table.n; s++) {
    if (x[s] > 0) nats += x[s] * entropyOf(rows.probs.subarray(s * table.V, (s + 1) * table.V));
  }
  return nats / Math.LN2;
}

// In nats. The one probability that may be above 3/4 is taken as the complement of the others: nothing cancels.
function entropyOf(row) {
  let own = 0;
  let others = 0;
  let hasLikely = false;
  for (let a = 0; a < row.length; a++) {
    if (row[a] > 0.75) {
      hasLikely = true;
    } else if (row[a] > 0) {
      own -= row[a] * Math.log(row[a]);
      others += row[a];
    }
  }
  return hasLikely ? own - (1 - others) * Math.log1p(-others) : own;
}

// ---- red

// "" where patterns (lists of tokens) can be red in this table, otherwise a sentence.
export function redError(table, patterns) {
  for (const pattern of patterns) {
    if (pattern.length === 0) return "a red pattern must have at least one token, got none; say which text is red";
    if (pattern.length > table.L) {
      return (
        `a red pattern must fit into the window of ${table.L} tokens here, got one of ${pattern.length}; ` +
        "give a shorter one, or ask Python (hitting_probability)"
      );
    }
    const stranger = pattern.find((token) => !(Number.isInteger(token) && token >= 0 && token < table.V));
    if (stranger !== undefined) {
      return `red tokens must be whole numbers in 0..${table.V - 1}, got ${written(stranger)}; see the vocabulary`;
    }
  }
  return "";
}

// 1 for each window that ends with one of the patterns.
export function redMask(table, patterns) {
  const mask = new Uint8Array(table.n);
  for (const pattern of patterns) {
    const spacing = table.V ** pattern.length;
    for (let s = stateOf(table, pattern); s < table.n; s += spacing) mask[s] = 1;
  }
  return mask;
}

// P(red within n tokens) from every start; 1 where the start is red.
export function reachWithin(table, rows, red, n) {
  let chance = Float64Array.from(red);
  let further = new Float64Array(table.n);
  for (let step = 0; step < n; step++) {
    pull(table, rows.probs, chance, further);
    for (let s = 0; s < table.n; s++) if (red[s]) further[s] = 1;
    [chance, further] = [further, chance];
  }
  return chance;
}

// Expected tokens until red: 0 where the start is red, Infinity where it may never come.
// From the chain that is restarted at the start whenever red is reached: 1 / (its rate of red), without a subtraction.
export function expectedTime(table, rows, red, start) {
  const exact = { residual: 0, cycles: 0, converged: true };
  if (red[start]) return { value: 0, ...exact };
  const reached = reachedFrom(table, rows.kept, start, red);
  const reaches = reaching(table, rows.kept, red);
  if (reached.some((isReached, s) => isReached && !reaches[s])) return { value: Infinity, ...exact };
  const live = reached.map((isReached, s) => isReached && !red[s]);
  const chain = restartedChain(table, rows, live, certainly(table, start));
  const { x, residual, cycles, converged } = stationaryOf(chain);
  const value = 1 / dotOf(x, chain.exits);
  return { value, residual, cycles, converged: converged && Number.isFinite(value) };
}

// ---- the likeliest ways to red

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
    for (let place = 0; ; ) {
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

// ---- a random walk

// Numbers in [0, 1) with 53 random bits from a seed, the same everywhere: sfc32 of C. Doty-Humphrey (PractRand), its
// three words seeded with the seed and two constants, the first twelve outputs thrown away.
export function walker(seed) {
  let a = seed >>> 0;
  let b = 0x9e3779b9;
  let c = 0x243f6a88;
  let counter = 1;
  function nextWord() {
    const out = (a + b + counter) >>> 0;
    counter = (counter + 1) >>> 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) >>> 0;
    c = (((c << 21) | (c >>> 11)) + out) >>> 0;
    return out;
  }
  for (let i = 0; i < 12; i++) nextWord();
  return {
    next() {
      const high = nextWord() >>> 5;
      const low = nextWord() >>> 6;
      return (high * 2 ** 26 + low) / 2 ** 53;
    },
  };
}

// The token at a place u in [0, 1) of a row's probabilities laid side by side; never an impossible one.
export function sampleToken(row, u) {
  let sum = 0;
  let last = 0;
  for (let a = 0; a < row.length; a++) {
    if (row[a] === 0) continue;
    sum += row[a];
    last = a;
    if (u < sum) return a;
  }
  return last;
}

// ---- two checkpoints on the same states

// How differently each window goes on: totalVariation[s] in 0..1, its mean in the long run x of the first, and how
// many transitions are possible only before or only after.
export function compareRows(before, after, x) {
  const { V } = before;
  const totalVariation = new Float64Array(before.probs.length / V);
  let lost = 0;
  let gained = 0;
  for (let i = 0; i < before.probs.length; i++) {
    totalVariation[Math.floor(i / V)] += Math.abs(before.probs[i] - after.probs[i]) / 2;
    if (before.kept[i] && !after.kept[i]) lost++;
    if (after.kept[i] && !before.kept[i]) gained++;
  }
  return { totalVariation, mean: dotOf(totalVariation, x), lost, gained };
}

// How much long-run mass has moved between two distributions: 0 for none, 1 for all.
export function movedMass(x, y) {
  return sumOf(x.map((mass, s) => Math.abs(mass - y[s]))) / 2;
}
