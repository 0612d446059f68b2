// Words and digits: how windows, numbers and answers are written on the page. No DOM here, only strings.

// A window or any other sequence of tokens, as a reader sees it; ids of two digits are kept apart by commas.
export function shownTokens(model, tokens) {
  const apart = model.spelt === null && model.V > 10 ? "," : "";
  return tokens.map((token) => model.shown[token]).join(apart);
}

// The token ids of a written text, or a sentence that says what is wrong: {tokens, problem}.
// At each place the longest token that fits is taken, by its own text or as it is shown (a blank as ␣).
export function tokensOfText(model, text) {
  if (model.spelt === null && model.V > 10) return tokensOfNumbers(model, text);
  const tokens = [];
  let place = 0;
  while (place < text.length) {
    const found = longestTokenAt(model, text, place);
    if (found === null) {
      const known = model.shown.slice(0, 40).join(" ");
      return {
        tokens: [],
        problem: `There is no token for “${text.slice(place, place + 12)}”; the tokens are: ${known}`,
      };
    }
    tokens.push(found.token);
    place += found.length;
  }
  return { tokens, problem: "" };
}

function longestTokenAt(model, text, place) {
  let best = null;
  for (let token = 0; token < model.V; token++) {
    const writings = model.spelt === null ? [model.shown[token]] : [model.spelt[token], model.shown[token]];
    for (const writing of writings) {
      const isLonger = best === null || writing.length > best.length;
      if (isLonger && text.startsWith(writing, place)) best = { token, length: writing.length };
    }
  }
  return best;
}

function tokensOfNumbers(model, text) {
  if (text.trim() === "") return { tokens: [], problem: "" };
  const tokens = text.split(",").map((part) => (/^\s*\d+\s*$/.test(part) ? Number(part) : -1));
  const isWrong = tokens.some((token) => token < 0 || token >= model.V);
  if (isWrong) return { tokens: [], problem: `Tokens are numbers from 0 to ${model.V - 1} with commas, such as 1,2` };
  return { tokens, problem: "" };
}

const RAISED_SIGNS = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

// A number in so many significant digits: 0.0341, 72.4, 3.1 × 10⁻¹².
export function digitsText(value, digits = 3) {
  if (value === Infinity) return "∞";
  if (Number.isNaN(value)) return "unknown";
  if (value === 0) return "0";
  const exponent = Math.floor(Math.log10(Math.abs(value)));
  if (exponent >= -4 && exponent < 6) return plainDigits(value, digits);
  const [mantissa, power] = value.toExponential(digits - 1).split("e");
  const raised = [...power.replace("+", "")].map((sign) => RAISED_SIGNS[sign]).join("");
  return `${mantissa} × 10${raised}`;
}

function plainDigits(value, digits) {
  const rounded = Number(value.toPrecision(digits));
  if (Math.abs(rounded) >= 1000) return rounded.toLocaleString("en-GB", { maximumFractionDigits: 2 });
  return value.toPrecision(digits).includes("e") ? String(rounded) : value.toPrecision(digits);
}

// A probability as a percentage, for tables that are read at a glance; 0% and 100% are left to the impossible and the
// sure. `possible` tells an impossible step from one whose probability is too small for a double.
export function asPercent(probability, possible = false) {
  if (probability === 0) return possible ? "<1e-307" : "0%";
  const percent = 100 * probability;
  if (percent < 0.001) return `${digitsText(percent, 2)}%`;
  const rounded = Number(percent.toPrecision(3));
  return rounded === 100 && probability < 1 ? ">99.9%" : `${rounded}%`;
}

// A count with the word it counts, in the plural where need be.
export function countWords(count, word) {
  return `${count.toLocaleString("en-GB")} ${word}${count === 1 ? "" : "s"}`;
}

// The sampling settings in words: "temperature 0.5, top_k 3".
export function settingsInWords(settings) {
  const parts = [`temperature ${settings.temperature}`];
  for (const name of ["top_k", "top_p", "min_p"]) {
    if (settings[name] !== null) parts.push(`${name} ${settings[name]}`);
  }
  if (settings.engine !== "huggingface") parts.push(`as ${settings.engine} samples`);
  return parts.join(", ");
}

// What is seen, in two or three sentences: of a model's answers `found` to a question {settings, red, start, horizon}.
// `other` is {name, found} of the model that stands beside it, or null.
export function statusSentence(model, asked, found, other) {
  const sentences = [];
  const conditions = `At ${settingsInWords(asked.settings)}`;
  if (asked.red.length === 0) {
    sentences.push(`${conditions}, nothing is red: write a text into the red field to ask how likely it is.`);
  } else {
    const red = asked.red.map((tokens) => shownTokens(model, tokens)).join(" or ");
    const where = `within ${countWords(asked.horizon, "token")} of ${shownTokens(model, asked.start)}`;
    const beside = other === null ? "" : ` (${model.name}; ${other.name}: ${digitsText(other.found.reachFromStart)})`;
    const chance = `comes ${where} with probability ${digitsText(found.reachFromStart)}${beside}`;
    sentences.push(`${conditions}, the text ${red} ${chance}${waitInWords(found.expected)}.`);
  }
  if (found.likeliest !== null) sentences.push(longRunInWords(model, found.likeliest));
  return sentences.join(" ");
}

function waitInWords(expected) {
  if (!expected?.converged) return "";
  if (expected.value === Infinity) return "; it is not sure ever to come";
  return `; it is ${digitsText(expected.value)} tokens away on average`;
}

function longRunInWords(model, likeliest) {
  const window = shownTokens(model, likeliest.window);
  return `In the long run it is most often at ${window}: ${asPercent(likeliest.share)} of the time.`;
}
