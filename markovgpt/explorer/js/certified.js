// Answers that Python computed with certified bounds, at the settings in which the page was made. No DOM here.
import { numbersOf } from "./letters.js";

const SETTINGS_BESIDE_TEMPERATURE = ["top_k", "top_p", "min_p", "engine"];

// The certified answers nearest to what was asked: {entry, isExact, isSameStart, isSameQuestion}, or null where none
// has the same settings. The temperature may be another one, since there are only some.
export function nearestCertified(content, model, { settings, red, start, horizon }) {
  const fitting = model.certified.filter((entry) => hasSameFilters(entry.settings, settings));
  if (fitting.length === 0) return null;
  const distance = (entry) => Math.abs(entry.settings.temperature - settings.temperature);
  const entry = fitting.reduce((best, next) => (distance(next) < distance(best) ? next : best));
  const isSameStart = isSame(content.start, start);
  const isSameQuestion = isSameStart && isSame([content.red, content.horizon], [red, horizon]);
  return { entry, isExact: distance(entry) === 0, isSameStart, isSameQuestion };
}

// The long-run share of every window of a certified answer, or null where it was not sent along, or is another one:
// only where every window comes again for ever is it the same from every start.
export function certifiedShares({ entry, isSameStart }) {
  if (!entry.long_run) return null;
  const shares = Float64Array.from(numbersOf(entry.long_run), (logarithm) => 10 ** logarithm);
  return isSameStart || shares.every((share) => share > 0) ? shares : null;
}

function hasSameFilters(settings, asked) {
  return SETTINGS_BESIDE_TEMPERATURE.every((name) => settings[name] === asked[name]);
}

function isSame(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}
