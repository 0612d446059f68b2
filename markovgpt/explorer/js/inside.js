// The forward pass of a GPT-2-family model, equal to torch's (markovgpt/models/gpt.py) up to float32 rounding.
//
// Pure: nothing here knows of the page. Letters as in the formulas: V tokens, a window of T of them, vectors of C
// numbers. A sequence is an array of T rows, each a Float64Array. A matrix is {shape: [out, in], values}, row-major, as
// in torch.
import { numbersOf } from "./letters.js";

const readModels = new WeakMap(); // embedded weights -> the model read from them: letters are decoded once

// What a model computes for one window of tokens (integers, oldest first):
//   tokens                              the window itself
//   tokenEmbedding, positionEmbedding   T rows of C numbers each
//   embedding: {residual, logitLens}    their sum, and what the model would say from it alone
//   layers: [{attention, residual, logitLens}]
//     attention[head][i][j]             share of position i's attention that goes to position j; 0 for j > i
//     residual                          T rows of C numbers, after the layer
//     logitLens                         V logits, as if the model ended here: last position, final norm, output matrix
//   logits, probabilities               of the next token, at temperature 1 with all tokens kept
export function forwardPass(weights, tokens) {
  const model = readModel(weights);
  const ids = Array.from(tokens); // a typed array would not hold the rows that `map` makes of it
  const refusal = windowError(model.config, ids);
  if (refusal) {
    throw new RangeError(refusal);
  }
  const tokenEmbedding = ids.map((token) => matrixRow(model.tokenVectors, token));
  const positionEmbedding = ids.map((_, position) => matrixRow(model.positionVectors, position));
  let residual = addRows(tokenEmbedding, positionEmbedding);
  const embedding = { residual, logitLens: logitsAtLast(model, residual) };
  const layers = [];
  for (const block of model.blocks) {
    const attended = attend(block, normalise(block.beforeAttention, residual), model.config.n_head);
    residual = addRows(residual, attended.output);
    residual = addRows(residual, think(block, normalise(block.beforeInner, residual), model.activation));
    layers.push({ attention: attended.attention, residual, logitLens: logitsAtLast(model, residual) });
  }
  const logits = layers[layers.length - 1].logitLens; // after the last layer the model does end
  return {
    tokens: ids,
    tokenEmbedding,
    positionEmbedding,
    embedding,
    layers,
    logits,
    probabilities: softmaxOf(logits),
  };
}

// Why a model cannot read a window, in one sentence; "" where it can.
export function windowError(config, tokens) {
  if (tokens.length < 1 || tokens.length > config.context_length) {
    return `A window must hold 1 to ${config.context_length} tokens, got ${tokens.length}; keep the newest ones.`;
  }
  const stranger = tokens.find((token) => !Number.isInteger(token) || token < 0 || token >= config.vocab_size);
  if (stranger !== undefined) {
    return `Tokens must be whole numbers from 0 to ${config.vocab_size - 1}, got ${stranger}; see the vocabulary.`;
  }
  return "";
}

// exp(x) / sum of exp(x); the largest is taken off first, so that nothing overflows.
export function softmaxOf(scores) {
  const largest = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - largest));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}

// --- the weights ---

// The weights under names of their own, decoded at the first call.
function readModel(weights) {
  if (!readModels.has(weights)) {
    readModels.set(weights, modelOf(weights));
  }
  return readModels.get(weights);
}

function modelOf({ config, tensors }) {
  const read = (name) => (name in tensors ? readTensor(tensors[name]) : null); // null: a bias that the model has not
  const readLinear = (name) => ({ weight: read(`${name}.weight`), bias: read(`${name}.bias`) });
  const readNorm = (name) => ({ ...readLinear(name), epsilon: config.layer_norm_epsilon });
  const readBlock = (name) => ({
    beforeAttention: readNorm(`${name}.ln_1`),
    queriesKeysValues: readLinear(`${name}.attn.c_attn`),
    afterAttention: readLinear(`${name}.attn.c_proj`),
    beforeInner: readNorm(`${name}.ln_2`),
    inner: readLinear(`${name}.mlp.c_fc`),
    afterInner: readLinear(`${name}.mlp.c_proj`),
  });
  const head = readLinear("lm_head");
  return {
    config,
    activation: config.activation === "gelu_tanh" ? geluTanh : gelu,
    tokenVectors: config.tied ? head.weight : read("transformer.wte.weight"), // tied: one matrix, embedded once
    positionVectors: read("transformer.wpe.weight"),
    blocks: Array.from({ length: config.n_layer }, (_, layer) => readBlock(`transformer.h.${layer}`)),
    finalNorm: readNorm("transformer.ln_f"),
    head,
  };
}

// {shape, data: float32 in letters} -> {shape, values: Float64Array}.
function readTensor({ shape, data }) {
  return { shape, values: Float64Array.from(numbersOf({ dtype: "float32", data })) };
}

// --- the parts of a layer ---

// Causal self-attention: every position takes a mixture of the values of the positions up to it, in each head.
function attend(block, rows, heads) {
  const C = rows[0].length;
  const size = C / heads; // numbers per head
  const projected = applyLinear(block.queriesKeysValues, rows); // a row: C of queries, C of keys, C of values
  const mixed = rows.map(() => new Float64Array(C));
  const attention = [];
  for (let head = 0; head < heads; head++) {
    const part = (first) => projected.map((row) => row.subarray(first + head * size, first + (head + 1) * size));
    const [queries, keys, values] = [part(0), part(C), part(2 * C)];
    const shares = queries.map((query, i) => sharesOf(query, keys, i));
    shares.forEach((row, i) => mixed[i].set(mixtureOf(row, values), head * size));
    attention.push(shares);
  }
  return { attention, output: applyLinear(block.afterAttention, mixed) };
}

// How position i shares out its attention: softmax of query . key / sqrt(size) over positions 0..i, 0 for later ones.
function sharesOf(query, keys, i) {
  const scores = keys.slice(0, i + 1).map((key) => dot(query, key) / Math.sqrt(query.length));
  const shares = new Float64Array(keys.length);
  shares.set(softmaxOf(scores));
  return shares;
}

// sum over j of shares[j] values[j]
function mixtureOf(shares, values) {
  const mixture = new Float64Array(values[0].length);
  shares.forEach((share, j) => {
    for (let c = 0; c < mixture.length; c++) {
      mixture[c] += share * values[j][c];
    }
  });
  return mixture;
}

// The two-layer network that every position passes through alone.
function think(block, rows, activation) {
  const inner = applyLinear(block.inner, rows).map((row) => row.map(activation));
  return applyLinear(block.afterInner, inner);
}

// Layer norm: each row has its mean taken off and is divided by its spread, then scaled and shifted.
function normalise({ weight, bias, epsilon }, rows) {
  return rows.map((row) => {
    const mean = row.reduce((sum, x) => sum + x, 0) / row.length;
    const variance = row.reduce((sum, x) => sum + (x - mean) ** 2, 0) / row.length;
    const scale = 1 / Math.sqrt(variance + epsilon);
    return row.map((x, c) => (x - mean) * scale * weight.values[c] + (bias ? bias.values[c] : 0));
  });
}

// The logits of the next token, if the model ended with these rows: final norm and output matrix at the last position.
function logitsAtLast(model, rows) {
  const last = normalise(model.finalNorm, rows.slice(-1));
  return applyLinear(model.head, last)[0];
}

// --- activations ---

// x Phi(x), Phi the normal distribution function: the GELU of nanoGPT.
function gelu(x) {
  return 0.5 * x * (1 + errorFunction(x / Math.SQRT2));
}

// The approximation of it in GPT-2 and minGPT.
function geluTanh(x) {
  return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
}

// erf(x) = 2/sqrt(pi) exp(-x^2) (x + 2 x^3/3 + 4 x^5/(3 5) + ...): all terms of one sign, so nothing cancels.
// Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.6. Beyond 6 it is 1 in double precision.
export function errorFunction(x) {
  if (Math.abs(x) > 6) {
    return Math.sign(x);
  }
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

// --- vectors and matrices ---

function matrixRow({ shape, values }, index) {
  const width = shape[1];
  return values.subarray(index * width, (index + 1) * width);
}

function dot(x, y) {
  let sum = 0;
  for (let c = 0; c < x.length; c++) {
    sum += x[c] * y[c];
  }
  return sum;
}

// weight x + bias, for every row x.
function applyLinear({ weight, bias }, rows) {
  const outputs = weight.shape[0];
  return rows.map((row) => {
    const output = new Float64Array(outputs);
    for (let o = 0; o < outputs; o++) {
      output[o] = dot(matrixRow(weight, o), row) + (bias ? bias.values[o] : 0);
    }
    return output;
  });
}

function addRows(first, second) {
  return first.map((row, position) => row.map((x, c) => x + second[position][c]));
}
