// Elements out of plain values. Strings become text nodes and nothing else, so that words of a note
// can never be markup.

export const $ = (selector, within = document) => within.querySelector(selector);

export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(2).filter((child) => child || child === 0));
  return element;
}

export function button(text, onclick, props = {}) {
  return h("button", { type: "button", onclick, ...props }, text);
}

let timer = 0;

// Tells what has happened, to eyes and screen readers.
export function tell(text, isMistake = false) {
  const status = $("#status");
  status.textContent = text;
  status.classList.toggle("mistake", isMistake);
  clearTimeout(timer);
  timer = setTimeout(() => { status.textContent = ""; }, isMistake ? 15000 : 6000);
}
