/* One <dialog> for every form: focus stays inside, Esc closes it, faults stand beside their fields. */

import { Refused, Unreachable } from "./api.js";
import { fill, h, newId } from "./dom.js";
import { t, tOr } from "./words.js";

const opened = [];

/* For what leads elsewhere: nothing of before waits under it. The last one first, so that the focus goes back to the page. */
export function closeAll() {
  for (const each of [...opened].reverse()) each.close();
}

/* openDialog({title, body, buttons, wide, onClose}) -> {close, say, element}. A button: {label, kind, act, value}
   where act(dialog) may be async; while it runs nothing can be pressed twice. */
export function openDialog({ title, body, buttons = [], wide = false, onClose = () => {}, closable = true }) {
  const id = newId("title");
  const fault = h("p", { class: "fault", role: "alert", hidden: true });
  const foot = h("div", { class: "buttons" });
  const close = closable
    ? h("button", { type: "button", class: "x", title: t("close"), "aria-label": t("close"), onclick: () => end() }, "✕")
    : null;
  const inside = h("div", { class: "inside" }, body, fault);
  // What is only read can be longer than the window: the keyboard scrolls it.
  if (!inside.querySelector("a, button, input, select, textarea")) inside.tabIndex = 0;
  const form = h(
    "form",
    { method: "dialog", novalidate: true },
    h("header", {}, h("h2", { id }, title), close),
    inside,
    foot,
  );
  const element = h("dialog", { class: wide ? "sheet wide" : "sheet", "aria-labelledby": id }, form);
  const dialog = {
    element,
    close: () => end(),
    say: (words) => {
      fault.textContent = words;
      fault.hidden = !words;
      if (words) fault.scrollIntoView({ block: "nearest" });
    },
    setButtons: (wanted) => fill(foot, wanted.filter(Boolean).map((each) => buttonOf(each, dialog))),
    work: (act) => work(dialog, act),
  };
  dialog.setButtons(buttons);
  foot.hidden = buttons.length === 0;
  form.addEventListener("submit", (event) => event.preventDefault());
  element.addEventListener("cancel", (event) => {
    event.preventDefault();
    if (closable) end();
  });
  element.addEventListener("click", (event) => {
    if (event.target === element && closable && !form.querySelector("input, textarea")) end();
  });
  const before = document.activeElement;
  // At once, not at the event some time after: the next key is the page's.
  const end = () => {
    if (!element.isConnected) return;
    element.close();
    element.remove();
    opened.splice(opened.indexOf(dialog), 1);
    onClose();
    // Drawn anew meanwhile: where the dialog under it, or the keys of the page, go on.
    const next = opened.at(-1)?.element.querySelector("button") ?? document.querySelector("#view [data-booking][tabindex='0']");
    (before?.isConnected ? before : next)?.focus();
  };
  element.addEventListener("close", end);
  document.body.append(element);
  opened.push(dialog);
  element.showModal();
  (form.querySelector(".inside .field, .inside input, .desk button") ?? foot.querySelector(".main") ?? foot.querySelector("button"))?.focus();
  return dialog;
}

function buttonOf({ label, kind = "quiet", act, title }, dialog) {
  return h(
    "button",
    {
      // Enter in a field presses the first button of this type.
      type: kind.startsWith("main") ? "submit" : "button",
      class: kind,
      title,
      onclick: (event) => {
        event.preventDefault();
        if (act) work(dialog, act);
        else dialog.close();
      },
    },
    label,
  );
}

/* One thing at a time; what is refused is said in the dialog, which stays as it is. */
async function work(dialog, act) {
  const { element } = dialog;
  if (element.dataset.busy) return;
  element.dataset.busy = "1";
  element.setAttribute("aria-busy", "true");
  dialog.say("");
  try {
    await act(dialog);
  } catch (problem) {
    dialog.say(sentenceOf(problem));
    markFaults(element, problem);
  } finally {
    delete element.dataset.busy;
    element.removeAttribute("aria-busy");
  }
}

function markFaults(element, problem) {
  for (const input of element.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
  const named = Object.keys(problem.details || {});
  for (const name of named) element.querySelector(`[name="${CSS.escape(name)}"]`)?.setAttribute("aria-invalid", "true");
  element.querySelector("[aria-invalid]")?.focus();
}

/* What went wrong, for a person: in our words by the status or the code, else what the API says, in English.
   Raises what is no answer of the API. */
export function sentenceOf(problem) {
  if (problem instanceof Unreachable) return t("unreachable.form");
  if (!(problem instanceof Refused)) throw problem;
  if (problem.status === 403) return t("refused.forbidden", { why: problem.message });
  if (problem.status === 404) return t("refused.gone");
  if (problem.status === 412) return t("refused.changed");
  if (problem.status === 429) return t("refused.often", { count: problem.retryAfter || 60 });
  const otherwise = problem.status === 400 ? t("refused.entry", { why: problem.message }) : problem.message;
  return tOr(`refused.${problem.code}`, otherwise);
}
