// Questions are answered in a worker, so that sliders never wait. The worker runs the first part of this program.
import { answerMessages } from "./worker.js";

const END_OF_WORKER = "// ---- the page ----"; // the line that Python writes after the worker's part of the program

// The page's side: `ask(kind, question, take)`; of each kind only the newest question is answered.
// While one is being answered the newest waits; those between, which a moving slider has left behind, are dropped.
export function makeClient(program, models) {
  const worker = startedWorker(program, models);
  const waiting = new Map(); // kind -> {question, take}
  let running = null;
  let lastId = 0;

  function ask(kind, question, take) {
    waiting.set(kind, { question, take });
    if (running === null) sendNext();
  }

  function sendNext() {
    const [kind] = waiting.keys();
    if (kind === undefined) return;
    const { question, take } = waiting.get(kind);
    waiting.delete(kind);
    running = { id: ++lastId, kind, take };
    worker.postMessage({ id: lastId, kind, question });
  }

  worker.addEventListener("message", ({ data }) => {
    const { take } = running;
    running = null;
    take(data);
    if (running === null) sendNext();
  });
  return { ask };
}

// A worker made of the program's own text; where a browser gives none, the same loop within the page.
function startedWorker(program, models) {
  let worker;
  try {
    const source = `${program.slice(0, program.indexOf(END_OF_WORKER))}\nanswerMessages(self);\n`;
    const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    worker = new Worker(address);
  } catch {
    worker = workerWithinThePage();
  }
  // the insides of the models are drawn in the page and would only be copied
  worker.postMessage({ models: models.map((model) => ({ ...model, weights: null, certified: [] })) });
  return worker;
}

function workerWithinThePage() {
  const toWorker = new EventTarget();
  const toPage = new EventTarget();
  const carry = (target) => (data) => setTimeout(() => target.dispatchEvent(new MessageEvent("message", { data })), 0);
  answerMessages({ addEventListener: toWorker.addEventListener.bind(toWorker), postMessage: carry(toPage) });
  return { addEventListener: toPage.addEventListener.bind(toPage), postMessage: carry(toWorker) };
}
