// What the worker does: it keeps the models that come first, then answers one question after the other. No DOM here.
import { answersOf, machinesOf, waysOf } from "./answers.js";

const ANSWERS = { answers: answersOf, machines: machinesOf, ways: waysOf };

// Listen for {models}, then for {kind, question}; each question is answered by {answer} or {problem}.
export function answerMessages(worker) {
  let models = [];
  worker.addEventListener("message", ({ data }) => {
    if (data.models) {
      models = data.models;
      return;
    }
    worker.postMessage(answered(data.kind, models, data.question));
  });
}

// An answer, or the sentence of what went wrong.
function answered(kind, models, question) {
  try {
    return { answer: ANSWERS[kind](models, question) };
  } catch (problem) {
    return { problem: String(problem.message ?? problem) };
  }
}
