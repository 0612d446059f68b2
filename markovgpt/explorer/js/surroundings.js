// What surrounds the page's content: dark or light, and the keys.
import { placeNamed } from "./elements.js";

const asksForDark = () => matchMedia("(prefers-color-scheme: dark)");

// Whether the page is dark: what the reader chose, else what the system asks for.
export function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen === undefined ? asksForDark().matches : chosen === "dark";
}

// The button that changes between dark and light; `onChange` draws anew.
export function bindTheme(onChange) {
  const button = placeNamed("theme");
  const showName = () => (button.textContent = isDark() ? "Light" : "Dark");
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    showName();
    onChange();
  });
  asksForDark().addEventListener("change", () => {
    showName();
    onChange();
  });
  showName();
}

// Keys that do what buttons do, unless the reader is writing or the key belongs to the control in focus.
export function bindKeys({ toggle, step, reset, choosePicture, letGo }) {
  const actions = {
    " ": step,
    p: toggle,
    Escape: letGo,
    r: reset,
    g: () => choosePictureIfThere("graph"),
    m: () => choosePictureIfThere("mosaic"),
    s: () => choosePictureIfThere("suffixes"),
    d: () => placeNamed("theme").click(),
    "?": () => placeNamed("help-button").click(),
  };

  function choosePictureIfThere(picture) {
    if (!document.querySelector(`input[name="picture"][value="${picture}"]`).disabled) choosePicture(picture);
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTaken(event)) return;
    const action = actions[event.key];
    if (action === undefined) return;
    event.preventDefault();
    action();
  });
  placeNamed("help-button").addEventListener("click", toggleHelp);
}

// Letters belong to a field that is written in or a list that is open; the space bar also to whatever it presses.
function isTaken({ key, target }) {
  const isWritten = target.matches('input[type="text"], input[type="number"], textarea, select');
  const isPressed = key === " " && target.matches("button, input, summary, a, [role=treeitem], [role=button]");
  return isWritten || isPressed;
}

function toggleHelp() {
  const help = placeNamed("help");
  help.hidden = !help.hidden;
  placeNamed("help-button").setAttribute("aria-expanded", String(!help.hidden));
}
