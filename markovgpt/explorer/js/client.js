// Questions are answered in a worker, so that sliders never wait. The worker runs the first part of this program.
import { answerMessages } from "./worker.js";

const END_OF_WORKER = "// ---- the page ----"; // the line that Python writes after the worker's part of the program

// The page's side: `ask(kind, question, take)`; of each kind only the newest question is answered.
// While one is being answered the newest waits; those between, which a moving slider has left behind, are dropped.
export function makeClient(program, models) {
  // the insides of the models are drawn in the page and would only be copied
  const tables = models.map((model) => ({ ...model, weights: null, certified: [] }));
  const waiting = new Map(); // kind -> {question, take}
  let running = null; // {kind, question, take}
  let worker = null;

  function ask(kind, question, take) {
    waiting.set(kind, { question, take });
    if (running === null) sendNext();
  }

  function sendNext() {
    const [kind] = waiting.keys();
    if (kind === undefined) return;
    running = { kind, ...waiting.get(kind) };
    waiting.delete(kind);
    send();
  }

  function send() {
    worker.postMessage({ kind: running.kind, question: running.question });
  }

  function receive({ data }) {
    const { take } = running;
    running = null;
    take(data);
    if (running === null) sendNext();
  }

  function workWith(newWorker) {
    worker = newWorker;
    worker.addEventListener("message", receive);
    worker.postMessage({ models: tables });
  }

  // Some notebooks forbid workers, and say so only later: then the page itself works, and sliders wait a little.
  function workWithinThePage() {
    worker?.terminate();
    workWith(workerWithinThePage());
    if (running !== null) send();
  }

  try {
    workWith(startedWorker(program));
    worker.addEventListener("error", workWithinThePage, { once: true });
  } catch {
    workWithinThePage();
  }
  return { ask };
}

// A worker made of the program's own text.
function startedWorker(program) {
  const source = `${program.slice(0, program.indexOf(END_OF_WORKER))}\nanswerMessages(self);\n`;
  return new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
}

// The same loop without a thread of its own.
function workerWithinThePage() {
  const toWorker = new EventTarget();
  const toPage = new EventTarget();
  const carry = (target) => (data) => setTimeout(() => target.dispatchEvent(new MessageEvent("message", { data })), 0);
  answerMessages({ addEventListener: toWorker.addEventListener.bind(toWorker), postMessage: carry(toPage) });
  return { addEventListener: toPage.addEventListener.bind(toPage), postMessage: carry(toWorker) };
}
