// Answers that Python computed with certified bounds, at the settings in which the page was made. No DOM here.
import { numbersOf } from "./letters.js";

const SETTINGS_BESIDE_TEMPERATURE = ["top_k", "top_p", "min_p", "engine"];

// The certified answers nearest to what is chosen: {entry, isExact}, or null where none is about this question.
// The temperature may be another one, since there are only some; everything else must be the same.
export function nearestCertified(content, model, choice) {
  const fitting = model.certified.filter((entry) => hasSameFilters(entry.settings, choice));
  if (fitting.length === 0) return null;
  const distance = (entry) => Math.abs(entry.settings.temperature - choice.temperature);
  const entry = fitting.reduce((best, next) => (distance(next) < distance(best) ? next : best));
  return { entry, isExact: distance(entry) === 0, isSameQuestion: isAboutSameQuestion(content, choice) };
}

// The long-run share of every window of a certified answer, or null where it was not sent along.
export function certifiedShares(entry) {
  if (!entry.long_run) return null;
  return Float64Array.from(numbersOf(entry.long_run), (logarithm) => 10 ** logarithm);
}

function hasSameFilters(settings, choice) {
  return SETTINGS_BESIDE_TEMPERATURE.every((name) => settings[name] === choice[name]);
}

function isAboutSameQuestion(content, choice) {
  const key = ({ red, start, horizon }) => JSON.stringify([red, start, horizon]);
  return key(content) === key(choice);
}
