// The page: one thread at a time, the queue of all, and what keeps both as the server has them.

import { blob, events, get, post, remove } from "./api.js";
import { ChatPane } from "./chat.js";
import { CodesPane } from "./codes.js";
import { askToForget, newNote, showKeys } from "./dialogs.js";
import { $, button, h, tell } from "./dom.js";
import * as keys from "./keys.js";
import { NotePane } from "./note.js";
import { pickCode } from "./picker.js";

let queue = [];
let state = null; // of the thread that is shown
let selected = null; // code
let place = 0; // of the selected code on the list; where it goes, the next one is selected
let marked = null; // { span, words } of the note
let cited = 0; // evidence of the selected code that was shown last

const note = new NotePane({ point, choose: chooseFromNote, mark });
const codes = new CodesPane({
  point: (code) => point(code && [code]), select, decide, replace, ask, cite,
  add: (code, span) => decide({ action: "add", code, ...(span && { span }) }),
});
const chat = new ChatPane({ ask, answer, cite, browse });

const path = (rest = "") => `/v1/threads/${encodeURIComponent(state.thread)}${rest}`;
const listed = () => state?.coded?.codes ?? [];
const find = (code) => listed().find((item) => item.code === code);

// ---- what is shown

function draw() {
  const { coded } = state;
  if (!find(selected)) selected = (listed()[place] ?? listed().at(-1))?.code ?? null;
  place = Math.max(listed().findIndex((code) => code.code === selected), 0);
  document.title = `${state.note_id} – icd-agent`;
  $("#note-title").textContent = state.note_id;
  $("#encounter").textContent = encounter(state.context);
  note.draw(state.note, listed());
  drawProgress();
  for (const id of ["codes", "beside", "log", "question", "suggested"]) $(`#${id}`).hidden = !coded;
  $("#undo").disabled = !coded?.undoable;
  $("#forget").disabled = false;
  $("#add-code").disabled = !coded;
  $("#accept-all").disabled = !listed().some((code) => code.status === "proposed");
  if (coded) {
    codes.draw(coded, note, selected);
    chat.draw(state.thread, coded);
    chat.suggest(selected);
    $("#codes-title").textContent = `${coded.codes.length} codes`;
  } else {
    $("#codes-title").textContent = "Codes";
  }
  note.light(selected ? [selected] : []);
}

function encounter({ setting, sex, age, date }) {
  return [setting, sex, age === null ? null : `${age} years`, date].filter(Boolean).join(", ");
}

function drawProgress() {
  const box = $("#progress");
  const { status, stages, error } = state;
  if (status === "coded") box.replaceChildren();
  else if (status === "failed") {
    box.replaceChildren(h("p", { class: "mistake" }, error ?? "The note was not coded."),
      button("Code it again", () => attempt(async () => {
        await show(await post(path("/coding")));
      })));
  } else {
    box.replaceChildren(
      h("p", {}, status === "waiting" ? "Waiting for its turn" : "Coding"),
      h("ol", { class: "stages" }, stages.map((stage) => h("li", {}, stage))),
      h("progress", { "aria-label": "Coding" }));
  }
}

function drawQueue() {
  const list = $("#queue ol");
  list.replaceChildren(...queue.map((line) => h("li", {}, button(
    h("span", {}, h("span", { class: "id" }, line.note_id), " ",
      h("span", { class: `state ${line.status}` }, told(line))),
    () => attempt(() => go(line.thread)),
    { "aria-current": line.thread === state?.thread && "true" }))));
  list.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function told(line) {
  if (line.status !== "coded") return line.status;
  const count = `${line.accepted}/${line.codes} accepted`;
  return line.asks ? `${count}, asks` : count;
}

// ---- pointing

function point(some) {
  const lit = some ?? (selected ? [selected] : []);
  note.light(lit);
  codes.light(some ?? []);
}

function select(code) {
  if (!code || code === selected) return;
  selected = code;
  place = listed().findIndex((item) => item.code === code);
  cited = 0;
  codes.select(code);
  chat.suggest(code);
  note.light([code]);
}

function chooseFromNote(code) {
  pane("codes");
  select(code);
  codes.focus(code);
}

function cite(spans) {
  pane("note");
  note.cite(spans);
}

function showEvidence() {
  const spans = find(selected)?.evidence ?? [];
  if (!spans.length) return;
  cite([spans[cited % spans.length]]);
  cited += 1;
}

function mark(span, words) {
  marked = span && { span, words };
  $("#marked").hidden = !span || !state?.coded;
  const short = words.length > 40 ? `${words.slice(0, 40)}…` : words;
  $("#add-marked").textContent = `Add a code for “${short}”`;
}

function step(by) {
  const next = listed()[Math.min(Math.max(place + by, 0), listed().length - 1)];
  if (!next) return;
  select(next.code);
  codes.focus(next.code);
}

function pane(name) {
  document.body.dataset.pane = name;
  for (const one of document.querySelectorAll("#panes button")) {
    if (one.dataset.pane === name) one.setAttribute("aria-current", "true");
    else one.removeAttribute("aria-current");
  }
}

// ---- what the coder does

async function attempt(what) {
  try {
    await what();
  } catch (error) {
    tell(error.message, true);
  }
}

function taken(turn) {
  tell(textOf(turn), turn.kind === "error");
  if (turn.state.thread === state.thread) {
    state = turn.state;
    draw();
  }
}

function decide(decision) {
  return attempt(async () => taken(await post(path("/decisions"), decision)));
}

function answer({ code, axis }, { value }) {
  return attempt(async () => taken(await post(path("/answers"), { code, axis, value })));
}

function ask(line) {
  return attempt(async () => {
    pane("chat");
    const add = chat.begin(line);
    for await (const [name, data] of events("POST", path("/say"), { say: line })) {
      if (name === "statement") add(data);
      else if (name === "error") chat.mistake(data.error.message);
      else answered(data, add);
    }
  });
}

function answered(turn, add) {
  if (turn.kind === "error") chat.mistake(textOf(turn));
  else if (turn.kind !== "answer") turn.statements.forEach(add);
  if (turn.state.thread !== state.thread) return;
  state = turn.state;
  draw();
}

const textOf = (turn) => turn.statements.map((statement) => statement.text).join(" ");

function replace(code) {
  pickCode(`Replace ${code}`, (chosen) => (
    decide({ action: "replace", code, other: chosen.code })), { at: code });
}

function addCode() {
  const { span, words } = marked ?? { span: null, words: "" };
  pickCode("Add a code", (chosen) => (
    decide({ action: "add", code: chosen.code, ...(span ? { span } : { text: chosen.words }) })), {
    query: words.slice(0, 200), span, words });
}

function browse(code) {
  pickCode(`Codes at ${code}`, (chosen) => decide({ action: "add", code: chosen.code }), {
    at: code });
}

function rejectBecause() {
  if (!selected) return;
  pane("chat");
  $("#line").value = `/reject ${selected} `;
  $("#line").focus();
}

function undo() {
  return decide({ action: "undo" });
}

async function save(form) {
  const url = URL.createObjectURL(await blob(path(`/export/${form}`)));
  const ending = form === "fhir" ? "fhir.json" : form;
  h("a", { href: url, download: `${state.note_id}.${ending}` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
  $("#export").open = false;
}

// ---- threads

async function show(next) {
  state = next;
  history.replaceState(null, "", `#${encodeURIComponent(next.thread)}`);
  draw();
  await refresh();
}

async function go(thread) {
  selected = null;
  place = 0;
  await show(await get(`/v1/threads/${encodeURIComponent(thread)}`));
}

async function refresh() {
  queue = (await get("/v1/threads")).threads;
  drawQueue();
}

let due = 0;

// Many notes of a queue change within a second; the list is asked for a few times.
function refreshSoon() {
  due ||= setTimeout(() => {
    due = 0;
    attempt(refresh);
  }, 300);
}

async function add(notes) {
  const opened = [];
  for (const one of notes) opened.push(await post("/v1/threads", one));
  selected = null;
  place = 0;
  pane("note");
  await show(opened[0]);
}

function forget() {
  return attempt(async () => {
    await remove(path());
    await refresh();
    await start();
  });
}

function beside(by) {
  const at = queue.findIndex((line) => line.thread === state?.thread);
  const next = queue[at + by];
  if (next) attempt(() => go(next.thread));
}

// Shows the thread that the address names, else the first of the queue, else asks for a note.
async function start() {
  const named = decodeURIComponent(location.hash.slice(1));
  const line = queue.find((one) => one.thread === named)
    ?? queue.find((one) => one.status !== "failed"); // such as one of another release
  if (line) {
    await go(line.thread);
    return;
  }
  state = null;
  history.replaceState(null, "", "/");
  for (const id of ["note", "codes", "beside", "log", "question", "suggested", "progress"]) {
    $(`#${id}`).replaceChildren();
  }
  $("#note-title").textContent = "Note";
  $("#encounter").textContent = "";
  $("#forget").disabled = true;
  newNote(add);
}

// Another tab, the terminal or the coding of a note changes a thread: this tab shows it.
async function follow() {
  for (;;) {
    try {
      for await (const [name, event] of events("GET", "/v1/events")) {
        await (name === "listening" ? caughtUp() : heard(event));
      }
    } catch (error) {
      tell(error.message, true);
    }
    await new Promise((resolve) => { setTimeout(resolve, 2000); });
  }
}

async function heard(event) {
  const isShown = event.thread === state?.thread;
  if (event.event === "stage") {
    if (isShown && state.status !== "coded") {
      state.status = "coding";
      state.stages.push(event.stage);
      drawProgress();
    }
    return;
  }
  if (isShown && event.event === "changed" && event.version !== state.version) {
    const next = await get(path());
    if (next.thread === state.thread) {
      state = next;
      draw();
    }
  }
  if (isShown && event.event === "forgotten") {
    await refresh();
    await start();
  } else {
    refreshSoon();
  }
}

async function caughtUp() {
  await refresh();
  if (state) {
    state = await get(path());
    draw();
  }
}

// ---- beginning

function act(action) {
  return () => { if (find(selected)) decide({ action, code: selected }); };
}

function moveBy(by) {
  return () => {
    const number = place + 1 + by;
    if (number >= 1 && number <= listed().length) {
      decide({ action: "move", code: selected, number });
    }
  };
}

function answerWith(key) {
  const question = state?.coded?.question;
  const option = question?.options[Number(key) - 1];
  if (option) answer(question, option);
}

const showHelp = () => showKeys(keys.KEYS, keys.areOn(), keys.turn);
const acceptAll = () => decide({ action: "accept", code: "all" });

keys.listen({
  j: () => step(1), ArrowDown: () => step(1), k: () => step(-1), ArrowUp: () => step(-1),
  a: act("accept"), A: () => listed().length && acceptAll(), x: act("reject"), X: rejectBecause,
  r: () => selected && replace(selected), p: act("principal"), J: moveBy(1), K: moveBy(-1),
  e: showEvidence, n: () => state?.coded && addCode(),
  w: () => selected && ask(`why ${selected}?`),
  s: () => selected && ask(`is there a more specific code for ${selected}?`),
  u: () => state?.coded?.undoable && undo(),
  "/": () => { pane("chat"); $("#line").focus(); },
  "[": () => beside(-1), "]": () => beside(1), N: () => newNote(add), "?": showHelp,
  ...Object.fromEntries([..."123456789"].map((digit) => [digit, answerWith])),
});

$("#new-note").addEventListener("click", () => newNote(add));
$("#undo").addEventListener("click", undo);
$("#forget").addEventListener("click", () => askToForget(state.note_id, forget));
$("#help").addEventListener("click", showHelp);
$("#add-code").addEventListener("click", addCode);
$("#add-marked").addEventListener("click", addCode);
$("#accept-all").addEventListener("click", acceptAll);
$("#print").addEventListener("click", () => { $("#export").open = false; window.print(); });
$("#panes").addEventListener("click", (event) => {
  if (event.target.dataset.pane) pane(event.target.dataset.pane);
});
for (const one of document.querySelectorAll("#export [data-form]")) {
  one.addEventListener("click", () => attempt(() => save(one.dataset.form)));
}

attempt(async () => {
  const about = await get("/v1/version");
  $("#about").textContent = `${about.code_system} ${about.release}, policy ${about.policy}, `
    + `LLM ${about.llm}`;
  await refresh();
  await attempt(start);
  follow();
});
