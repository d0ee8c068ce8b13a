// Signs a user in; on a line without users, sets the admin's password first.

import { ask, begin, session } from "/static/session.js";
import { spoken, t } from "/static/words.js";

const at = (id) => document.getElementById(id);

function show() {
  const first = session.first_run;
  at("heading").textContent = t(first ? "first-run-title" : "signed-out-title");
  at("go").textContent = t(first ? "set-password" : "sign-in");
  for (const id of ["first-words", "again-row", "rule"]) at(id).hidden = !first;
  at("name-row").hidden = first;
  at("name").required = !first;
  at("again").required = first;
  at("look").hidden = first;
}

function why(answer) {
  if (answer.status === 401) return t("wrong-password");
  if (answer.status === 429) return t("wait-password", { seconds: answer.content.detail.match(/\d+/)[0] });
  return answer.detail;
}

at("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const password = at("password").value;
  if (session.first_run && password !== at("again").value) {
    at("answer").textContent = t("passwords-differ");
    return;
  }
  at("go").disabled = true;
  const answer = session.first_run
    ? await ask("/api/first-run", { password, language: spoken() })
    : await ask("/api/sign-in", { name: at("name").value, password });
  at("go").disabled = false;
  if (answer.ok) location.assign("/");
  else at("answer").textContent = why(answer);
});

await begin();
show();
