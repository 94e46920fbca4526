// The conversation: what was said with its citations, the open question as buttons, and a line.

import { $, button, h } from "./dom.js";

export class ChatPane {
  // on: { ask(line), answer(question, option), cite(spans), browse(code) }
  constructor(on) {
    this.on = on;
    this.log = $("#log");
    this.thread = null;
    $("#say").addEventListener("submit", (event) => {
      event.preventDefault();
      const line = $("#line").value.trim();
      if (!line) return;
      $("#line").value = "";
      on.ask(line);
    });
  }

  // Only what is new is added, so that a screen reader says only that.
  draw(thread, coded) {
    const known = this.log.querySelectorAll(":scope > :not(.mistake)").length;
    const isAnother = thread !== this.thread || known > coded.messages.length;
    if (isAnother) this.log.replaceChildren();
    else if (known < coded.messages.length) this.forgetMistake();
    this.thread = thread;
    for (const message of coded.messages.slice(this.log.childElementCount)) {
      this.add(message.by_coder, message.statements);
    }
    this.question(coded.question);
  }

  forgetMistake() {
    this.log.querySelectorAll(":scope > .mistake").forEach((entry) => entry.remove());
  }

  add(byCoder, statements) {
    const entry = h("div", { class: byCoder ? "coder" : "agent" });
    entry.append(...statements.map((statement) => this.statement(statement)));
    this.log.append(entry);
    this.log.scrollTop = byCoder ? this.log.scrollHeight : entry.offsetTop - this.log.offsetTop;
    return entry;
  }

  // Shows a line at once, and the statements of its answer as they come.
  begin(line) {
    this.forgetMistake();
    this.add(true, [{ text: line, citations: [] }]);
    const entry = this.add(false, []);
    return (statement) => {
      entry.append(this.statement(statement));
      this.log.scrollTop = entry.offsetTop - this.log.offsetTop - 24;
    };
  }

  // A mistake is no part of the thread; it stands until the next line.
  mistake(text) {
    const [line, entry] = [...this.log.children].slice(-2);
    line.classList.add("mistake");
    entry.classList.add("mistake");
    if (!entry.childElementCount) entry.append(h("p", {}, text));
  }

  statement({ text, citations }) {
    return h("p", {}, text, " ", citations.map((citation) => this.citation(citation)));
  }

  citation({ source, at }) {
    if (source === "note") {
      const span = at.split("-").map(Number);
      return button(`note ${at}`, () => this.on.cite([span]), { class: "cite" });
    }
    if (source === "guideline") {
      return button(`guideline ${at}`, () => this.on.ask(`guideline ${at}`), { class: "cite" });
    }
    if (source === "tabular") {
      return button(`tabular ${at}`, () => this.on.browse(at), { class: "cite" });
    }
    return h("span", { class: "cite" }, `${source} ${at}`);
  }

  question(question) {
    const box = $("#question");
    const hadFocus = box.contains(document.activeElement);
    box.replaceChildren(...(question ? this.asked(question) : []));
    if (hadFocus) (box.querySelector(".option") ?? this.log).focus();
  }

  asked(question) {
    const options = question.options.map((option, place) => h("li", {}, button(
      `${place + 1}  ${option.value}${option.code ? `  ${option.code}` : ""}`,
      () => this.on.answer(question, option),
      { title: option.title, class: "option" })));
    return [
      h("h3", {}, `Question about ${question.code}`),
      h("p", {}, question.text, " ",
        question.spans.map(([start, end]) => (
          this.citation({ source: "note", at: `${start}-${end}` }))),
        this.citation({ source: "guideline", at: question.citation })),
      h("ol", {}, options),
    ];
  }

  suggest(code) {
    const lines = code ? [
      [`Why ${code}?`, `why ${code}?`],
      ["More specific?", `is there a more specific code for ${code}?`],
      ["Guideline?", `what does the guideline say about ${code}?`],
    ] : [];
    $("#suggested").replaceChildren(...lines.map(([short, line]) => (
      button(short, () => this.on.ask(line), { class: "chip", title: line }))));
  }
}
