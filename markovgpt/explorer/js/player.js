// The buttons of the walk, and the text that it writes.
import { makeElement, placeNamed } from "./elements.js";
import { shownTokens } from "./words.js";

const MILLISECONDS_A_STEP = 350;

// Buttons that play, step and start again; `onStep` and `onReset` do it.
export function makePlayer({ onStep, onReset }) {
  const playButton = placeNamed("play");
  let timer = null;

  function stop() {
    clearInterval(timer);
    timer = null;
    playButton.textContent = "Play";
    playButton.setAttribute("aria-pressed", "false");
  }

  function play() {
    timer = setInterval(onStep, MILLISECONDS_A_STEP);
    playButton.textContent = "Pause";
    playButton.setAttribute("aria-pressed", "true");
    onStep();
  }

  const player = {
    toggle: () => (timer === null ? play() : stop()),
    step: onStep,
    reset: () => {
      stop();
      onReset();
    },
  };
  playButton.addEventListener("click", player.toggle);
  placeNamed("step").addEventListener("click", player.step);
  placeNamed("reset").addEventListener("click", player.reset);
  return player;
}

// Write the start, the tokens since, and mark the newest one.
export function showText(model, start, walk) {
  const text = placeNamed("text");
  const isFollowed = text.scrollTop + text.clientHeight >= text.scrollHeight - 4;
  const older = makeElement("span", {}, tokensAsText(model, walk.written.slice(0, -1)));
  const newest = makeElement("mark", {}, tokensAsText(model, walk.written.slice(-1)));
  const prompt = makeElement("span", { class: "prompt" }, tokensAsText(model, start));
  text.replaceChildren(prompt, older, ...(walk.written.length > 0 ? [newest] : []));
  if (isFollowed) text.scrollTop = text.scrollHeight;
}

// Real text where tokens have one, so that a line break is a line break; else as tokens are shown.
function tokensAsText(model, tokens) {
  if (model.spelt !== null) return tokens.map((token) => model.spelt[token]).join("");
  return tokens.length > 0 && model.V > 10 ? `${shownTokens(model, tokens)},` : shownTokens(model, tokens);
}
