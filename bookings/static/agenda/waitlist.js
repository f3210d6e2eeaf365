/* Who waits for a time: offer one (the client is mailed a link), or book it at once. */

import { get, newKey, post, query } from "./api.js";
import { timeOf, today } from "./clock.js";
import { openCreate } from "./create.js";
import { openDialog } from "./dialog.js";
import { field, fill, h, select } from "./dom.js";
import { dayShort, t } from "./words.js";

export function openWaitlist(app) {
  const place = h("div", {}, h("p", { class: "spinner" }, t("loading")));
  const dialog = openDialog({ title: t("waitlist"), body: place, wide: true, buttons: [{ label: t("close"), kind: "main" }] });
  dialog.work(async () => {
    const entries = [];
    for (const status of ["waiting", "notified"]) {
      const found = await get(`waitlist?${query({ status, order: "date", page: 1, limit: 100 })}`);
      entries.push(...found.items.filter((each) => each.date >= today()));
    }
    entries.sort((one, other) => one.date.localeCompare(other.date) || one.id - other.id);
    fill(place, entries.length ? h("ul", { class: "rows" }, entries.map((each) => rowOf(app, each, dialog))) : h("p", { class: "soft" }, t("waitlist.none")));
  });
}

function rowOf(app, entry, dialog) {
  const person = app.state.model.people.find((each) => each.id === entry.staff_id);
  const leave = (act) => () => { dialog.close(); act(); };
  return h(
    "li",
    { class: "request" },
    h("div", { class: "row" },
      h("b", {}, dayShort(entry.date)),
      h("span", {}, `${entry.client_name}: ${entry.service_name}, ${person?.name ?? t("anybody")}`),
      h("small", {}, entry.status === "notified" ? t("waitlist.offered") : entry.notes)),
    h("div", { class: "buttons" },
      entry.status === "waiting" ? h("button", { type: "button", class: "main", onclick: leave(() => openOffer(app, entry)) }, t("waitlist.offer")) : null,
      h("button", { type: "button", class: "quiet", onclick: leave(() => openCreate(app, { start: `${entry.date} `, end: null, staffId: entry.staff_id }, {
        client: { id: entry.client_id, name: entry.client_name }, serviceId: entry.service_id, waitlistId: entry.id })) }, t("waitlist.book"))),
  );
}

function openOffer(app, entry) {
  const key = newKey();
  const starts = select([["", t("loading")]], "", { name: "start_at" });
  const dialog = openDialog({
    title: t("waitlist.offer_title", { who: entry.client_name }),
    body: [
      h("p", {}, `${entry.service_name}, ${dayShort(entry.date)}`),
      field(t("time"), starts, { hint: t("waitlist.offer_hint") }),
    ],
    buttons: [
      {
        label: t("waitlist.offer_do"),
        kind: "main",
        act: async () => {
          if (!starts.value) return dialog.say(t("suggestions.none"));
          const [staffId, start] = starts.value.split("|");
          const offer = await post(`waitlist/${entry.id}/offer`, { staff_id: Number(staffId), start_at: start }, key);
          await app.done(dialog, t("waitlist.offer_done", { who: entry.client_name, time: timeOf(offer.start_at) }));
        },
      },
      { label: t("cancel") },
    ],
  });
  dialog.work(async () => {
    const day = { date_from: entry.date, date_to: entry.date };
    const answer = await get(`availability?${query({ service_id: entry.service_id, staff_id: entry.staff_id, ...day })}`);
    const nameOf = (id) => app.state.model.people.find((each) => each.id === id)?.name ?? "";
    const found = answer.days.flatMap((each) => each.staff).flatMap((each) => each.starts.map((start) => [`${each.staff_id}|${start}`, `${timeOf(start)} ${nameOf(each.staff_id)}`]));
    found.sort(([, one], [, other]) => one.localeCompare(other));
    fill(starts, (found.length ? found : [["", t("suggestions.none")]]).map(([value, words]) => h("option", { value }, words)));
    starts.focus();
  });
}
