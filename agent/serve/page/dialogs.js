// The dialogs: a token, a new note, a deletion, the keys.

import { $, button, h } from "./dom.js";

const dialog = $("#dialog");
let canClose = true;

// The browser closes a dialog some time after Escape; keys that follow would still go into it.
dialog.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  event.preventDefault();
  if (canClose) dialog.close();
});
dialog.addEventListener("cancel", (event) => {
  if (!canClose) event.preventDefault();
});

export function open(title, ...content) {
  canClose = true;
  dialog.replaceChildren(
    h("div", { class: "bar" },
      h("h2", { id: "dialog-title" }, title),
      button("Close", () => dialog.close(), { class: "close" })),
    ...content);
  if (!dialog.open) dialog.showModal();
  return dialog;
}

export function askToken(isWrong) {
  return new Promise((resolve) => {
    const input = h("input", {
      type: "password", id: "token", required: true, autocomplete: "off", autofocus: true,
    });
    const form = h("form", {
      onsubmit: (event) => {
        event.preventDefault();
        dialog.close();
        resolve(input.value.trim());
      },
    },
    h("p", {}, isWrong ? "The token is not right." : "This server asks for a token."),
    h("label", { for: "token" }, "ICD_AGENT_TOKEN of the server"), input,
    h("button", { type: "submit" }, "Use it"));
    open("Token", form);
    canClose = false; // what was asked for waits
    $(".close", dialog).remove();
  });
}

function field(name, label, input) {
  input.id = `new-${name}`;
  return h("div", { class: "field" }, h("label", { for: input.id }, label), input);
}

function choice(...options) {
  return h("select", {}, options.map(([value, text]) => h("option", { value }, text)));
}

// add: called with the notes, each as POST /v1/threads takes it.
export function newNote(add) {
  const text = h("textarea", { rows: 12, autofocus: true, maxlength: 500000 });
  const id = h("input", { maxlength: 200, autocomplete: "off" });
  const setting = choice(["inpatient", "Inpatient"], ["outpatient", "Outpatient"]);
  const sex = choice(["", "not known"], ["F", "F"], ["M", "M"]);
  const age = h("input", { type: "number", min: 0, max: 130, step: "any" });
  const date = h("input", { type: "date" });
  const files = h("input", {
    type: "file", multiple: true, accept: ".txt,.jsonl,text/plain" });
  const problem = h("p", { role: "alert", class: "mistake" });
  const encounter = () => ({
    setting: setting.value,
    sex: sex.value || null,
    age: age.value === "" ? null : Number(age.value),
    date: date.value || null,
  });
  const submit = async (event) => {
    event.preventDefault();
    try {
      const notes = (await Promise.all([...files.files].map(read))).flat();
      if (text.value.trim()) notes.unshift({ text: text.value, ...(id.value && { id: id.value }) });
      if (!notes.length) throw new Error("Paste a note, or choose files.");
      await add(notes.map((note) => ({ ...encounter(), ...note })));
      dialog.close();
    } catch (error) {
      problem.textContent = error.message;
    }
  };
  open("New note", h("form", { onsubmit: submit, class: "new" },
    field("text", "Note", text),
    h("div", { class: "fields" },
      field("id", "Name", id), field("setting", "Setting", setting), field("sex", "Sex", sex),
      field("age", "Age in years", age), field("date", "Date", date)),
    field("files", "Or files: .txt, or .jsonl with {“id”, “text”} a line", files),
    problem,
    h("button", { type: "submit", class: "main" }, "Code")));
}

async function read(file) {
  const text = await file.text();
  if (!file.name.endsWith(".jsonl")) return [{ id: file.name.replace(/\.txt$/, ""), text }];
  return text.split("\n").filter((line) => line.trim()).map((line, number) => {
    let row;
    try {
      row = JSON.parse(line);
    } catch {
      throw new Error(`${file.name}, line ${number + 1} is not JSON.`);
    }
    const known = ["id", "text", "setting", "sex", "age", "date"];
    return Object.fromEntries(known.filter((key) => row[key] != null).map((k) => [k, row[k]]));
  });
}

export function askToForget(name, forget) {
  open("Forget this note?",
    h("p", {}, `${name}: the note, its codes and what was said are deleted. Lines of the decision `
      + "log stay; they hold no words of the note."),
    h("div", { class: "actions" },
      button("Forget", () => { dialog.close(); forget(); }, { class: "no" }),
      button("Keep", () => dialog.close(), { autofocus: true })));
}

export function showKeys(keys, areOn, turn) {
  const box = h("input", {
    type: "checkbox", id: "keys-on", checked: areOn, onchange: () => turn(box.checked) });
  open("Keys",
    h("table", {}, h("tbody", {}, keys.map(([key, does]) => h("tr", {},
      h("th", { scope: "row" }, h("kbd", {}, key)), h("td", {}, does))))),
    h("p", {}, box, " ", h("label", { for: "keys-on" }, "Single keys act outside of fields")));
}
