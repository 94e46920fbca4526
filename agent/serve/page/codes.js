// The coder's list: each code with evidence, confidence, role, findings and PLM-ICD's opinion.

import { $, button, h } from "./dom.js";

const PLM = {
  agrees: "PLM-ICD agrees",
  disagrees: "PLM-ICD disagrees",
  outside: "not in PLM-ICD's codes",
  "not asked": null,
};

export class CodesPane {
  // on: { point(code | null), select(code), decide(decision), replace(code), add(code),
  //       ask(line), cite(spans) }
  constructor(on) {
    this.on = on;
    this.list = $("#codes");
    this.list.addEventListener("pointerover", (event) => on.point(codeOf(event.target)));
    this.list.addEventListener("pointerleave", () => on.point(null));
    // A press of the pointer must not move what it presses: it selects when it ends, by its click.
    this.list.addEventListener("focusin", ({ target }) => {
      if (target.matches(":focus-visible")) on.select(codeOf(target));
    });
    this.list.addEventListener("click", (event) => on.select(codeOf(event.target)));
  }

  draw(coded, note, selected) {
    const focus = this.focused();
    this.list.replaceChildren(...coded.codes.map((code, place) => (
      this.row(code, place, coded, note, code.code === selected))));
    $("#beside").replaceChildren(
      this.findings(coded), this.alone(coded, note), this.left(coded));
    if (focus) this.focus(selected, focus.action);
  }

  // What had the focus before the list was drawn anew.
  focused() {
    const row = document.activeElement?.closest("#codes > li");
    return row && { action: document.activeElement.dataset.do };
  }

  focus(code, action = undefined) {
    const row = this.rowOf(code) ?? this.list.firstElementChild;
    const target = (action && row?.querySelector(`[data-do="${action}"]:not(:disabled)`)) || row;
    target?.focus({ preventScroll: false });
  }

  rowOf(code) {
    return [...this.list.children].find((row) => row.dataset.code === code);
  }

  select(code) {
    for (const row of this.list.children) {
      const isIt = row.dataset.code === code;
      if (isIt) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
      row.tabIndex = isIt ? 0 : -1;
    }
  }

  light(codes) {
    for (const row of this.list.children) {
      row.classList.toggle("lit", codes.includes(row.dataset.code));
    }
  }

  row(code, place, coded, note, isSelected) {
    const findings = code.findings.map((number) => coded.findings[number - 1]);
    const worst = ["error", "warning", "info"].find((s) => findings.some((f) => f.severity === s));
    const isAccepted = code.status === "accepted";
    const decide = (action, more = {}) => () => (
      this.on.decide({ action, code: code.code, ...more }));
    const plm = PLM[code.plm_icd.verdict];
    const odds = code.plm_icd.probability;
    const opinion = plm && (odds === null ? plm : `${plm} ${odds.toFixed(2)}`);
    const said = [
      code.code, code.description, code.role, code.status,
      code.confidence === null ? null : `confidence ${code.confidence.toFixed(2)}`, opinion,
      worst && `${findings.length} findings`,
    ].filter(Boolean).join(", ");
    const count = coded.codes.length;
    return h("li", {
      class: `code ${code.status}`, "data-code": code.code, tabindex: isSelected ? 0 : -1,
      "aria-current": isSelected && "true", "aria-label": said,
    },
    h("div", { class: "line" },
      h("span", { class: "name" }, code.code),
      h("span", { class: "title" }, code.description),
      h("span", { class: "quick" },
        button("✓", decide("accept"), {
          "aria-label": `Accept ${code.code}`, title: "Accept (a)", disabled: isAccepted,
          "data-do": "accept", class: "yes",
        }),
        button("✕", decide("reject"), {
          "aria-label": `Reject ${code.code}`, title: "Reject (x)", "data-do": "reject",
          class: "no",
        }))),
    h("div", { class: "badges" },
      h("span", { class: `badge ${code.role}` }, code.role),
      isAccepted && h("span", { class: "badge accepted" }, "accepted"),
      code.origin !== "agent" && h("span", { class: "badge" }, `by ${code.origin}`),
      code.confidence !== null && h("span", { class: "badge confidence" },
        h("meter", {
          min: 0, max: 1, value: code.confidence, "aria-label": "confidence",
        }), code.confidence.toFixed(2)),
      opinion && h("span", { class: `badge plm ${code.plm_icd.verdict}` }, opinion),
      worst && h("span", { class: `badge ${worst}` },
        `${findings.length} ${worst}${findings.length > 1 && worst !== "info" ? "s" : ""}`)),
    h("div", { class: "details" },
      h("p", {}, code.reason),
      h("div", { class: "chips" }, code.evidence.map((span) => (
        button(`“${note.words(span)}”`, () => this.on.cite([span]), {
          class: "chip", title: "Show in the note (e)" })))),
      findings.map((finding) => this.finding(finding, coded)),
      h("div", { class: "actions" },
        button("Replace", () => this.on.replace(code.code), { "data-do": "replace" }),
        button("Principal", decide("principal"), {
          "data-do": "principal", disabled: place === 0 }),
        button("↑", decide("move", { number: place }), {
          "data-do": "up", "aria-label": `Move ${code.code} up`, disabled: place === 0 }),
        button("↓", decide("move", { number: place + 2 }), {
          "data-do": "down", "aria-label": `Move ${code.code} down`,
          disabled: place === count - 1 }),
        button("Why?", () => this.on.ask(`why ${code.code}?`), {
          "data-do": "why", title: "Why? (w)" }))));
  }

  finding(finding, coded) {
    const number = coded.findings.indexOf(finding) + 1;
    const seen = coded.codes.map((code) => code.code);
    return h("div", { class: `finding ${finding.severity}` },
      h("p", {}, h("strong", {}, `${finding.severity}: `), finding.message),
      h("p", { class: "source" }, finding.citation),
      finding.mend && button(`Mend: ${finding.fix}`, () => (
        this.on.decide({ action: "mend", number, seen }))));
  }

  findings(coded) {
    const text = coded.findings.length
      ? `Rules: ${count(coded.findings, "error")}, ${count(coded.findings, "warning")}, ` +
        `${count(coded.findings, "info")}`
      : "Rules: nothing found";
    const errors = coded.findings.filter((finding) => finding.severity !== "info");
    return h("details", { class: "box", id: "findings", open: errors.length > 0 },
      h("summary", {}, text),
      coded.findings.map((finding) => this.finding(finding, coded)));
  }

  alone(coded, note) {
    if (!coded.plm_alone.length) return h("div");
    return h("details", { class: "box", id: "plm-alone" },
      h("summary", {}, `Assigned by PLM-ICD alone: ${coded.plm_alone.length}`),
      h("ul", {}, coded.plm_alone.map((only) => h("li", {},
        h("span", { class: "name" }, only.code), ` ${only.description} `,
        h("span", { class: "badge plm" }, only.probability.toFixed(2)),
        only.evidence.map((span) => (
          button(`“${note.words(span)}”`, () => this.on.cite([span]), { class: "chip" }))),
        button("Add", () => this.on.add(only.code, only.evidence[0]), {
          "aria-label": `Add ${only.code}` })))));
  }

  left(coded) {
    const gone = [
      ...coded.dropped.map((code) => ({ ...code, stage: "you" })), ...coded.rejected];
    if (!gone.length) return h("div");
    return h("details", { class: "box", id: "left" },
      h("summary", {}, `Not on the list: ${gone.length}`),
      h("ul", {}, gone.map((code) => h("li", {},
        h("span", { class: "name" }, code.code), ` ${code.reason} `,
        button("Why not?", () => this.on.ask(`why not ${code.code}?`), {
          "aria-label": `Why not ${code.code}?` })))));
  }
}

function count(findings, severity) {
  const found = findings.filter((finding) => finding.severity === severity).length;
  const plural = found === 1 || severity === "info" ? "" : "s";
  return `${found} ${severity}${plural}`;
}

function codeOf(target) {
  return target.closest?.("#codes > li")?.dataset.code ?? null;
}
