// The note: evidence is marked, pointing at it lights its codes, and words can be marked.

import { $, h } from "./dom.js";
import { Offsets } from "./offsets.js";

export class NotePane {
  // on: { point(codes | null), choose(code), mark(span | null, words) }
  constructor(on) {
    this.on = on;
    this.box = $("#note");
    this.drawn = null;
    this.box.addEventListener("pointerover", (event) => on.point(codesOf(event.target)));
    this.box.addEventListener("pointerleave", () => on.point(null));
    this.box.addEventListener("focusin", (event) => on.point(codesOf(event.target)));
    this.box.addEventListener("focusout", () => on.point(null));
    this.box.addEventListener("click", (event) => this.choose(event.target));
    this.box.addEventListener("keydown", (event) => this.key(event));
    document.addEventListener("selectionchange", () => this.marked());
  }

  // codes: the list, each with evidence; drawn anew only where text or evidence has changed.
  draw(text, codes) {
    const key = JSON.stringify([text, codes.map((code) => [code.code, code.evidence])]);
    if (key === this.drawn) return;
    const isSame = text === this.text;
    this.drawn = key;
    this.text = text;
    this.offsets = new Offsets(text);
    const top = isSame ? this.box.scrollTop : 0;
    this.box.replaceChildren(...this.pieces(codes));
    this.box.scrollTop = top;
  }

  *pieces(codes) {
    const spans = codes.flatMap(({ code, evidence }) => evidence.map(([start, end]) => (
      { code, start: this.offsets.toUnit(start), end: this.offsets.toUnit(end) })));
    const bounds = new Set([0, this.text.length, ...spans.flatMap((s) => [s.start, s.end])]);
    const cuts = [...bounds].sort((a, b) => a - b);
    let isFirst = true;
    for (let i = 0; i + 1 < cuts.length; i += 1) {
      const piece = this.text.slice(cuts[i], cuts[i + 1]);
      const over = spans.filter((s) => s.start <= cuts[i] && s.end >= cuts[i + 1]);
      if (!over.length) {
        yield piece;
        continue;
      }
      const named = [...new Set(over.map((s) => s.code))];
      yield h("mark", {
        "data-codes": named.join(" "),
        tabindex: isFirst ? 0 : -1,
        title: named.join(", "),
      }, piece);
      isFirst = false;
    }
  }

  light(codes) {
    for (const mark of this.box.querySelectorAll("mark")) {
      const isLit = codes.some((code) => mark.dataset.codes.split(" ").includes(code));
      mark.classList.toggle("lit", isLit);
    }
  }

  // Lights any words, those of a citation for one, and brings them into view.
  cite(spans) {
    const ranges = spans.map(([start, end]) => this.range(start, end));
    if (CSS.highlights) CSS.highlights.set("cited", new Highlight(...ranges));
    if (!ranges.length) return;
    const at = ranges[0].getBoundingClientRect();
    const box = this.box.getBoundingClientRect();
    const isSeen = at.top >= box.top && at.bottom <= Math.min(box.bottom, window.innerHeight);
    if (isSeen) return;
    const smooth = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    const top = this.box.scrollTop + at.top - box.top - box.height / 3;
    this.box.scrollTo({ top, behavior: smooth ? "smooth" : "auto" });
  }

  range(start, end) {
    const range = document.createRange();
    const [from, to] = [this.place(start), this.place(end)];
    range.setStart(from.node, from.offset);
    range.setEnd(to.node, to.offset);
    return range;
  }

  place(character) {
    let left = this.offsets.toUnit(character);
    const walker = document.createTreeWalker(this.box, NodeFilter.SHOW_TEXT);
    let node = walker.nextNode();
    while (node && left > node.length) {
      left -= node.length;
      node = walker.nextNode();
    }
    return node ? { node, offset: left } : { node: this.box, offset: this.box.childNodes.length };
  }

  words([start, end]) {
    return this.text.slice(this.offsets.toUnit(start), this.offsets.toUnit(end));
  }

  choose(target) {
    const codes = codesOf(target);
    if (codes && getSelection().isCollapsed) this.on.choose(codes[0]);
  }

  key(event) {
    const marks = [...this.box.querySelectorAll("mark")];
    const at = marks.indexOf(document.activeElement);
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step && at >= 0) {
      const next = marks[Math.min(Math.max(at + step, 0), marks.length - 1)];
      next.focus();
      event.preventDefault();
    } else if (event.key === "Enter" && at >= 0) {
      this.choose(marks[at]);
      event.preventDefault();
    }
  }

  marked() {
    const selection = getSelection();
    const range = selection.rangeCount ? selection.getRangeAt(0) : null;
    if (!range || range.collapsed || !this.box.contains(range.commonAncestorContainer)) {
      this.on.mark(null, "");
      return;
    }
    const before = document.createRange();
    before.setStart(this.box, 0);
    before.setEnd(range.startContainer, range.startOffset);
    const raw = range.toString();
    const words = raw.trim();
    if (!words) {
      this.on.mark(null, "");
      return;
    }
    const start = before.toString().length + raw.indexOf(words);
    const span = [start, start + words.length].map((unit) => this.offsets.toCharacter(unit));
    this.on.mark(span, words);
  }
}

function codesOf(target) {
  const mark = target.closest?.("mark");
  return mark ? mark.dataset.codes.split(" ") : null;
}
