/* Somebody walks in: now, with nobody's name; and later, perhaps, with one. */

import { get, newKey, post, put, query } from "./api.js";
import { clientPicker } from "./client.js";
import { dateOf, downTo, now, timeOf, today } from "./clock.js";
import { openDialog } from "./dialog.js";
import { field, h, select } from "./dom.js";
import { modelOf, worksAt } from "./model.js";
import { duration, t } from "./words.js";

const STEP = 5;

export function openWalkIn(app, staffId = null) {
  const { services, model } = app.state;
  const keys = {};
  const start = downTo(now(), STEP);
  const free = model.people.filter((each) => each.takes_bookings);
  const person = select(free.map((each) => [each.id, each.name]), staffId ?? firstFree(model, free, start), { name: "staff_id" });
  const service = select(services.filter((each) => each.is_active).map((each) => [each.id, `${each.name} (${duration(each.duration_minutes)})`]), "", { name: "service_id" });
  const note = h("input", { class: "field", name: "internal_notes", maxlength: 500, autocomplete: "off", placeholder: t("walkin.note") });
  const begin = async (dialog, overlap) => {
    const body = {
      client_id: app.state.model.salon.walk_in_client_id ?? (await post("clients/walk-in")).id,
      staff_id: Number(person.value),
      service_id: Number(service.value),
      start_at: start,
      internal_notes: note.value.trim(),
      ...(overlap ? { allow_overlap: true } : {}),
    };
    const text = JSON.stringify(body);
    keys[text] ??= newKey();
    try {
      const made = await post("bookings", body, keys[text]);
      app.state.date = dateOf(start);
      await app.done(dialog, t("walkin.done", { time: timeOf(made.start_at), name: made.staff_name }), { id: made.id });
    } catch (problem) {
      if (problem.code === "slot_taken") dialog.setButtons(buttons(true));
      throw problem;
    }
  };
  // Where somebody is being served, the second button says what pressing it would mean.
  const buttons = (isTaken) => [
    { label: t("walkin.do"), kind: isTaken ? "quiet" : "main", act: (dialog) => begin(dialog, false) },
    isTaken ? { label: t("create.overlap"), kind: "quiet", act: (dialog) => begin(dialog, true) } : null,
    { label: t("cancel") },
  ];
  openDialog({
    title: t("walkin.title", { time: timeOf(start) }),
    body: [field(t("service"), service), field(t("with"), person), field(t("note.team"), note)],
    buttons: buttons(false),
  });
  service.focus();
  if (staffId === null && !model.dates.includes(today())) preferFreeToday(app, person, start);
}

/* Another day is shown: who is free is asked of today, and taken where nobody has been chosen meanwhile. */
function preferFreeToday({ state }, person, start) {
  let isChosen = false;
  person.addEventListener("input", () => { isChosen = true; });
  const asked = query({ date: today(), days: 1, location_id: state.locationId });
  const prefer = (model) => {
    const id = firstFree(model, model.people.filter((each) => each.takes_bookings), start);
    if (!isChosen && [...person.options].some((each) => each.value === String(id))) person.value = id;
  };
  get(`agenda?${asked}`).then((answer) => prefer(modelOf(answer)), () => {});
}

/* Who has nothing at that moment; else the first. */
function firstFree(model, people, at) {
  const isBusy = (each) => model.blocks.some((block) => block.isLive && block.staffId === each.id && block.start <= at && at < block.end);
  return (people.find((each) => worksAt(each, at) && !isBusy(each)) ?? people[0])?.id;
}

export function openWalkInToClient(app, block) {
  const picker = clientPicker(() => {});
  const keys = { made: null, key: newKey() };
  openDialog({
    title: t("walkin.give"),
    body: [h("p", { class: "soft" }, t("walkin.give_hint")), picker.element],
    buttons: [
      {
        label: t("walkin.give_do"),
        kind: "main",
        act: async (dialog) => {
          const client = picker.chosen();
          if (!client || (client.fresh && !client.fresh.first_name)) return dialog.say(t("create.needs_client"));
          if (client.fresh) keys.made ??= (await post("clients", client.fresh, keys.key)).id;
          await put(`bookings/${block.id}`, { client_id: client.id ?? keys.made }, block.booking.version);
          await app.done(dialog, t("walkin.given"), { id: block.id });
        },
      },
      { label: t("cancel") },
    ],
  });
  picker.focus();
}
