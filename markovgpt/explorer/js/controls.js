// The controls: what stands in them becomes the choice, and the choice stands in them.
import { placeNamed } from "./elements.js";
import { picturesFor } from "./choice.js";
import { shownTokens, tokensOfText } from "./words.js";

// Sliders and the exact number beside each. `off` is where a slider says that a setting is off, which is null.
function slidersOf(V) {
  return [
    { name: "temperature", off: null, isWhole: false },
    { name: "top_k", off: V, isWhole: true },
    { name: "top_p", off: 1, isWhole: false },
    { name: "min_p", off: 0, isWhole: false },
    { name: "horizon", off: null, isWhole: true },
  ];
}

// Listen to every control: `onChange(changes)` is called with the parts of the choice that were changed.
export function bindControls(content, onChange) {
  const model = content.models[0];
  fillModels(content);
  placeNamed("top_k").max = String(model.V);
  for (const slider of slidersOf(model.V)) bindSlider(slider, onChange);
  for (const name of ["engine", "colour", "shown"]) {
    placeNamed(name).addEventListener("change", (event) => onChange({ [name]: event.target.value }));
  }
  for (const radio of document.getElementsByName("picture")) {
    radio.disabled = !picturesFor(model).includes(radio.value);
    radio.addEventListener("change", () => onChange({ picture: radio.value }));
  }
  placeNamed("seed").addEventListener("change", (event) => readSeed(event.target, onChange));
  placeNamed("red").addEventListener("input", () => readRed(model, onChange));
  placeNamed("start").addEventListener("input", () => readStart(model, onChange));
  placeNamed("controls").addEventListener("submit", (event) => event.preventDefault());
}

function bindSlider({ name, off, isWhole }, onChange) {
  const slider = placeNamed(name);
  const exact = placeNamed(`${name}-number`);
  slider.addEventListener("input", () => {
    const value = Number(slider.value);
    onChange({ [name]: value === off ? null : value });
  });
  exact.addEventListener("change", () => {
    if (exact.value === "" && off === null) return onChange({}); // temperature and horizon are never off
    const value = exact.value === "" ? null : Number(exact.value);
    onChange({ [name]: isWhole && value !== null ? Math.round(value) : value });
  });
}

// Write a choice into the controls; a text that the reader is writing is left alone.
export function showChoice(content, choice) {
  const model = content.models[0];
  for (const { name, off } of slidersOf(model.V)) {
    const value = choice[name];
    const slider = placeNamed(name);
    slider.value = String(value ?? off);
    slider.setAttribute("aria-valuetext", value === null ? "off" : String(value));
    placeNamed(`${name}-number`).value = value ?? "";
  }
  for (const name of ["engine", "colour", "shown"]) placeNamed(name).value = choice[name];
  radioNamed(choice.picture).checked = true;
  placeNamed("colour").disabled = choice.picture === "suffixes"; // which are not coloured
  placeNamed("seed").value = choice.seed;
  showUnlessFocused("red", choice.red.map((tokens) => shownTokens(model, tokens)).join("\n"));
  showUnlessFocused("start", shownTokens(model, choice.start));
}

// Say below a group of controls what is wrong with them; "" takes it back.
export function showProblem(group, sentence) {
  placeNamed(`${group}-problem`).textContent = sentence;
}

function showUnlessFocused(id, text) {
  const field = placeNamed(id);
  if (field === document.activeElement) return;
  field.value = text;
  showProblem(id, ""); // what was wrong is no longer there
}

function radioNamed(picture) {
  return document.querySelector(`input[name="picture"][value="${picture}"]`);
}

function fillModels(content) {
  const names = content.models.map((model, index) => [model.name, String(index)]);
  if (names.length === 2) names.push(["side by side", "both"]);
  placeNamed("shown").replaceChildren(...names.map(([name, value]) => new Option(name, value)));
  placeNamed("shown-setting").hidden = names.length === 1;
  document.querySelector('#colour option[value="moved"]').hidden = names.length === 1;
}

function readSeed(field, onChange) {
  const given = field.value;
  const seed = Math.round(given || NaN);
  if (seed >= 0 && seed < 2 ** 32) return onChange({ seed });
  onChange({}); // writes the one that holds into the field
  const allowed = `a whole number from 0 to ${2 ** 32 - 1}`;
  showProblem("settings", `seed must be ${allowed}, got ${given || "none"}; it stays ${field.value}`);
}

function readRed(model, onChange) {
  const lines = placeNamed("red")
    .value.split("\n")
    .filter((line) => line !== "");
  const read = lines.map((line) => tokensOfText(model, line));
  const problem = read
    .map(({ problem: wrong, tokens }) => wrong || tooLong(model, tokens))
    .find((wrong) => wrong !== "");
  showProblem("red", problem ?? "");
  if (problem === undefined) onChange({ red: read.map(({ tokens }) => tokens) });
}

function tooLong(model, tokens) {
  if (tokens.length <= model.L) return "";
  return `Red must fit in the window of ${model.L} tokens, got ${tokens.length}; ask about a part of it`;
}

function readStart(model, onChange) {
  const { tokens, problem } = tokensOfText(model, placeNamed("start").value);
  const tooShort = tokens.length < model.L ? `The window must have ${model.L} tokens, got ${tokens.length}` : "";
  showProblem("start", problem || tooShort);
  if (!problem && !tooShort) onChange({ start: tokens.slice(-model.L) }); // older tokens have left the window
}
