/* One booking, opened: who, what, when, its marks in words, and what the desk does with it. */

import { get, put } from "./api.js";
import { between, dateOf, timeOf } from "./clock.js";
import { openCard } from "./card.js";
import { openCancel, openNoShow } from "./ending.js";
import { openDialog } from "./dialog.js";
import { field, h } from "./dom.js";
import { nameOf } from "./grid.js";
import { openWalkInToClient } from "./walkin.js";
import { marksOf, stateInWords, stateOf } from "./marks.js";
import { dayInWords, duration, money, t } from "./words.js";

export function openBooking(app, block) {
  const { booking } = block;
  const note = h("textarea", { class: "field", name: "internal_notes", rows: 2, maxlength: 10000 });
  note.value = booking.internal_notes;
  const dialog = openDialog({
    title: `${timeOf(block.start)}\u2013${timeOf(block.end)} ${nameOf(block)}`,
    body: [
      block.alert ? h("p", { class: "alert" }, h("b", {}, `${t("mark.alert")}: `), block.alert) : null,
      facts(app, block),
      h("div", { class: "desk", role: "group", "aria-label": t("desk") }, deskOf(app, block, () => dialog)),
      field(t("note.team"), note),
    ],
    buttons: [
      { label: t("note.keep"), kind: "quiet", act: () => keepNote(app, block, note.value, dialog) },
      { label: t("close"), kind: "main" },
    ],
  });
  return dialog;
}

function facts(app, block) {
  const { booking } = block;
  const others = (booking.visit_id ? app.state.model.blocks : []).filter(
    (each) => each.booking.visit_id === booking.visit_id && each.id !== block.id,
  );
  const phone = booking.client_phone;
  const rows = [
    [t("service"), `${booking.service_name}, ${duration(between(block.start, block.end))}`],
    [t("with"), booking.staff_name + (booking.staff_requested ? ` (${t("mark.requested")})` : "")],
    [t("day"), dayInWords(dateOf(block.start))],
    [t("state"), stateInWords(booking)],
    booking.total_price === null ? null : [t("price"), money(booking.total_price, app.state.model.salon.currency)],
    phone ? [t("phone"), h("a", { href: `tel:${phone.replace(/[^+\d]/g, "")}` }, phone)] : null,
    booking.fee ? [t("mark.fee"), `${money(booking.fee.amount, booking.fee.currency)}, ${t(`fee.${booking.fee.state}`)}`] : null,
    booking.client?.no_show_count ? [t("state.no-show"), booking.client.no_show_count] : null,
    booking.persons > 1 ? [t("persons"), booking.persons] : null,
    others.length ? [t("same_visit"), others.map((each) => `${timeOf(each.start)} ${each.booking.service_name}`).join(", ")] : null,
    booking.notes ? [t("note.client"), booking.notes] : null,
  ].filter(Boolean);
  const marks = marksOf(block);
  return [
    h("dl", { class: "facts" }, rows.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))),
    marks.length
      ? h("ul", { class: "marks" }, marks.map((each) => h("li", {}, h("span", { class: `sign is-${each.name}`, "aria-hidden": "true" }, each.sign), ` ${each.words}`)))
      : null,
  ];
}

/* The buttons that make sense now, the likely one first. */
function deskOf(app, block, dialogOf) {
  const { booking } = block;
  const state = stateOf(booking);
  const set = (label, body, kind = "") =>
    h("button", { type: "button", class: kind, onclick: () => dialogOf().work(() => change(app, block, body, dialogOf(), label)) }, label);
  const leads = (label, act, kind = "") =>
    h("button", { type: "button", class: kind, onclick: () => { dialogOf().close(); act(app, block); } }, label);
  const buttons = [];
  if (state === "provisional") {
    buttons.push(set(t("request.accept"), { status: "scheduled" }, "main"));
    buttons.push(leads(t("request.decline"), openCancel));
  }
  if (state === "scheduled") buttons.push(set(t("desk.arrived"), { status_detail: "arrived" }, "main"));
  if (state === "arrived") buttons.push(set(t("desk.in_chair"), { status_detail: "in_progress" }, "main"));
  if (["scheduled", "arrived", "in_progress"].includes(state)) {
    buttons.push(set(t("desk.completed"), { status: "completed" }, state === "in_progress" ? "main" : ""));
  }
  if (["arrived", "in_progress"].includes(state)) buttons.push(set(t("desk.not_yet"), { status_detail: "" }));
  if (["scheduled", "provisional"].includes(booking.status)) {
    buttons.push(leads(t("move.to"), () => app.mover.form(block)));
  }
  if (state === "scheduled" && !block.isWalkIn) buttons.push(leads(t("desk.no_show"), openNoShow));
  if (["scheduled", "arrived", "in_progress"].includes(state)) buttons.push(leads(t("desk.cancel"), openCancel));
  if (["completed", "no-show", "cancelled"].includes(state)) buttons.push(set(t("desk.back"), { status: "scheduled" }));
  if (block.marks.asked && booking.visit_id) {
    buttons.push(h("button", { type: "button", onclick: () => dialogOf().work(() => confirmVisit(app, block, dialogOf())) }, t("desk.confirmed")));
  }
  if (block.isWalkIn) buttons.push(leads(t("walkin.give"), openWalkInToClient));
  else buttons.push(h("button", { type: "button", onclick: () => openCard(app, booking.client_id) }, t("card")));
  return buttons;
}

async function change(app, block, body, dialog, label) {
  const fresh = await put(`bookings/${block.id}`, body, block.booking.version);
  await app.done(dialog, `${nameOf(block)}: ${label}`, { id: block.id, warnings: fresh.warnings });
}

async function confirmVisit(app, block, dialog) {
  await put(`visits/${block.booking.visit_id}`, { client_confirmed: true });
  await app.done(dialog, t("desk.confirmed_done", { who: nameOf(block) }), { id: block.id });
}

async function keepNote(app, block, words, dialog) {
  if (words === block.booking.internal_notes) return dialog.close();
  await put(`bookings/${block.id}`, { internal_notes: words }, block.booking.version);
  await app.done(dialog, t("note.kept"), { id: block.id });
}

/* A booking that the day shown does not have: from a notification, a card or an address. */
export async function openBookingById(app, id) {
  const booking = await get(`bookings/${id}`);
  await app.goTo(dateOf(booking.start_at));
  const block = app.state.model.byId.get(id);
  app.keyboard.focus(id);
  if (block) openBooking(app, block);
  else openDialog({ title: booking.client_name || t("client.erased"), body: [h("p", {}, `${dayInWords(booking.start_at)} ${timeOf(booking.start_at)}, ${booking.service_name}: ${stateInWords(booking)}`)], buttons: [{ label: t("close"), kind: "main" }] });
}

