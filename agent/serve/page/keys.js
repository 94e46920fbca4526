// Single keys; they act outside of fields and dialogs, and can be turned off.

const SETTING = "icd-agent-keys";

export const KEYS = [
  ["j  ↓", "next code"], ["k  ↑", "code before"],
  ["a", "accept the code"], ["A", "accept all"], ["x", "reject"], ["X", "reject with a reason"],
  ["r", "replace"], ["p", "make it the principal diagnosis"],
  ["J", "move it down"], ["K", "move it up"],
  ["e", "show its evidence in the note, once more: the next"],
  ["w", "why?"], ["s", "is there a more specific code?"],
  ["n", "add a code, for the words that are marked"],
  ["1 to 9", "answer the question"], ["u", "undo"], ["/", "ask"],
  ["[  ]", "note before, next note"], ["N", "new note"], ["?", "these keys"],
  ["← →", "in the note: evidence before, next; Enter: to its code"],
];

export const areOn = () => localStorage.getItem(SETTING) !== "off";
export const turn = (on) => localStorage.setItem(SETTING, on ? "on" : "off");

// actions: functions by key.
export function listen(actions) {
  document.addEventListener("keydown", (event) => {
    const isField = event.target.closest("input, textarea, select, dialog[open]");
    if (isField || event.ctrlKey || event.metaKey || event.altKey || !areOn()) return;
    const isArrow = event.key.startsWith("Arrow");
    if (isArrow && !event.target.closest("#codes")) return;
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action(event.key);
  });
}
