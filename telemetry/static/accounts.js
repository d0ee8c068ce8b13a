// Sends the accounts' forms with the header that the page's guard asks for, and shows the answer.
"use strict";

async function token() {
  const answer = await fetch("/api/session");
  return answer.ok ? (await answer.json()).csrf || "" : "";
}

document.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const button = event.submitter;
  const target = (button && button.getAttribute("formaction")) || form.getAttribute("action");
  const buttons = form.querySelectorAll("button");
  buttons.forEach((one) => { one.disabled = true; });
  try {
    const csrf = await token();
    const answer = await fetch(target, {
      method: "POST",
      headers: { "x-sortline-request": "1", ...(csrf ? { "x-sortline-csrf": csrf } : {}) },
      body: new URLSearchParams(new FormData(form)),
    });
    const told = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (told.querySelector("main")) {
      document.body.replaceWith(told.body);
    } else {
      throw new Error(told.body.textContent);
    }
  } catch (error) {
    buttons.forEach((one) => { one.disabled = false; });
    const line = document.createElement("p");
    line.className = "bad";
    line.textContent = String(error.message || error);
    form.prepend(line);
  }
});
