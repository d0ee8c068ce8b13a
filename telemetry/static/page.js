// Shows the state that the telemetry process sends and posts what the operator asks.
// The page decides nothing: what a button does is up to the line, which may refuse.
import { ask, begin, may } from "/static/session.js";
import { clock, has, number, percent, t, word } from "/static/words.js";

const STALE_AFTER_MS = 3000;
const NORMAL_STATES = new Set(["idle", "starting", "execute", "resetting", "stopped", "stopping",
  "complete", "completing", "suspended", "suspending", "unsuspending", "unholding", "clearing"]);
const OUTCOMES = ["passed", "late", "blocked", "removed"];

let lastHeard = null;
let shownPicture = 0;
let pictureLoading = false;

const at = (id) => document.getElementById(id);
function put(id, text) {
  const node = at(id);
  if (node.textContent !== text) node.textContent = text;
}

function cells(row, texts) {
  for (const text of texts) {
    const cell = row.insertCell();
    cell.textContent = text;
  }
  return row;
}

function fill(id, build) {
  const body = document.createElement("tbody");
  body.id = id;
  build(body);
  at(id).replaceWith(body);
}

function showState(state) {
  const line = state.line;
  put("line-id", state.session ? state.session.line_id : t("title"));
  put("session-id", state.session ? t("session", { id: state.session.session_id }) : t("no-session"));
  put("state", line ? word("state", line.state) : t("no-line"));
  at("state").dataset.state = line ? line.state : "";
  put("state-reason", line ? line.state_reason : t("waiting-line"));
  at("state-box").classList.toggle("abnormal", Boolean(line) && !NORMAL_STATES.has(line.state));
  if (!line) return;
  put("belt", t("unit-m-per-s", { value: number(line.belt_speed_mm_per_s / 1000, 2) }));
  put("frames", t("dropped", { rate: number(line.frames_per_s, 1), count: number(line.frames_dropped) }));
  put("frame-age", line.frame_age_ms === null ? t("none") : t("unit-ms", { value: number(line.frame_age_ms) }));
  put("link", line.link_ok ? t("unit-ms", { value: number(line.link_round_trip_ms, 1) }) : t("lost"));
  at("link").classList.toggle("bad", !line.link_ok);
  put("queue", t("unit-pulses", { value: number(line.queue_used) }));
  put("clock", t("unit-ticks", { value: number(line.tick_sd, 2) }));
  put("air", line.air_nl_per_t === null ? "–" : t("unit-air", { value: number(line.air_nl_per_t) }));
  put("bundle", t("model", { id: line.bundle_id }));
}

function showCommands(state) {
  const allowed = new Set(may("operate") ? state.commands : []);
  for (const button of document.querySelectorAll("[data-command]")) {
    button.disabled = !allowed.has(button.dataset.command);
  }
  const mode = at("mode");
  mode.dataset.mode = state.line?.mode === "production" ? "maintenance" : "production";
  mode.textContent = word("mode", mode.dataset.mode);
  mode.disabled = !may("operate") || !state.modes.includes(mode.dataset.mode);
}

function alarmItem(alarm) {
  const item = document.createElement("li");
  item.classList.toggle("seen", alarm.acknowledged);
  const title = document.createElement("strong");
  title.textContent = t("alarm-since", { name: word("alarm", alarm.kind), time: clock(new Date(alarm.raised_at_utc)) });
  const detail = document.createElement("p");
  detail.textContent = alarm.detail;
  const remedy = document.createElement("p");
  remedy.textContent = `→ ${has(`response-${alarm.kind}`) ? t(`response-${alarm.kind}`) : alarm.remedy}`;
  const text = document.createElement("div");
  text.append(title, detail, remedy);
  item.append(text);
  if (!may("operate")) return item;
  if (!alarm.acknowledged) {
    item.append(button(t("acknowledge"), () => post("/api/acknowledge", { kind: alarm.kind })));
  }
  if (alarm.kind === "lamp_found") {
    item.append(button(t("lamp-removed"), () => post("/api/lamp-removed", {})));
  }
  return item;
}

function button(text, act) {
  const node = document.createElement("button");
  node.textContent = text;
  node.addEventListener("click", act);
  return node;
}

let shownAlarms = "";

function showAlarms(state) {
  const key = JSON.stringify([may("operate"), document.documentElement.lang, state.alarms.map((a) => [a.kind, a.acknowledged, a.detail, a.remedy])]);
  if (key === shownAlarms) return; // rebuilding would take a button from under a finger
  shownAlarms = key;
  at("alarms").replaceChildren(...state.alarms.map(alarmItem));
  at("no-alarms").hidden = state.alarms.length > 0;
}

function showRefusals(state) {
  const texts = state.refusals.map(({ at_utc, operator, reason }) =>
    t("refused-by-line", { who: operator, time: clock(new Date(at_utc)), reason }));
  if (texts.join() === [...at("refusals").children].map((item) => item.textContent).join()) return;
  at("refusals").replaceChildren(...texts.map((text) => {
    const item = document.createElement("li");
    item.textContent = text;
    return item;
  }));
}

function showPicture(state) {
  if (!state.picture_seq || state.picture_seq === shownPicture || pictureLoading) return;
  pictureLoading = true;
  const next = new Image();
  next.onload = () => {
    at("picture").src = next.src;
    at("picture").hidden = false;
    at("no-picture").hidden = true;
    pictureLoading = false;
    shownPicture = state.picture_seq;
  };
  next.onerror = () => { pictureLoading = false; };
  next.src = `/api/picture?seq=${state.picture_seq}`;
}

function purityWords(told) {
  if (!told || (!told.share && told.reason.startsWith("no sample"))) return t("not-audited");
  if (!told.share) return t("purity-not-told", { reason: told.reason });
  const { value, low, high, level, basis, evidence } = told.share;
  return t("purity-told", {
    value: percent(value), low: number(100 * low, 1), high: number(100 * high, 1), basis: word("basis", basis),
    level: percent(level, 0), samples: number(evidence.n_blocks), mass: number(evidence.audited_kg, 1),
    date: new Date(evidence.audit_date).toLocaleDateString(document.documentElement.lang),
  });
}

function showMasses(masses) {
  const invalid = Boolean(masses) && !masses.valid;
  at("mass-note").hidden = !invalid;
  put("mass-note", invalid ? t("mass-invalid", { index: number(masses.overlap_index, 2) }) : "");
  put("mass-model", masses ? t("mass-model", { model: masses.model, index: number(masses.overlap_index, 2) }) : "");
}

function showFlow(state) {
  showMasses(state.line ? state.line.masses : null);
  put("items-per-h", t("unit-items-h", { value: number(state.minute.items_per_h) }));
  const invalid = !at("mass-note").hidden;
  const mass = t("unit-kg-h", { value: number(state.minute.mass_kg_per_h) });
  put("kg-per-h", invalid ? t("not-valid", { value: mass }) : mass);
  put("session-items", number(state.whole_session.items));
  fill("fractions", (body) => {
    state.minute.fractions.forEach((part, index) => {
      const session = state.whole_session.fractions[index];
      const row = cells(body.insertRow(), [
        word("fraction", part.fraction), number(part.items_per_h), number(part.mass_kg_per_h, 1),
        percent(part.share),
      ]);
      const bar = document.createElement("i");
      bar.style.width = `${(60 * session.mass_share).toFixed(1)}%`;
      const cell = row.insertCell();
      cell.className = "bar";
      cell.append(bar, percent(session.mass_share));
      cells(row, [number(session.ejected.reduce((a, b) => a + b, 0))]);
      const purity = row.insertCell();
      purity.className = "note";
      purity.textContent = purityWords(state.purity.find((told) => told.product === part.fraction));
    });
  });
}

function showBalance(state) {
  const totals = state.line ? state.line.totals : null;
  const books = state.store.account;
  if (!totals) return;
  const names = state.session ? state.session.station_names : [];
  const stored = (pick) => books ? number(pick(books.stored) + pick(books.gaps)) : "–";
  fill("balance", (body) => {
    cells(body.insertRow(), [t("seen"), number(totals.seen), books ? number(books.seen) : "–"]);
    totals.ejected.forEach((items, station) => {
      cells(body.insertRow(), [t("ejected-at", { station: word("fraction", names[station] ?? String(station)) }), number(items),
        stored((part) => part.ejected[station] ?? 0)]);
    });
    for (const outcome of OUTCOMES) {
      cells(body.insertRow(), [t(`outcome-${outcome}`), number(totals[outcome]), stored((part) => part[outcome])]);
    }
    cells(body.insertRow(), [t("in-flight"), number(totals.in_flight), books ? number(books.in_flight) : "–"]);
    const gaps = books ? books.gaps : null;
    if (gaps) {
      const without = gaps.ejected.reduce((a, b) => a + b, 0)
        + OUTCOMES.reduce((sum, outcome) => sum + gaps[outcome], 0);
      cells(body.insertRow(), [t("without-record"), number(state.line.records_dropped), number(without)]);
    }
    cells(body.insertRow(), [t("waiting-disk"), "", number(state.store.waiting)]);
  });
  const closes = state.balance_closes && state.store_closes;
  put("balance-verdict", t(closes ? "closes" : "does-not-close"));
  at("balance-verdict").classList.toggle("bad", !closes);
}

function showLatency(state) {
  fill("latency", (body) => {
    for (const stage of state.line ? state.line.latencies : []) {
      cells(body.insertRow(), [word("stage", stage.stage), number(stage.p50_ms, 2), number(stage.p99_ms, 2)]);
    }
  });
}

function showFreshness(state) {
  let text = "";
  if (lastHeard === null) return;
  if (Date.now() - lastHeard > STALE_AFTER_MS) {
    text = t("stale-telemetry", { time: clock(new Date(lastHeard)) });
  } else if (state && state.session && !state.answering) {
    const silent = state.silent_s === null ? Date.now() : Date.now() - 1000 * state.silent_s;
    text = t("stale-line", { time: clock(new Date(silent)) });
  }
  at("stale").hidden = !text;
  put("stale", text);
  document.body.classList.toggle("stale", Boolean(text));
  if (text) {
    for (const node of document.querySelectorAll("[data-command], #mode")) node.disabled = true;
  }
}

let latest = null;

function show(state) {
  latest = state;
  showState(state);
  showCommands(state);
  showAlarms(state);
  showRefusals(state);
  showPicture(state);
  showFlow(state);
  showBalance(state);
  showLatency(state);
  showFreshness(state);
}

async function post(path, body) {
  const { ok, detail } = await ask(path, body);
  at("answer").classList.toggle("refused", !ok);
  put("answer", `${clock(new Date())} ${detail}`);
  if (latest) show(latest);
}

for (const node of document.querySelectorAll("[data-command]")) {
  node.disabled = true;
  node.addEventListener("click", () => post("/api/command", { command: node.dataset.command }));
}
at("mode").addEventListener("click", () => post("/api/mode", { mode: at("mode").dataset.mode }));

await begin();
lastHeard = Date.now();
setInterval(() => showFreshness(latest), 500);
const events = new EventSource("/api/events");
events.addEventListener("state", (event) => {
  lastHeard = Date.now();
  show(JSON.parse(event.data));
});
