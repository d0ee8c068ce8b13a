// Words, numbers and times in the reader's language. The words come from this server's catalogues.

const LANGUAGES = ["kk", "ru", "en"];
let words = {};
let language = "en";

function remembered() {
  try { return localStorage.getItem("language"); } catch { return null; }
}

export function remember(chosen) {
  try { localStorage.setItem("language", chosen); } catch { /* private window: ask again next time */ }
}

export function preferred(ofUser) {
  const browser = navigator.languages.map((name) => name.slice(0, 2)).find((name) => LANGUAGES.includes(name));
  return [ofUser, remembered(), browser].find((name) => LANGUAGES.includes(name)) ?? "en";
}

export async function speak(chosen) {
  words = await (await fetch(`/api/words?language=${chosen}`)).json();
  language = chosen;
  document.documentElement.lang = chosen;
  translate(document);
}

export const spoken = () => language;
export const has = (key) => key in words;

export function t(key, values = {}) {
  const text = words[key] ?? `⟨${key}⟩`; // seen at once, and a test looks for it
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

// A name that the plant gave, such as a station's, stays as it is.
export const word = (prefix, name) => has(`${prefix}-${name}`) ? t(`${prefix}-${name}`) : name.replaceAll("_", " ");

export function translate(root) {
  for (const node of root.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  for (const node of root.querySelectorAll("[data-t-alt]")) node.alt = t(node.dataset.tAlt);
  for (const node of root.querySelectorAll("[data-t-label]")) node.setAttribute("aria-label", t(node.dataset.tLabel));
}

export function number(value, digits = 0) {
  if (value === null || value === undefined) return "–";
  return value.toLocaleString(language, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export const percent = (share, digits = 1) => t("unit-percent", { value: number(100 * share, digits) });
export const clock = (date) => date.toLocaleTimeString(language, { hour12: false });
export const moment = (date) => date.toLocaleString(language, { hour12: false });
