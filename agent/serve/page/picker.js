// Choosing a code: a search that completes while words are typed, and the tree of codes.

import { get } from "./api.js";
import { button, h } from "./dom.js";
import { open } from "./dialogs.js";

const WAIT = 120; // ms without a key before a search
const CODE = /^[A-Za-z]\d[0-9A-Za-z](\.[0-9A-Za-z]{0,4})?$/;

// choose: called with { code, words }. query: words to begin with; at: a code to begin the tree at;
// words: the words of the note for a new code, or null where none are asked for.
export function pickCode(title, choose, { query = "", at = null, span = null, words = null } = {}) {
  const picker = new Picker(choose);
  picker.dialog = open(title, ...picker.content(span, words));
  picker.input.value = query;
  picker.input.focus();
  if (at) picker.browse(at, true);
  else picker.search();
}

class Picker {
  constructor(choose) {
    this.choose = choose;
    this.options = [];
    this.active = -1;
    this.timer = 0;
    this.asked = null;
  }

  content(span, words) {
    this.input = h("input", {
      id: "pick", role: "combobox", "aria-expanded": "true", "aria-controls": "picks",
      "aria-autocomplete": "list", autocomplete: "off", placeholder: "words or a code",
      oninput: () => this.later(), onkeydown: (event) => this.key(event),
    });
    this.path = h("div", { class: "path" });
    this.list = h("ul", { id: "picks", role: "listbox", "aria-label": "Codes" });
    this.problem = h("p", { role: "status" });
    this.words = h("input", { id: "words", value: words ?? "", autocomplete: "off",
      readonly: span !== null });
    return [
      h("label", { for: "pick" }, "Code or diagnosis"), this.input, this.path, this.list,
      this.problem,
      words === null ? h("div") : h("div", { class: "field" },
        h("label", { for: "words" }, "Words of the note that support it"), this.words),
      h("p", { class: "hint" },
        "↑ ↓ choose, Enter takes the code or opens what needs more characters, → opens the tree."),
    ];
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.search(), WAIT);
  }

  async search() {
    const query = this.input.value.trim();
    if (!query) {
      this.show([], []);
      return;
    }
    if (CODE.test(query) && await this.browse(query.replace(/\.$/, ""), false)) return;
    const answer = await this.ask(`/v1/search?limit=12&q=${encodeURIComponent(query.slice(0, 500))}`);
    if (answer) this.show([], answer.hits);
  }

  // Shows what stands below a code, or beside one with nothing below; returns whether it exists.
  async browse(code, isExact) {
    let entry = await this.ask(`/v1/codes/${encodeURIComponent(code)}`);
    if (!entry) return false;
    const own = { code: entry.code, title: entry.title, billable: entry.billable };
    if (!entry.children.length && isExact && entry.ancestors.length) {
      entry = await this.ask(`/v1/codes/${encodeURIComponent(entry.ancestors[0].code)}`);
      if (!entry) return false;
    }
    const path = [...entry.ancestors].reverse();
    const options = entry.children.length ? entry.children : [own];
    const head = own.billable && entry.children.length && entry.code === own.code ? [own] : [];
    this.show([...path, entry], [...head, ...options]);
    return true;
  }

  async ask(path) {
    this.asked?.abort();
    const asked = new AbortController();
    this.asked = asked;
    try {
      const answer = await get(path, asked.signal);
      this.problem.textContent = "";
      return answer;
    } catch (error) {
      if (!asked.signal.aborted && error.status !== 404) this.problem.textContent = error.message;
      return null;
    }
  }

  show(path, options) {
    this.options = options;
    this.path.replaceChildren(...path.map((entry) => (
      button(entry.code, () => this.browse(entry.code, false), { title: entry.title }))));
    this.list.replaceChildren(...options.map((option, place) => h("li", {
      role: "option", id: `pick-${place}`, "aria-selected": "false",
      onclick: () => this.take(option),
    }, h("span", { class: "name" }, option.code), ` ${option.title}`,
    option.billable === false && h("span", { class: "badge" }, "needs more characters"))));
    this.move(options.length ? 0 : -1);
  }

  move(place) {
    this.active = place;
    [...this.list.children].forEach((item, at) => {
      item.setAttribute("aria-selected", String(at === place));
      if (at === place) item.scrollIntoView({ block: "nearest" });
    });
    if (place >= 0) this.input.setAttribute("aria-activedescendant", `pick-${place}`);
    else this.input.removeAttribute("aria-activedescendant");
  }

  key(event) {
    const last = this.options.length - 1;
    const option = this.options[this.active];
    const isAtEnd = this.input.selectionStart === this.input.value.length;
    if (event.key === "ArrowDown") this.move(Math.min(this.active + 1, last));
    else if (event.key === "ArrowUp") this.move(Math.max(this.active - 1, 0));
    else if (event.key === "Enter" && option) this.take(option);
    else if (event.key === "ArrowRight" && option && isAtEnd) this.browse(option.code, true);
    else return;
    event.preventDefault();
  }

  async take(option) {
    const entry = option.billable === undefined
      ? await this.ask(`/v1/codes/${encodeURIComponent(option.code)}`) : option;
    if (!entry) return;
    if (!entry.billable) {
      await this.browse(option.code, false);
      return;
    }
    this.dialog.close();
    this.choose({ code: option.code, words: this.words.value.trim() });
  }
}
