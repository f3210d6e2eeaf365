/* The day as a list: what a telephone shows, and what is printed as the day sheet. */

import { dateOf, now, timeOf } from "./clock.js";
import { fill, h } from "./dom.js";
import { nameOf } from "./grid.js";
import { marksOf, signs, stateInWords, stateOf } from "./marks.js";
import { dayInFull, dayInWords, t } from "./words.js";

/* `people`: of whom; `opened(block)`. */
export function showList(element, model, people, opened) {
  const shown = new Set(people.map((each) => each.id));
  const blocks = model.blocks.filter((each) => shown.has(each.staffId) && each.booking.status !== "cancelled");
  fill(
    element,
    h(
      "div",
      { class: "list" },
      model.dates.map((date) => [
        h("h2", { class: model.dates.length > 1 ? "" : "printed" }, model.dates.length > 1 ? dayInWords(date) : dayInFull(date)),
        notesOf(model, people, date),
        dayOf(blocks.filter((each) => dateOf(each.start) === date), opened),
      ]),
    ),
  );
}

function dayOf(blocks, opened) {
  if (!blocks.length) return h("p", { class: "soft empty" }, t("list.empty"));
  const at = now();
  return h("ol", { class: "appointments" }, blocks.map((block) => {
    const { booking } = block;
    const isNow = block.start <= at && at < block.end && block.isLive;
    return h(
      "li",
      {},
      h(
        "button",
        { type: "button", class: `appointment ${stateOf(booking)}${isNow ? " now" : ""}${block.marks.waiting ? " waiting" : ""}`, "data-booking": block.id, onclick: () => opened(block) },
        h("span", { class: "times" }, h("b", {}, timeOf(block.start)), h("small", {}, timeOf(block.end))),
        h("span", { class: "whom" }, h("b", {}, nameOf(block)), h("span", { class: "signs" }, signs(block)),
          h("span", { class: "service" }, `${booking.service_name}, ${booking.staff_name}`),
          block.alert ? h("span", { class: "alert" }, block.alert) : null),
        h("span", { class: "state" }, stateInWords(booking)),
        h("span", { class: "printed more" }, [booking.client_phone, booking.notes, booking.internal_notes, ...marksOf(block).map((each) => each.words)].filter(Boolean).join(" · ")),
      ),
    );
  }));
}

/* Who is away, and why. */
function notesOf(model, people, date) {
  const away = people.flatMap((person) =>
    model.time_off.filter((off) => off.staff_id === person.id && dateOf(off.start_at) <= date && dateOf(off.end_at) >= date).map((off) =>
      `${person.name}: ${dateOf(off.start_at) < date ? "" : timeOf(off.start_at)}\u2013${dateOf(off.end_at) > date ? "" : timeOf(off.end_at)} ${off.reason ?? ""}`));
  const holiday = model.days.find((each) => each.date === date)?.holiday;
  const others = people.flatMap((person) => person.days.filter((each) => each.date === date && each.exception?.name).map((each) => `${person.name}: ${each.exception.name}`));
  const words = [...(holiday ? [holiday.name || t("holiday")] : []), ...others, ...away];
  return words.length ? h("ul", { class: "notes" }, words.map((each) => h("li", {}, each))) : null;
}
