/* The head of the page: which day, which view, and what waits. */

import { addDays, today } from "./clock.js";
import { bell, fill, glass, h, select } from "./dom.js";
import { LANGUAGES, currentLanguage, dayInWords, dayShort, daysInWords, t } from "./words.js";

export function drawToolbar(app) {
  const { state } = app;
  const top = document.getElementById("top");
  const focused = document.activeElement?.dataset?.tool;
  const isOpen = top.querySelector(".menu")?.open ?? false;
  const tool = (name, properties, ...words) => h("button", { type: "button", "data-tool": name, ...properties }, words);
  const isWeek = state.view === "week";
  const date = h("input", { type: "date", "data-tool": "date", class: "pick", value: state.date, "aria-label": t("date.choose"), onchange: (event) => event.target.value && app.goTo(event.target.value) });
  const badge = (count) => (count ? h("span", { class: "badge" }, String(count)) : null);
  const views = [["day", t("view.day")], ["week", t("view.week")], ["list", t("view.list")]];
  fill(
    top,
    h(
      "div",
      { class: "when" },
      tool("back", { class: "round", "aria-label": t(isWeek ? "week.before" : "day.before"), onclick: () => app.step(-1) }, "‹"),
      tool("today", { class: "quiet", onclick: () => app.goToday(), "aria-pressed": String(state.date === today()) }, t("today")),
      tool("on", { class: "round", "aria-label": t(isWeek ? "week.after" : "day.after"), onclick: () => app.step(1) }, "›"),
      h("label", { class: "date" }, h("span", { class: "words" }, isWeek ? weekInWords(state) : dayInWords(state.date)), h("span", { class: "words brief", "aria-hidden": "true" }, dayShort(state.date)), date),
    ),
    h(
      "div",
      { class: "views", role: "group", "aria-label": t("views") },
      views.map(([name, words]) => tool(name, { class: "view-of", "aria-pressed": String(state.view === name), onclick: () => app.setView(name) }, words)),
    ),
    choiceOfPeople(app),
    h(
      "div",
      { class: "acts" },
      tool("new", { class: "main", onclick: () => app.create({ start: null, end: null, staffId: null }) }, t("new")),
      tool("walkin", { class: "quiet", onclick: () => app.walkIn(null) }, t("walkin")),
      tool("requests", { class: state.counts.waiting ? "quiet" : "quiet idle", onclick: () => app.requests() }, t("requests"), badge(state.counts.waiting)),
      tool("waitlist", { class: "quiet rare", onclick: () => app.waitlist() }, t("waitlist")),
      tool("find", { class: "quiet", onclick: () => app.find(), title: t("find"), "aria-label": t("find") }, glass()),
      tool("news", { class: "quiet", onclick: () => app.notifications(), "aria-label": t("news.count", { count: state.counts.unread }) }, bell(), badge(state.counts.unread)),
      menu(app, isOpen),
    ),
  );
  if (focused) top.querySelector(`[data-tool="${focused}"]`)?.focus();
}

/* A tap beside the menu takes it away, also where there is nothing that takes the focus. */
document.addEventListener("pointerdown", (event) => {
  const open = document.querySelector(".menu[open]");
  if (open && !open.contains(event.target)) open.open = false;
});

function weekInWords({ model, date }) {
  const first = model?.dates[0] ?? date;
  return daysInWords(first, addDays(first, 6));
}

/* In a week whose it is; else which branch, where there are several, and in a list whose. */
function choiceOfPeople(app) {
  const { state } = app;
  if (!state.model) return null;
  const people = state.model.people.filter((each) => each.takes_bookings);
  if (state.view === "week") {
    return select(people.map((each) => [each.id, each.name]), app.person()?.id, { "data-tool": "person", "aria-label": t("with"), onchange: (event) => app.setPerson(Number(event.target.value)) });
  }
  if (state.locations.length < 2) return null;
  return select([["", t("locations.all")], ...state.locations.map((each) => [each.id, each.name])], state.locationId ?? "", { "data-tool": "location", "aria-label": t("location"), onchange: (event) => app.setLocation(Number(event.target.value) || null) });
}

function menu(app, isOpen) {
  const item = (words, act) => h("button", { type: "button", class: "item", onclick: (event) => { event.target.closest("details").open = false; act(); } }, words);
  const languages = select(Object.entries(LANGUAGES), currentLanguage(), { "aria-label": t("language"), onchange: (event) => { leave(); app.setLanguage(event.target.value); } });
  const details = h(
    "details",
    { class: "menu", open: isOpen },
    h("summary", { "aria-label": t("menu"), "data-tool": "menu" }, "☰"),
    h(
      "div",
      { class: "items" },
      h("p", { class: "me" }, app.state.me.name),
      item(t("requests"), () => app.requests()),
      item(t("waitlist"), () => app.waitlist()),
      item(t("print"), () => window.print()),
      item(t("help"), () => app.keyboard.help()),
      h("a", { class: "item", href: document.documentElement.dataset.admin }, t("admin")),
      languages,
      item(t("logout"), () => app.logOut()),
    ),
  );
  const leave = () => {
    details.open = false;
    details.firstChild.focus();
  };
  details.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !details.open) return;
    leave();
    event.stopPropagation();
  });
  details.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !details.contains(event.relatedTarget)) details.open = false;
  });
  return details;
}
