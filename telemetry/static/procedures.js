// Leads through a procedure; each confirmed step is written down by the server.

import { ask, begin, may } from "/static/session.js";
import { spoken, t } from "/static/words.js";

const at = (id) => document.getElementById(id);
let all = {};
let current = { name: "", step: 0 };

function choose() {
  at("choices").hidden = false;
  at("step").hidden = true;
  at("all").hidden = true;
  at("heading").textContent = t("page-procedures");
  at("words").hidden = false;
  at("choices").replaceChildren(...Object.entries(all).map(([name, procedure]) => {
    const key = document.createElement("button");
    key.dataset.procedure = name;
    key.textContent = procedure.name[spoken()];
    key.disabled = !may("operate");
    key.addEventListener("click", () => { at("answer").textContent = ""; show(name, 1); });
    return key;
  }));
  if (!may("operate")) at("answer").textContent = t("procedure-sign-in");
}

function show(name, step) {
  current = { name, step };
  const procedure = all[name];
  at("choices").hidden = true;
  at("words").hidden = true;
  at("step").hidden = false;
  at("heading").textContent = procedure.name[spoken()];
  at("place").textContent = t("procedure-step", { step, steps: procedure.steps.length });
  at("text").textContent = procedure.steps[step - 1][spoken()];
  at("note").value = "";
}

function end(key) {
  at("step").hidden = true;
  at("all").hidden = false;
  at("answer").textContent = t(key);
}

async function confirm(done) {
  const { name, step } = current;
  at("done").disabled = at("cannot").disabled = true;
  const answer = await ask("/api/procedure-step", { procedure: name, step, done, note: at("note").value });
  at("done").disabled = at("cannot").disabled = false;
  at("answer").textContent = answer.ok ? "" : answer.detail;
  if (!answer.ok) return; // what was not written down was not confirmed
  if (!done) end("procedure-given-up");
  else if (step === all[name].steps.length) end("procedure-complete");
  else show(name, step + 1);
}

at("done").addEventListener("click", () => confirm(true));
at("cannot").addEventListener("click", () => confirm(false));
at("all").addEventListener("click", () => { at("answer").textContent = ""; choose(); });

await begin();
all = await (await fetch("/api/procedures")).json();
choose();
