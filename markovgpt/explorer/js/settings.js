// Sampling settings, as the engines apply them (markovgpt/chains/sampling.py and engines.py).
import { filterHuggingFace, filterLlama, filterTopK, filterTransformerLens, filterVllm, isGiven } from "./filters.js";

export const ENGINES = {
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
export function activeSettings(settings) {
  const active = {};
  if (isGiven(settings.top_k)) active.top_k = settings.top_k;
  for (const name of Object.keys(RANGES)) {
    if (isGiven(settings[name]) && settings[name] !== RANGES[name].off) active[name] = settings[name];
  }
  return active;
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
export function written(value) {
  const special = { null: "None", undefined: "None", true: "True", false: "False", NaN: "nan" };
  const text = String(value);
  if (text in special) return special[text];
  // Python writes inf for Infinity, and exponents with two digits: 1e-07
  return text.replace("Infinity", "inf").replace(/e([+-])(\d)$/, "e$10$2");
}
