// What the reader has chosen: settings, question and picture; kept in the page's address so that a link shows the same.
import { ENGINE_NAMES, settingsError } from "./settings.js";

const PICTURES = ["graph", "mosaic", "suffixes"];
const COLOURS = ["long", "reach", "basin", "moved"];
const LONGEST_HORIZON = 100000;

// The choice that a page begins with.
export function firstChoice(content) {
  return {
    ...content.settings,
    horizon: content.horizon,
    red: content.red,
    start: content.start,
    seed: content.seed,
    picture: picturesFor(content.models[0])[0],
    colour: "long",
    shown: String(content.models.length - 1), // the last model: after training
    picked: null,
  };
}

// Those parts of a choice that say how tokens are drawn.
export function settingsOf(choice) {
  const { temperature, top_k, top_p, min_p, engine } = choice;
  return { temperature, top_k, top_p, min_p, engine };
}

// A choice as the text after the # of an address; what is off is left out.
export function hashOfChoice(choice) {
  const parts = new URLSearchParams();
  for (const name of [
    "temperature",
    "top_k",
    "top_p",
    "min_p",
    "engine",
    "horizon",
    "seed",
    "picture",
    "colour",
    "shown",
    "picked",
  ]) {
    if (choice[name] !== null) parts.set(name, String(choice[name]));
  }
  parts.set("red", choice.red.map((tokens) => tokens.join(".")).join("_"));
  parts.set("start", choice.start.join("."));
  return parts.toString();
}

// The choice that an address says; whatever it does not say, or says wrongly, stays as it begins.
export function choiceOfHash(hash, content) {
  const choice = firstChoice(content);
  const parts = new URLSearchParams(hash.replace(/^#/, ""));
  if ([...parts.keys()].length === 0) return choice;
  const { V, L } = content.models[0];
  const n = V ** L;
  choice.temperature = numberWithin(parts.get("temperature"), 0, 1e6) ?? choice.temperature;
  choice.top_k = wholeWithin(parts.get("top_k"), 1, V);
  choice.top_p = numberWithin(parts.get("top_p"), Number.MIN_VALUE, 1);
  choice.min_p = numberWithin(parts.get("min_p"), 0, 1);
  choice.engine = oneOf(ENGINE_NAMES, parts.get("engine")) ?? choice.engine;
  if (settingsError(settingsOf(choice), V)) Object.assign(choice, content.settings); // together they say nothing
  choice.horizon = wholeWithin(parts.get("horizon"), 1, LONGEST_HORIZON) ?? choice.horizon;
  choice.seed = wholeWithin(parts.get("seed"), 0, 2 ** 32 - 1) ?? choice.seed;
  choice.colour = oneOf(COLOURS, parts.get("colour")) ?? choice.colour;
  choice.picked = wholeWithin(parts.get("picked"), 0, n - 1);
  const shown = content.models.length === 2 ? ["0", "1", "both"] : ["0"];
  choice.shown = oneOf(shown, parts.get("shown")) ?? choice.shown;
  const picture = oneOf(PICTURES, parts.get("picture"));
  if (picture !== null && picturesFor(content.models[0]).includes(picture)) choice.picture = picture;
  if (parts.has("red")) choice.red = tokenListsOf(parts.get("red"), V, L) ?? choice.red;
  const start = tokenListsOf(parts.get("start"), V, L);
  if (start !== null && start.length === 1 && start[0].length === L) choice.start = start[0];
  return choice;
}

// The pictures that show something of a model: of many states a graph is a black disc, of few the graph alone says all.
export function picturesFor({ V, L }) {
  const n = V ** L;
  const isGraphReadable = n <= 150 && n * V <= 5000;
  return PICTURES.filter((name) => (name === "graph" ? isGraphReadable : n >= 27));
}

function numberWithin(text, least, most) {
  if (text === null || text.trim() === "") return null;
  const number = Number(text);
  return number >= least && number <= most ? number : null;
}

function wholeWithin(text, least, most) {
  const number = numberWithin(text, least, most);
  return Number.isInteger(number) ? number : null;
}

function oneOf(names, name) {
  return names.includes(name) ? name : null;
}

// "0.0.1_1.1" as [[0, 0, 1], [1, 1]]; null where a token is unknown or a list does not fit in the window.
function tokenListsOf(text, V, L) {
  if (text === null) return null;
  if (text === "") return [];
  const lists = text.split("_").map((part) => part.split(".").map((token) => wholeWithin(token, 0, V - 1)));
  const isFit = lists.every((tokens) => tokens.length <= L && !tokens.includes(null));
  return isFit ? lists : null;
}
