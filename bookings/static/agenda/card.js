/* The client card: what the desk should know before it says hello (GET /api/clients/:id/card). */

import { get } from "./api.js";
import { dateOf, timeOf } from "./clock.js";
import { openCreate } from "./create.js";
import { closeAll, openDialog } from "./dialog.js";
import { fill, h } from "./dom.js";
import { stateInWords } from "./marks.js";
import { dayShort, dayWithYear, t, tOr } from "./words.js";

export async function openCard(app, clientId) {
  const body = h("div", { class: "card" }, h("p", { class: "spinner" }, t("loading")));
  const dialog = openDialog({ title: t("card"), body, wide: true, buttons: [{ label: t("close"), kind: "main" }] });
  const book = (client) => ({ label: t("create.title"), act: () => { closeAll(); openCreate(app, { start: null, end: null, staffId: null }, { client }); } });
  dialog.work(async () => {
    const card = await get(`clients/${clientId}/card`);
    dialog.element.querySelector("h2").textContent = card.client.name;
    fill(body, contentOf(app, card));
    dialog.setButtons([{ label: t("close"), kind: "main" }, card.client.is_archived ? null : book(card.client)]);
  });
}

function contentOf(app, card) {
  const { client, counts } = card;
  const visits = (title, items) => [
    h("h3", {}, title),
    items.length
      ? h("ul", { class: "rows" }, items.map((each) => h("li", {}, h("button", { type: "button", class: "row", onclick: () => { closeAll(); app.openById(each.booking_ids[0]); } },
          h("b", {}, `${dayWithYear(dateOf(each.start_at))} ${timeOf(each.start_at)}`),
          h("span", {}, each.bookings.map((one) => `${one.service_name}, ${one.staff_name}`).join("; ")),
          h("small", {}, stateInWords({ status: each.status, status_detail: "" }))))))
      : h("p", { class: "soft" }, t("none")),
  ];
  const numbers = [
    [counts.visits, t("card.visits", { count: counts.visits })],
    [counts.no_shows, t("card.no_shows", { count: counts.no_shows })],
    [counts.late_cancels, t("card.late", { count: counts.late_cancels })],
  ];
  return [
    client.alert ? h("p", { class: "alert" }, h("b", {}, `${t("mark.alert")}: `), client.alert) : null,
    h("ul", { class: "numbers" }, numbers.map(([count, name]) => h("li", {}, h("b", {}, String(count)), ` ${name}`))),
    h("p", { class: "reach" },
      [client.mobile, client.phone].filter(Boolean).map((each) => [h("a", { href: `tel:${each.replace(/[^+\d]/g, "")}` }, each), " "]),
      client.email ? h("a", { href: `mailto:${client.email}` }, client.email) : null),
    client.notes ? h("p", { class: "pre" }, client.notes) : null,
    visits(t("card.next"), card.next),
    visits(t("card.last"), card.last),
    h("h3", {}, t("card.messages")),
    card.messages.length
      ? h("ul", { class: "rows" }, card.messages.map((each) => h("li", { class: "row" },
          h("b", {}, dayShort(dateOf(each.created_at)) + " " + timeOf(each.created_at)), h("span", {}, each.subject || tOr(`type.${each.type}`, each.type)), h("small", {}, tOr(`message.${each.state}`, each.state)))))
      : h("p", { class: "soft" }, t("none")),
  ];
}
