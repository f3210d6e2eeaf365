/* The marks of a block: a sign, and words for it; never a colour alone. */

import { away, h } from "./dom.js";
import { t } from "./words.js";

const SIGNS = [
  ["waiting", "…"],
  ["alert", "!"],
  ["first", "N"],
  ["requested", "R"],
  ["asked", "?"],
  ["confirmed", "✓"],
  ["fee", "€"],
  ["series", "↻"],
  ["walkIn", "W"],
];

export function marksOf(block) {
  return SIGNS.filter(([name]) => block.marks[name]).map(([name, sign]) => ({ name, sign, words: t(`mark.${name}`) }));
}

/* Small signs with their meaning for a screen reader and under the pointer. */
export function signs(block) {
  return marksOf(block).map(({ name, sign, words }) =>
    h("span", { class: `sign is-${name}`, title: words }, h("span", { "aria-hidden": "true" }, sign), away(` ${words},`)),
  );
}

export function legend() {
  return h(
    "dl",
    { class: "legend" },
    SIGNS.map(([name, sign]) => [h("dt", {}, h("span", { class: `sign is-${name}` }, sign)), h("dd", {}, t(`mark.${name}`))]),
  );
}

/* What state a booking is in, as a word and as a class. */
export function stateOf(booking) {
  const detail = booking.status === "scheduled" ? booking.status_detail : "";
  if (detail === "arrived" || detail === "in_progress") return detail;
  return booking.status;
}

export function stateInWords(booking) {
  return t(`state.${stateOf(booking)}`);
}
