// Shows the newest lines of the audit log.

import { begin } from "/static/session.js";
import { moment, t, word } from "/static/words.js";

const at = (id) => document.getElementById(id);

function row(line) {
  const made = document.createElement("tr");
  const who = line.role ? `${line.user}, ${word("role", line.role)}, ${line.address}` : `${line.user} ${line.address}`;
  const outcome = line.detail ? `${line.outcome}: ${line.detail}` : line.outcome;
  for (const text of [moment(new Date(line.at)), who, line.action, line.before, line.after, outcome]) {
    made.insertCell().textContent = text;
  }
  return made;
}

await begin();
const answer = await fetch("/api/audit-log");
const content = await answer.json();
if (answer.ok) {
  at("lines").replaceChildren(...content.map(row));
  if (content.length === 0) at("answer").textContent = t("log-none");
} else {
  at("answer").textContent = t("no-right");
}
