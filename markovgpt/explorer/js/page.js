// Where the page begins: it joins the choice, the worker's answers, the pictures and the panels.
import { choiceOfHash, hashOfChoice, settingsOf } from "./choice.js";
import { makeClient } from "./client.js";
import { nearestCertified, certifiedShares } from "./certified.js";
import { bindControls, showChoice, showProblem } from "./controls.js";
import { answersAsLatex, saveText, statesAsCsv } from "./downloads.js";
import { placeNamed } from "./elements.js";
import { forwardPass } from "./inside.js";
import { drawInside } from "./inside_view.js";
import { settingsError } from "./settings.js";
import { stateOf, tableOf, windowOf } from "./table.js";
import { showCycles, showMoved, showNext, showNumbers, showWays } from "./panels.js";
import { makePictures, viewOf } from "./picture.js";
import { makePlayer, showText } from "./player.js";
import { bindKeys, bindTheme, isDark } from "./surroundings.js";
import { makeWalk } from "./walk.js";
import { shownTokens, statusSentence } from "./words.js";

const WAYS_AFTER = 300; // milliseconds without a change until the likeliest ways are searched

function startPage() {
  const content = JSON.parse(placeNamed("content").textContent);
  const tables = content.models.map(tableOf);
  const client = makeClient(placeNamed("program").textContent, content.models);
  let choice = choiceOfHash(location.hash, content);
  let answers = null; // the newest that came; null until the first
  let newest = null; // what was asked last
  let machines = content.models.map(() => null);
  let waysTimer = null;
  const walk = makeWalk(tables[0], choice.start, choice.seed);
  const pictures = makePictures(content, tables, pick);

  placeNamed("title").textContent = content.title;
  placeNamed("note").textContent = content.note;
  bindControls(content, changed);
  bindTheme(drawAll);
  const player = makePlayer({ onStep: stepOnce, onReset: startAgain });
  bindKeys({ ...player, choosePicture: (picture) => changed({ picture }), letGo: () => changed({ picked: null }) });
  bindDownloads();
  addEventListener("hashchange", () => changed(choiceOfHash(location.hash, content)));

  // ---- from a change to a picture

  // Take over what was changed; ask anew where the numbers depend on it, else only draw.
  function changed(changes) {
    const before = question();
    const isNewWalk = "start" in changes || "seed" in changes;
    choice = { ...choice, ...changes };
    if (isNewWalk) walk.reset(choice.start, choice.seed);
    showChoice(content, choice);
    keepInAddress();
    showProblem("settings", problemOfChoice());
    if (JSON.stringify(question()) !== JSON.stringify(before)) askForAnswers();
    else drawAll();
  }

  // Picking a state twice lets it go.
  function pick(state) {
    changed({ picked: state === choice.picked ? null : state });
  }

  function question() {
    return { settings: settingsOf(choice), red: choice.red, start: choice.start, horizon: choice.horizon };
  }

  function askForAnswers() {
    if (problemOfChoice() !== "") return;
    const asked = question();
    newest = asked;
    placeNamed("stage").setAttribute("aria-busy", "true");
    client.ask("answers", asked, (message) => {
      if (asked === newest) placeNamed("stage").removeAttribute("aria-busy");
      if (message.problem) {
        showProblem("settings", message.problem);
        return;
      }
      answers = { ...message.answer, asked };
      drawAll();
      clearTimeout(waysTimer);
      waysTimer = setTimeout(askForWays, WAYS_AFTER);
    });
  }

  // Why nothing can be asked, "" where it can.
  function problemOfChoice() {
    const problem = settingsError(settingsOf(choice), content.models[0].V);
    const isFit = Number.isInteger(choice.horizon) && choice.horizon >= 1 && choice.horizon <= 100000;
    if (problem || isFit) return problem;
    return `within n tokens: n must be a whole number from 1 to 100000, got ${choice.horizon}`;
  }

  function askForWays() {
    const { asked } = answers;
    if (asked.red.length === 0) {
      showWays(content, asked, []);
      return;
    }
    client.ask("ways", asked, ({ answer, problem }) =>
      problem ? showProblem("red", problem) : showWays(content, asked, answer),
    );
  }

  // A link to what is seen; where an address cannot be changed, as in a notebook's frame, nothing is lost but the link.
  function keepInAddress() {
    try {
      history.replaceState(null, "", `#${hashOfChoice(choice)}`);
    } catch {
      /* stays as it is */
    }
  }

  // ---- drawing

  function shownModels() {
    return choice.shown === "both" ? content.models.map((_, index) => index) : [Number(choice.shown)];
  }

  function drawAll() {
    if (answers === null) return;
    drawPictures();
    const main = shownModels().at(-1);
    const model = content.models[main];
    const certified = content.models.map((each) => nearestCertified(content, each, answers.asked));
    placeNamed("status").textContent = statusSentence(model, answers.asked, answers.models[main], otherThan(main));
    showNumbers(content, answers.asked, answers.models, certified);
    showMoved(content, answers.moved);
    drawWindow();
    // which numbers these are, for whoever waits for them: those that were asked for, shown as is chosen now
    placeNamed("stage").dataset.answered = hashOfChoice({ ...choice, ...answers.asked.settings, ...answers.asked });
  }

  // The answers of the other of two models.
  function otherThan(main) {
    if (content.models.length === 1) return null;
    return { name: content.models[1 - main].name, found: answers.models[1 - main] };
  }

  function drawPictures() {
    const indexes = shownModels();
    const views = indexes.map((index) => {
      const seen = {
        choice,
        walk,
        moved: answers.moved,
        shares: sharesOf(index),
        start: stateOf(tables[0], choice.start),
        dark: isDark(),
      };
      return viewOf(tables[index], answers.models[index], machines[index], seen);
    });
    pictures.show(choice.picture, indexes, views);
  }

  // The long-run shares: live, or above the size that is live Python's at the nearest certified temperature.
  function sharesOf(index) {
    const { longRun } = answers.models[index];
    if (longRun !== null) return longRun.converged ? longRun.value : null;
    const nearest = nearestCertified(content, content.models[index], answers.asked);
    return nearest && certifiedShares(nearest);
  }

  // What belongs to one window: the picked one, else where the walk is.
  function drawWindow() {
    const state = choice.picked ?? walk.state;
    const index = shownModels().at(-1);
    const model = content.models[index];
    showNext(content, state, answers.models);
    showText(model, choice.start, walk);
    placeNamed("inside-panel").hidden = model.weights === null;
    if (model.weights === null) return;
    const tokens = windowOf(tables[index], state);
    placeNamed("inside-title").textContent = `Inside “${model.name}”, for the window ${shownTokens(model, tokens)}`;
    drawInside(placeNamed("inside"), model, forwardPass(model.weights, tokens), { dark: isDark() });
  }

  // ---- the walk, which goes through the model that is shown (of two, the second)

  function stepOnce() {
    if (answers === null) return;
    walk.step(answers.models[shownModels().at(-1)].probs);
    drawPictures();
    drawWindow();
  }

  function startAgain() {
    walk.reset(choice.start, choice.seed);
    drawAll();
  }

  // ---- downloads

  function bindDownloads() {
    const save = {
      // name, type and text of each file
      svg: () => ["chain.svg", "image/svg+xml", pictures.toSVG()],
      csv: () => ["states.csv", "text/csv", statesAsCsv(content, answers.models)],
      latex: () => ["answers.tex", "application/x-tex", answersAsLatex(content, answers.asked, answers.models)],
    };
    for (const [id, made] of Object.entries(save)) {
      placeNamed(id).addEventListener("click", () => answers !== null && saveText(...made()));
    }
  }

  // ---- the beginning

  showChoice(content, choice);
  askForAnswers();
  client.ask("machines", null, ({ answer }) => {
    machines = answer;
    showCycles(content, machines);
    drawAll();
  });
}

startPage();
