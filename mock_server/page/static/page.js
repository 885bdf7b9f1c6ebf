// What htmx does not do: the live inbox, keys, requests to the control plane, and the form to try.
// Values get into the page as text only; HTML comes from the twin alone, which has escaped it.
"use strict";

const MOST_NEW = 50;    // More new requests than that at once are counted, and not shown.
const MOST_ROWS = 400;  // More rows than that are asked for again when somebody scrolls down.

const $ = (selector, from = document) => from.querySelector(selector);
const $$ = (selector, from = document) => [...from.querySelectorAll(selector)];
const control = document.body.dataset.control;
const plainTitle = document.title;

function remember(name, value) {
  try { localStorage.setItem(name, value); } catch (error) { /* storage is switched off */ }
}
function remembered(name) {
  try { return localStorage.getItem(name); } catch (error) { return null; }
}
function announce(text) { $("#announce").textContent = text; }

// ── the live inbox ─────────────────────────────────────────────────────

let state = null;      // The latest event.
let busy = false;      // Rows are on their way.
let unseen = 0;        // What arrived while nobody looked.
let worker = null;     // Who has the stream of events.

function connect() {
  if (window.SharedWorker) {
    worker = new SharedWorker($("script[src*='live.js']").src);
    worker.port.onmessage = (event) => received(event.data);
  } else {
    follow(`${control}/page/events`, received);
  }
}

function received(event) {
  connected(event !== null);
  if (!event) return;
  const before = state;
  state = event;
  if (before) arrived(state.last - before.last);
  news();
  const rows = $("#rows");
  if (rows && forgotten(before || rows.dataset)) reload();
  else update();
}

// Whether fewer are kept for another reason than space: a reset, or a twin that was started anew.
function forgotten(before) {
  const evicted = Number(before.evicted);
  return state.last < Number(before.last) || state.evicted < evicted ||
    state.kept < Number(before.kept) && state.evicted === evicted;
}

// Parts of the page are asked for anew once a second at most, and for certain after the last event:
// what is on its way already may be older than that.
let newsTimer = null, lastNews = 0;
function news() {
  newsTimer ??= setTimeout(() => {
    newsTimer = null;
    if ($(".htmx-request")) return news();
    lastNews = Date.now();
    htmx.trigger(document.body, "news");
  }, Math.max(lastNews + 1000 - Date.now(), 20));
}

function connected(on) {
  const dot = $("#live");
  if (!dot) return;
  dot.classList.toggle("off", !on);
  $("#live-text").textContent = on ? "live" : "not connected, trying again";
}

function arrived(count) {
  if (!document.hidden || count <= 0) return;
  unseen += count;
  document.title = `(${unseen.toLocaleString("en")}) ${plainTitle}`;
}

async function update() {
  const rows = $("#rows");
  if (!rows || !state) return;
  $("#kept").textContent = state.kept.toLocaleString("en");
  const last = Number(rows.dataset.last);
  const missing = state.last - last;
  // A page that nobody sees asks for nothing; it catches up when it is looked at.
  if (missing <= 0 || busy || document.hidden) return;
  if (missing > MOST_NEW) return pill(missing);
  busy = true;
  const until = state.last;
  const filters = rows.dataset.filters ? `${rows.dataset.filters}&` : "";
  try {
    const answer = await fetch(`${rows.dataset.rows}?${filters}since=${last}&below=${until + 1}`);
    if (!answer.ok) return;
    rows.insertAdjacentHTML("afterbegin", await answer.text());
    rows.dataset.last = until;
    $("#pill").hidden = true;
    for (const gone of ["#empty", "#none"]) if (rows.children.length) $(gone)?.remove();
    flag(rows);
    trim(rows);
  } catch (error) {
    connected(false);
  } finally {
    busy = false;
  }
  if (state.last > until) setTimeout(update, 100);
}

function pill(missing) {
  const button = $("#pill");
  button.textContent = `${missing.toLocaleString("en")} new requests arrived: show the newest`;
  button.hidden = false;
}

async function reload() {
  if (busy) return;
  busy = true;
  try {
    await htmx.ajax("GET", location.href, { target: "#list", select: "#list", swap: "outerHTML" });
  } finally {
    busy = false;
  }
  scrollTo(0, 0);
}

// Those that arrived since the inbox was last looked at.
const seen = Number(remembered("twin-seen") || 0);
function flag(rows) {
  for (const row of $$(".row", rows)) {
    if (seen && Number(row.dataset.id) > seen) row.classList.add("unread");
  }
}
function markSeen() {
  const rows = $("#rows");
  if (rows) remember("twin-seen", rows.dataset.last);
}

function trim(rows) {
  const every = $$(".row", rows);
  if (every.length <= MOST_ROWS || scrollY > 200) return;
  every.slice(MOST_ROWS).forEach((row) => row.remove());
  $(".older", rows)?.remove();
  const below = every[MOST_ROWS - 1].dataset.id;
  const filters = rows.dataset.filters ? `${rows.dataset.filters}&` : "";
  const older = document.createElement("li");
  older.className = "older";
  older.setAttribute("hx-get", `${rows.dataset.rows}?${filters}below=${below}`);
  older.setAttribute("hx-trigger", "revealed, click");
  older.setAttribute("hx-swap", "outerHTML");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet";
  button.textContent = "Older requests";
  older.append(button);
  rows.append(older);
  htmx.process(older);
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) return markSeen();
  unseen = 0;
  document.title = plainTitle;
  update();
});
addEventListener("pagehide", () => {
  markSeen();
  worker?.port.postMessage("leaves");
});
addEventListener("pageshow", (event) => { if (event.persisted) connect(); });

// ── keys ───────────────────────────────────────────────────────────────

function step(by) {
  const about = $("#request");
  if (about) {
    const url = by > 0 ? about.dataset.older : about.dataset.newer;
    if (url) location.href = url;
    return;
  }
  const rows = $$(".row > a");
  const now = rows.indexOf(document.activeElement);
  const next = rows[Math.min(Math.max(now + by, 0), rows.length - 1)];
  if (!next) return;
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, dialog")) {
    if (event.key === "Escape" && event.target.closest("#filters")) event.target.blur();
    return;
  }
  const keys = {
    j: () => step(1),
    k: () => step(-1),
    "/": () => $("#filters input, #filters select")?.focus(),
    "?": () => $("#shortcuts").showModal(),
    u: () => { location.href = `${control}/`; },
  };
  if (keys[event.key]) {
    event.preventDefault();
    keys[event.key]();
  }
});

// ── requests to the control plane ──────────────────────────────────────

// A value as its JSON type; undefined where the field is left empty.
function valueOf(input) {
  const text = input.value;
  if (text === "") return undefined;
  switch (input.dataset.kind) {
    case "number": return Number.isNaN(Number(text)) ? text : Number(text);
    case "lines": return text.split("\n").map((line) => line.trim()).filter(Boolean);
    case "json": try { return JSON.parse(text); } catch (error) { return text; }
    default: return text;
  }
}

function put(object, path, value) {
  const names = path.split(".");
  const last = names.pop();
  for (const name of names) object = object[name] ??= {};
  object[last] = value;
}

function bodyOf(form) {
  const body = JSON.parse(form.dataset.with || "{}");
  for (const input of $$("[name]", form)) {
    if (input.dataset.in === "url") continue;
    const none = $(`[data-null="${CSS.escape(input.name)}"]`, form);
    const value = none?.checked ? null : valueOf(input);
    if (value !== undefined) put(body, input.name, value);
  }
  return body;
}

function filled(template, form) {
  return template.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent($(`[name="${name}"]`, form).value));
}

async function ask(method, url, body) {
  const options = { method };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers = { "Content-Type": "application/json" };
  }
  const answer = await fetch(url, options);
  if (answer.ok) return null;
  try { return await answer.json(); } catch (error) {
    return { where: "twin", got: String(answer.status), expected: "an answer in JSON" };
  }
}

function showProblem(problem, near) {
  for (const old of $$("[aria-invalid]", near)) old.removeAttribute("aria-invalid");
  const place = $("output.problem, p.problem", near) || near.parentElement.closest("section, li, details, div")?.querySelector("output.problem");
  if (!place) return problem && announce(`${problem.where}: ${problem.expected}`);
  place.hidden = !problem;
  place.textContent = problem ? `${problem.where}: got ${problem.got}; expected ${problem.expected}.` : "";
  if (!problem) return;
  const input = $$("[name]", near).find((one) => one.name === problem.where || problem.where.endsWith(`.${one.name}`));
  if (input) {
    input.setAttribute("aria-invalid", "true");
    input.closest(".field")?.append(place);
    input.focus();
  }
}

async function act(near, method, url, body, next) {
  let problem;
  try { problem = await ask(method, url, body); } catch (error) {
    problem = { where: "twin", got: "no answer", expected: "a twin that runs; is it still there?" };
  }
  showProblem(problem, near);
  if (problem) return false;
  if (next) location.href = next;
  else htmx.trigger(document.body, "changed");
  announce("Done.");
  return true;
}

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form.api");
  if (!form) return;
  event.preventDefault();
  const next = form.dataset.next && filled(form.dataset.next, form);
  const body = form.dataset.method === "DELETE" ? undefined : bodyOf(form);
  act(form, form.dataset.method, filled(form.dataset.url, form), body, next);
});

let listening = null;  // The call that was answered here, so that its message is heard here.

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.id === "theme") return nextTheme();
  if (button.id === "help") return $("#shortcuts").showModal();
  if (button.id === "pill") return reload();
  if (button.id === "send") return send();
  if (button.classList.contains("more-filters")) {
    return button.setAttribute("aria-expanded", String(button.form.classList.toggle("open")));
  }
  if (button.classList.contains("copy-button")) return copy(button);
  if (button.classList.contains("add")) { addItem(button.closest("fieldset")); return edited(button.form); }
  if (button.classList.contains("remove")) {
    const form = button.form;
    button.closest(".item").remove();
    return edited(form);
  }
  if (!button.dataset.url) return;
  if (button.dataset.confirm && !confirm(button.dataset.confirm)) return;
  const body = button.dataset.body ? JSON.parse(button.dataset.body) : undefined;
  if (button.dataset.listen) listening = button.closest(".call").dataset.call;
  await act(button.closest("li, section, form") || button, button.dataset.method, button.dataset.url, body, button.dataset.next);
});

function nextTheme() {
  const themes = ["", "light", "dark"];
  const now = document.documentElement.dataset.theme || "";
  const next = themes[(themes.indexOf(now) + 1) % themes.length];
  document.documentElement.dataset.theme = next;
  remember("twin-theme", next);
  announce(next ? `Theme: ${next}` : "Theme: as the system has it");
}

async function copy(button) {
  const text = button.parentElement.querySelector("code").textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch (error) {
    getSelection().selectAllChildren(button.parentElement.querySelector("code"));
    button.textContent = "Press Ctrl+C";
  }
  setTimeout(() => { button.textContent = "Copy"; }, 2000);
}

function addCopyButtons(from) {
  for (const block of $$("pre.copy", from)) {
    if ($(".copy-button", block)) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy-button quiet";
    button.textContent = "Copy";
    block.append(button);
  }
}

// The message is heard while a call that was answered here talks.
function listen() {
  const voice = $("#voice");
  if (!voice || !listening) return;
  const call = $(`[data-call="${CSS.escape(listening)}"]`);
  if (call?.dataset.outcome === "answered") {
    if (voice.paused && !voice.ended) {
      voice.currentTime = Math.max(0, (Date.parse(call.dataset.now) - Date.parse(call.dataset.answered)) / 1000);
      voice.play().catch(() => {});
    }
  } else if (call && call.dataset.outcome !== "ringing") {
    voice.pause();
    listening = null;
  }
}

// As text: it is somebody's input.
async function fetchText(details) {
  const place = $("code", $("pre", details));
  if (!details.open || place.textContent) return;
  const answer = await fetch(details.dataset.fetch, { headers: { Accept: "application/json" } });
  place.textContent = JSON.stringify(await answer.json(), null, 2);
}

async function noVoice() {
  const place = $("#voice-problem");
  const answer = await fetch($("#voice").src);
  if (answer.ok) return;
  const problem = await answer.json();
  place.hidden = false;
  place.textContent = `It cannot be heard: ${problem.got}; expected ${problem.expected}.`;
}

// ── the form to try ────────────────────────────────────────────────────

let writing = false;  // The form is being filled from the JSON.

function parsed() {
  try {
    const value = JSON.parse($("#body").value);
    return value && typeof value === "object" && !Array.isArray(value) ? value : null;
  } catch (error) { return null; }
}

function addItem(groups) {
  const made = $("template", groups).content.cloneNode(true);
  const item = made.firstElementChild;
  const number = $$(".item", groups).length;
  for (const one of $$("[id]", item)) one.id = `${one.id}-${number}`;
  for (const one of $$("label[for]", item)) one.htmlFor = `${one.htmlFor}-${number}`;
  $(".items", groups).append(made);
  return $(".items", groups).lastElementChild;
}

function setInput(input, value) {
  if (value === undefined || value === null && input.dataset.kind !== "json") input.value = "";
  else if (input.dataset.kind === "json") input.value = JSON.stringify(value);
  else if (input.dataset.kind === "lines" && Array.isArray(value)) input.value = value.join("\n");
  else input.value = typeof value === "object" ? JSON.stringify(value) : String(value);
}

const at = (object, path) => path.split(".").reduce((value, name) => value?.[name], object);

// From the JSON to the form; what fits no field stays in the JSON alone.
function fillForm() {
  const form = $("#try-form"), value = parsed();
  if (!form || !value) return;
  writing = true;
  for (const input of $$("[name]", form)) {
    if (!input.closest(".item")) setInput(input, at(value, input.name));
  }
  for (const groups of $$("fieldset.groups", form)) {
    const items = at(value, groups.dataset.groups);
    const there = $$(".item", groups);
    const list = Array.isArray(items) ? items.slice(0, 50) : [];
    there.slice(list.length).forEach((item) => item.remove());
    list.forEach((one, number) => {
      const item = there[number] || addItem(groups);
      for (const input of $$("[name]", item)) setInput(input, one && typeof one === "object" ? at(one, input.name) : undefined);
    });
  }
  writing = false;
}

// From the form to the JSON: only what the form has is changed there.
function edited(form) {
  if (!form || form.id !== "try-form" || writing) return;
  const value = parsed() || {};
  for (const input of $$("[name]", form)) {
    if (input.closest(".item")) continue;
    const given = valueOf(input);
    if (given === undefined) drop(value, input.name);
    else put(value, input.name, given);
  }
  for (const groups of $$("fieldset.groups", form)) {
    const before = at(value, groups.dataset.groups);
    const list = $$(".item", groups).map((item, number) => {
      const one = { ...(before?.[number] ?? {}) };
      for (const input of $$("[name]", item)) {
        const given = valueOf(input);
        if (given === undefined) drop(one, input.name);
        else put(one, input.name, given);
      }
      return one;
    });
    const rest = Array.isArray(before) && before.length > 50 ? before.slice(50) : [];
    if (list.length || rest.length) put(value, groups.dataset.groups, [...list, ...rest]);
    else drop(value, groups.dataset.groups);
  }
  $("#body").value = JSON.stringify(value, null, 2);
  htmx.trigger($("#editor"), "edited");
}

function drop(object, path) {
  const names = path.split(".");
  const last = names.pop();
  const parent = names.length ? at(object, names.join(".")) : object;
  // What the form cannot show, such as null, is not lost by an edit of something else.
  if (parent && typeof parent === "object" && parent[last] !== null) delete parent[last];
}

function pickExample(select) {
  if (!select.value) return;
  $("#body").value = select.value;
  select.value = "";
  fillForm();
  htmx.trigger($("#editor"), "edited");
}

function pickMagic(select) {
  const option = select.selectedOptions[0], data = $("#editor").dataset;
  if (!select.value) return;
  if (option.dataset.where === data.keyHeader) $("#key").value = select.value;
  else if (option.dataset.where === data.loginHeader) $("#login").value = `try-it${select.value}`;
  else {
    const value = parsed() || {};
    value.recipients = [{ phone_number: select.value }];
    $("#body").value = JSON.stringify(value, null, 2);
    fillForm();
  }
  select.value = "";
  htmx.trigger($("#editor"), "edited");
}

async function send() {
  const data = $("#editor").dataset, problem = $("#try-problem"), place = $("#sent");
  problem.hidden = true;
  place.replaceChildren();
  try {
    const answer = await fetch(data.send, {
      method: data.sendMethod,
      body: $("#body").value,
      headers: {
        [data.loginHeader]: $("#login").value,
        [data.keyHeader]: $("#key").value,
        "Content-Type": $("[name=content_type]").value,
      },
    });
    const text = await answer.text();
    const line = document.createElement("p");
    const status = document.createElement("b");
    status.textContent = `${answer.status} ${answer.statusText}`;
    line.append(status, " ");
    const path = answer.headers.get("Twin-Request");
    if (path) {
      const link = document.createElement("a");
      link.href = data.requests + path.split("/").pop();
      link.textContent = `Open request ${path.split("/").pop()}`;
      line.append(link);
    }
    const body = document.createElement("pre");
    body.tabIndex = 0;  // It may be scrolled.
    body.textContent = text;
    place.append(line, body);
  } catch (error) {
    problem.hidden = false;
    problem.textContent = "The connection ended without an answer, as an injected fault or a magic value asks for, or the twin has stopped. The inbox shows what arrived.";
  }
}

// ── on each page, and on each part that htmx brings ────────────────────

document.addEventListener("input", (event) => {
  if (event.target.id === "body") fillForm();
  else edited(event.target.form);
});
document.addEventListener("change", (event) => {
  const select = event.target;
  if (select.id === "example") pickExample(select);
  if (select.id === "magic") pickMagic(select);
  if (select.dataset.shows) {
    for (const form of $$(`.${select.dataset.shows}`)) form.hidden = form.dataset.value !== select.value;
  }
});
// A shared address has no empty filters.
document.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.elt.id !== "filters") return;
  for (const [name, value] of Object.entries(event.detail.parameters)) {
    if (value === "") delete event.detail.parameters[name];
  }
});
// An answer that is no success is shown where it was asked for.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.xhr.status === 400) event.detail.shouldSwap = true;
});
// What was open stays open in the part that takes its place.
let open = [];
document.addEventListener("htmx:beforeSwap", (event) => {
  open = $$("details[id][open]", event.detail.target).map((one) => one.id);
});
document.addEventListener("htmx:afterSwap", () => {
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
});
document.addEventListener("htmx:sendError", (event) => {
  connected(false);
  unread(event.detail.target, "The twin does not answer. Is it still there?");
});
document.addEventListener("htmx:responseError", (event) => {
  if (event.detail.xhr.status !== 400) unread(event.detail.target, `The twin answered ${event.detail.xhr.status}: this is too large to be read while it is typed, or the twin failed.`);
});

// A preview of what was typed before would mislead.
function unread(target, why) {
  if (target.id !== "preview") return;
  const line = document.createElement("p");
  line.className = "problem";
  line.textContent = why;
  target.replaceChildren(line);
}
document.addEventListener("htmx:afterSettle", (event) => {
  addCopyButtons(event.target);
  if ($("#rows")) flag($("#rows"));
  listen();
});
$("#voice")?.addEventListener("error", noVoice);
for (const details of $$("details[data-fetch]")) details.addEventListener("toggle", () => fetchText(details));
addCopyButtons(document);
if ($("#rows")) flag($("#rows"));
fillForm();
connect();
