// Shows the state that the telemetry process sends and posts what the operator asks.
// The page decides nothing: what a button does is up to the line, which may refuse.
"use strict";

const STALE_AFTER_MS = 3000;
const NORMAL_STATES = new Set(["idle", "starting", "execute", "resetting", "stopped", "stopping",
  "complete", "completing", "suspended", "suspending", "unsuspending", "unholding", "clearing"]);
const OUTCOMES = ["passed", "late", "blocked", "removed"];

let lastHeard = null;
let shownPicture = 0;
let pictureLoading = false;

const at = (id) => document.getElementById(id);
const words = (name) => name.replaceAll("_", " ");
const whole = (value) => Math.round(value).toLocaleString("en");
const fixed = (value, digits) => value === null || value === undefined ? "–" : value.toFixed(digits);
const percent = (value) => `${(100 * value).toFixed(1)} %`;
const clock = (date) => date.toLocaleTimeString([], { hour12: false });

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
  put("line-id", state.session ? state.session.line_id : "Sorting line");
  put("session-id", state.session ? `session ${state.session.session_id}` : "no session");
  put("state", line ? line.state : "no line");
  put("state-reason", line ? line.state_reason : "waiting for the line to connect");
  at("state-box").classList.toggle("abnormal", Boolean(line) && !NORMAL_STATES.has(line.state));
  if (!line) return;
  put("belt", `${fixed(line.belt_speed_mm_per_s / 1000, 2)} m/s`);
  put("frames", `${fixed(line.frames_per_s, 1)} /s, ${whole(line.frames_dropped)} dropped`);
  put("frame-age", line.frame_age_ms === null ? "none" : `${fixed(line.frame_age_ms, 0)} ms`);
  put("link", line.link_ok ? `${fixed(line.link_round_trip_ms, 1)} ms` : "lost");
  at("link").classList.toggle("bad", !line.link_ok);
  put("queue", `${line.queue_used} pulses`);
  put("clock", `± ${fixed(line.tick_sd, 2)} ticks`);
  put("bundle", `model ${line.bundle_id}`);
}

function showCommands(state) {
  const allowed = new Set(state.commands);
  const mode = at("mode");
  mode.dataset.mode = state.line?.mode === "production" ? "maintenance" : "production";
  mode.textContent = mode.dataset.mode === "maintenance" ? "Maintenance mode" : "Production mode";
  mode.disabled = !state.modes.includes(mode.dataset.mode);
  for (const button of document.querySelectorAll("[data-command]")) {
    button.disabled = !allowed.has(button.dataset.command);
  }
}

function alarmItem(alarm) {
  const item = document.createElement("li");
  item.classList.toggle("seen", alarm.acknowledged);
  const title = document.createElement("strong");
  title.textContent = `${words(alarm.kind)}, since ${clock(new Date(alarm.raised_at_utc))}`;
  const detail = document.createElement("p");
  detail.textContent = alarm.detail;
  const remedy = document.createElement("p");
  remedy.textContent = `→ ${alarm.remedy}`;
  const text = document.createElement("div");
  text.append(title, detail, remedy);
  item.append(text);
  if (!alarm.acknowledged) {
    item.append(button("Acknowledge", () => post("/api/acknowledge", { kind: alarm.kind })));
  }
  if (alarm.kind === "lamp_found") {
    item.append(button("Lamp removed", () => post("/api/lamp-removed", {})));
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
  const key = JSON.stringify(state.alarms.map((a) => [a.kind, a.acknowledged, a.detail, a.remedy]));
  if (key === shownAlarms) return; // rebuilding would take a button from under a finger
  shownAlarms = key;
  at("alarms").replaceChildren(...state.alarms.map(alarmItem));
  at("no-alarms").hidden = state.alarms.length > 0;
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
  if (!told || (!told.share && told.reason.startsWith("no sample"))) return "not audited";
  if (!told.share) return `not told: ${told.reason}`;
  const { value, low, high, level, basis, evidence } = told.share;
  return `${percent(value)} (${fixed(100 * low, 1)}–${fixed(100 * high, 1)}), by ${basis}, `
    + `${fixed(100 * level, 0)} %, ${evidence.n_blocks} samples, ${fixed(evidence.audited_kg, 1)} kg, to ${evidence.audit_date}`;
}

function showMasses(masses) {
  const invalid = Boolean(masses) && !masses.valid;
  at("mass-note").hidden = !invalid;
  put("mass-note", invalid
    ? `Estimated mass is not valid: items lie on one another (overlap index ${fixed(masses.overlap_index, 2)}).`
    : "");
  put("mass-model", masses ? `Masses by ${masses.model}, overlap index ${fixed(masses.overlap_index, 2)}.` : "");
}

function showFlow(state) {
  showMasses(state.line ? state.line.masses : null);
  put("items-per-h", `${whole(state.minute.items_per_h)} /h`);
  const invalid = !at("mass-note").hidden;
  put("kg-per-h", `${fixed(state.minute.mass_kg_per_h, 0)} kg/h${invalid ? ", not valid" : ""}`);
  put("session-items", whole(state.whole_session.items));
  fill("fractions", (body) => {
    state.minute.fractions.forEach((part, index) => {
      const session = state.whole_session.fractions[index];
      const row = cells(body.insertRow(), [
        words(part.fraction), whole(part.items_per_h), fixed(part.mass_kg_per_h, 1),
        percent(part.share),
      ]);
      const bar = document.createElement("i");
      bar.style.width = `${(60 * session.mass_share).toFixed(1)}%`;
      const cell = row.insertCell();
      cell.className = "bar";
      cell.append(bar, percent(session.mass_share));
      cells(row, [whole(session.ejected.reduce((a, b) => a + b, 0))]);
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
  const stored = (pick) => books ? whole(pick(books.stored) + pick(books.gaps)) : "–";
  fill("balance", (body) => {
    cells(body.insertRow(), ["seen", whole(totals.seen), books ? whole(books.seen) : "–"]);
    totals.ejected.forEach((items, station) => {
      cells(body.insertRow(), [`ejected ${names[station] ?? station}`, whole(items),
        stored((part) => part.ejected[station] ?? 0)]);
    });
    for (const outcome of OUTCOMES) {
      cells(body.insertRow(), [outcome, whole(totals[outcome]), stored((part) => part[outcome])]);
    }
    cells(body.insertRow(), ["in flight", whole(totals.in_flight), books ? whole(books.in_flight) : "–"]);
    const gaps = books ? books.gaps : null;
    if (gaps) {
      const without = gaps.ejected.reduce((a, b) => a + b, 0)
        + OUTCOMES.reduce((sum, outcome) => sum + gaps[outcome], 0);
      cells(body.insertRow(), ["without record", whole(state.line.records_dropped), whole(without)]);
    }
    cells(body.insertRow(), ["waiting for disk", "", whole(state.store.waiting)]);
  });
  const closes = state.balance_closes && state.store_closes;
  put("balance-verdict", closes ? "closes" : "does not close");
  at("balance-verdict").classList.toggle("bad", !closes);
}

function showLatency(state) {
  fill("latency", (body) => {
    for (const stage of state.line ? state.line.latencies : []) {
      cells(body.insertRow(), [words(stage.stage), fixed(stage.p50_ms, 2), fixed(stage.p99_ms, 2)]);
    }
  });
}

function showFreshness(state) {
  let text = "";
  if (lastHeard === null) return;
  if (Date.now() - lastHeard > STALE_AFTER_MS) {
    text = `Stale since ${clock(new Date(lastHeard))}: the telemetry process does not answer`;
  } else if (state && state.session && !state.answering) {
    const silent = state.silent_s === null ? Date.now() : Date.now() - 1000 * state.silent_s;
    text = `Stale since ${clock(new Date(silent))}: the line does not answer`;
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
  lastHeard = Date.now();
  showState(state);
  showCommands(state);
  showAlarms(state);
  showPicture(state);
  showFlow(state);
  showBalance(state);
  showLatency(state);
  showFreshness(state);
}

async function post(path, body) {
  const operator = at("operator").value.trim() || "operator";
  try {
    const answer = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Sortline-Request": "1" },
      body: JSON.stringify({ ...body, operator }),
    });
    put("answer", `${clock(new Date())} ${(await answer.json()).detail}`);
  } catch {
    put("answer", `${clock(new Date())} not delivered: the telemetry process does not answer`);
  }
}

function remembered() {
  try { return localStorage.getItem("operator"); } catch { return null; }
}

function remember(name) {
  try { localStorage.setItem("operator", name); } catch { /* private window: ask again next time */ }
}

at("mode").addEventListener("click", () => post("/api/mode", { mode: at("mode").dataset.mode }));
for (const node of document.querySelectorAll("[data-command]")) {
  node.disabled = true;
  node.addEventListener("click", () => post("/api/command", { command: node.dataset.command }));
}
at("operator").value = remembered() || "operator";
at("operator").addEventListener("change", () => remember(at("operator").value.trim()));
lastHeard = Date.now();
setInterval(() => showFreshness(latest), 500);

const events = new EventSource("/api/events");
events.addEventListener("state", (event) => show(JSON.parse(event.data)));
