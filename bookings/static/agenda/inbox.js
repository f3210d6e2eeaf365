/* What waits for a person: requests to answer, and one's own notifications. */

import { get, post, put, query } from "./api.js";
import { dateOf, timeOf } from "./clock.js";
import { openCancel } from "./ending.js";
import { openDialog } from "./dialog.js";
import { fill, h } from "./dom.js";
import { tell } from "./told.js";
import { dayShort, t } from "./words.js";

export async function countsOf() {
  const [unread, waiting] = await Promise.all([
    get("notifications/unread-count"),
    get(`bookings?${query({ requests_waiting: 1, page: 1, limit: 1 })}`),
  ]);
  return { unread: unread.unread_count, waiting: waiting.total };
}

export function openRequests(app) {
  const place = h("div", {}, h("p", { class: "spinner" }, t("loading")));
  const dialog = openDialog({ title: t("requests"), body: place, wide: true, buttons: [{ label: t("close"), kind: "main" }] });
  const show = async () => {
    const found = await get(`bookings?${query({ requests_waiting: 1, order: "asc", page: 1, limit: 100 })}`);
    fill(place, found.items.length ? h("ul", { class: "rows" }, found.items.map(rowOf)) : h("p", { class: "soft" }, t("requests.none")));
    app.count();
  };
  const rowOf = (booking) =>
    h(
      "li",
      { class: "request" },
      h("button", { type: "button", class: "row", onclick: () => { dialog.close(); app.openById(booking.id); } },
        h("b", {}, `${dayShort(dateOf(booking.start_at))} ${timeOf(booking.start_at)}`),
        h("span", {}, `${booking.client_name}: ${booking.service_name}, ${booking.staff_name}`)),
      h("div", { class: "buttons" },
        h("button", { type: "button", class: "main", onclick: () => dialog.work(() => accept(booking)) }, t("request.accept")),
        h("button", { type: "button", class: "quiet", onclick: () => dialog.work(() => decline(booking)) }, t("request.decline"))),
    );
  const accept = async (booking) => {
    await put(`visits/${booking.visit_id}`, { status: "scheduled" });
    tell(t("request.accepted", { who: booking.client_name }));
    await Promise.all([show(), app.refresh()]);
  };
  const decline = async (booking) => {
    dialog.close();
    await app.goTo(dateOf(booking.start_at));
    const block = app.state.model.byId.get(booking.id);
    if (block) openCancel(app, block);
  };
  dialog.work(show);
}

export function openNotifications(app) {
  const place = h("div", {}, h("p", { class: "spinner" }, t("loading")));
  const dialog = openDialog({
    title: t("news"),
    body: place,
    wide: true,
    buttons: [
      { label: t("news.read_all"), kind: "quiet", act: async () => { await post("notifications/read-all", {}); await show(); } },
      { label: t("close"), kind: "main" },
    ],
  });
  const show = async () => {
    const found = await get(`notifications?${query({ page: 1, limit: 40 })}`);
    fill(place, found.items.length ? h("ul", { class: "rows" }, found.items.map(rowOf)) : h("p", { class: "soft" }, t("news.none")));
    app.count();
  };
  const rowOf = (news) =>
    h("li", { class: news.is_read ? "" : "unread" },
      h("button", { type: "button", class: "row", onclick: () => dialog.work(() => opened(news)) },
        h("b", {}, `${dayShort(dateOf(news.created_at))} ${timeOf(news.created_at)}`),
        h("span", {}, news.title, news.is_read ? null : h("span", { class: "new" }, t("news.new"))),
        h("small", {}, news.body)));
  const opened = async (news) => {
    if (!news.is_read) await post(`notifications/${news.id}/read`, {});
    app.count();
    if (!news.booking_id) return show();
    dialog.close();
    await app.openById(news.booking_id);
  };
  dialog.work(show);
}
