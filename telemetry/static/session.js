// Who is signed in, and how the page asks for something in that user's name.

import { preferred, remember, speak, spoken, t, translate, word } from "/static/words.js";

const PAGES = [["/", "page-overview", null], ["/procedures", "page-procedures", null], ["/audit-log", "page-log", "read_log"]];
const NAMES = { kk: "Қазақша", ru: "Русский", en: "English" };

export let session = { first_run: false, user: null, rights: [] };

export const may = (right) => session.user !== null && session.rights.includes(right);

export async function begin() {
  session = { rights: [], ...await (await fetch("/api/session")).json() };
  if (session.first_run && location.pathname !== "/sign-in") location.replace("/sign-in");
  await speak(preferred(session.language));
  showBar();
}

function make(tag, properties, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

function languageChoice() {
  const choice = make("select", { id: "language" });
  choice.setAttribute("aria-label", t("language"));
  for (const [code, name] of Object.entries(NAMES)) choice.append(make("option", { value: code, textContent: name, lang: code }));
  choice.value = spoken();
  choice.addEventListener("change", async () => {
    remember(choice.value);
    if (session.user) await ask("/api/language", { language: choice.value });
    location.reload();
  });
  return choice;
}

function person() {
  if (!session.user) return make("a", { href: "/sign-in", className: "key", textContent: t("sign-in") });
  const out = make("button", { id: "sign-out", textContent: t("sign-out") });
  out.addEventListener("click", async () => {
    await ask("/api/sign-out", {});
    location.assign("/sign-in");
  });
  return make("span", { className: "person" },
    make("span", { id: "user", textContent: `${session.user}, ${word("role", session.role)}` }), out);
}

function showBar() {
  const bar = document.getElementById("bar");
  if (!bar) return;
  const links = PAGES.filter(([, , right]) => right === null || may(right)).map(([href, key]) => {
    const link = make("a", { href, textContent: t(key) });
    if (href === location.pathname) link.setAttribute("aria-current", "page");
    return link;
  });
  bar.replaceChildren(make("nav", {}, ...links), languageChoice(), person());
  translate(document);
}

// Resolves to { ok, status, detail }; detail is in the reader's language where the page has words for it.
export async function ask(path, body) {
  let answer;
  try {
    answer = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Sortline-Request": "1", "X-Sortline-Csrf": session.csrf ?? "" },
      body: JSON.stringify(body),
    });
  } catch {
    return { ok: false, status: 0, detail: t("not-delivered") };
  }
  const content = await answer.json().catch(() => ({ detail: "" }));
  const { status } = answer;
  if (status === 401 && path !== "/api/sign-in") {
    session = { ...session, user: null, rights: [] };
    showBar();
    return { ok: false, status, detail: t("session-over") };
  }
  if (status === 202) return { ok: true, status, detail: t("passed-on"), content };
  if (answer.ok) return { ok: true, status, detail: content.detail ?? "", content };
  return { ok: false, status, detail: t("refused-here", { reason: content.detail }), content };
}
