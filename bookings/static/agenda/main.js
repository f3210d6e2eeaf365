/* The agenda: what it holds, and who is told when that changes. Each concern is a file of its own beside this. */

import { call, get, isLoggedIn, logOut, query, whenLoginIsNeeded, whenReached, whenStale } from "./api.js";
import { openBooking, openBookingById } from "./booking.js";
import { addDays, mondayOf, setZone, timeOf, today } from "./clock.js";
import { openCreate } from "./create.js";
import { fill, h } from "./dom.js";
import { openFind } from "./find.js";
import { Grid } from "./grid.js";
import { countsOf, openNotifications, openRequests } from "./inbox.js";
import { Keyboard } from "./keyboard.js";
import { showList } from "./list.js";
import { Live } from "./live.js";
import { askForLogin } from "./login.js";
import { modelOf } from "./model.js";
import { Mover } from "./move.js";
import { tell } from "./told.js";
import { drawToolbar } from "./toolbar.js";
import { openWaitlist } from "./waitlist.js";
import { openWalkIn } from "./walkin.js";
import { chooseLanguage, loadWords, t, tOr } from "./words.js";

const FILES = document.documentElement.dataset.files;
const WIDE = window.matchMedia("(min-width: 48rem)");
const VIEWS = ["day", "week", "list"];

class Agenda {
  constructor() {
    const asked = new URLSearchParams(location.search);
    this.state = {
      view: VIEWS.includes(asked.get("view")) ? asked.get("view") : "day",
      date: /^\d{4}-\d\d-\d\d$/.test(asked.get("date") ?? "") ? asked.get("date") : "",
      personId: Number(asked.get("staff")) || null,
      locationId: Number(asked.get("location")) || null,
      model: null,
      etag: "",
      pending: null,
      counts: { unread: 0, waiting: 0 },
    };
    this.opening = Number(asked.get("booking")) || null;
    this.dragging = false;
    this.mover = new Mover(this);
    this.keyboard = new Keyboard(this);
    this.view = document.getElementById("view");
    this.grid = new Grid(this.view, {
      opened: (block) => openBooking(this, block),
      held: (hold) => tell(t("hold.is", { time: timeOf(hold.expires_at) })),
      placed: (at) => this.create(at),
      moved: (block, to) => this.mover.propose(block, to),
      busy: (is) => this.#drag(is),
      drawn: () => this.keyboard.settle(),
    });
    this.live = new Live({ refresh: () => this.refresh(), count: () => this.count() });
    WIDE.addEventListener("change", () => this.redraw());
    window.addEventListener("resize", () => { cancelAnimationFrame(this.resizing); this.resizing = requestAnimationFrame(() => this.redraw()); });
    window.addEventListener("beforeprint", () => this.#drawList());
    window.addEventListener("afterprint", () => this.redraw());
  }

  async begin() {
    await loadWords(FILES);
    document.title = document.title.replace(/^[^·]+/, `${t("agenda")} `);
    let isFirst = !isLoggedIn();
    whenLoginIsNeeded(() => askForLogin({ again: !isFirst }));
    whenReached((ok) => this.#reached(ok));
    whenStale(() => this.live.now());
    if (isFirst) await askForLogin();
    await this.#enter();
    isFirst = false;
  }

  async #enter() {
    const [me, services, locations] = await Promise.all([get("auth/me"), get("services"), get("locations")]);
    Object.assign(this.state, { me, services, locations: locations.filter((each) => each.is_active) });
    this.state.personId ??= me.staff_id;
    await this.refresh();
    await this.count();
    this.live.start();
    if (this.opening) await this.openById(this.opening);
  }

  /* Asks for what is shown; draws where it differs. Raises Refused and Unreachable. */
  async refresh() {
    const { state } = this;
    const asked = this.#asked();
    const answer = await call("GET", `agenda?${asked}`, { ifNoneMatch: state.shown === asked ? state.etag : "" });
    if (this.#asked() !== asked) return;
    this.live.from(answer.body?.cursor ?? "");
    if (answer.status === 304) return;
    const model = modelOf(answer.body);
    setZone(model.salon.timezone);
    state.date ||= model.dates[0];
    Object.assign(state, { model, etag: answer.etag, shown: this.#asked() });
    state.stands = { date: state.date, view: state.view, locationId: state.locationId };
    if (this.dragging) this.late = true;
    else this.redraw();
    this.mover.check();
  }

  /* What the view needs, as a query. Without a date: the salon's today. */
  #asked() {
    const { view, locationId } = this.state;
    const isWeek = view === "week";
    const date = this.state.date || (isWeek ? today() : "");
    return query({ date: isWeek ? mondayOf(date) : date, days: isWeek ? 7 : 1, location_id: locationId });
  }

  redraw() {
    const { state } = this;
    if (!state.model) return;
    // After the frame in which it stands on the screen: what `make e2e` measures.
    requestAnimationFrame(() => setTimeout(() => {
      performance.clearMarks("drawn");
      performance.mark("drawn");
    }));
    drawToolbar(this);
    this.#address();
    if (state.view === "list" || !WIDE.matches) return this.#drawList();
    document.body.dataset.view = state.view;
    const person = state.view === "week" ? this.person() : null;
    this.grid.show(state.model, { people: this.people(), person, step: state.model.salon.agenda_step_minutes, pending: state.pending });
  }

  #drawList() {
    this.grid.close();
    document.body.dataset.view = "list";
    showList(this.view, this.state.model, this.state.view === "week" ? [this.person()].filter(Boolean) : this.people(), (block) => openBooking(this, block));
    this.keyboard.settle();
  }


  #drag(is) {
    this.dragging = is;
    if (is || !this.late) return;
    this.late = false;
    queueMicrotask(() => this.redraw());
  }

  #reached(ok) {
    const isSaid = document.body.dataset.offline === "1";
    if (ok !== isSaid) return;
    document.body.dataset.offline = ok ? "" : "1";
    document.getElementById("offline")?.remove();
    if (!ok) document.getElementById("main").prepend(h("p", { id: "offline", class: "offline", role: "alert" }, t("offline")));
    else this.live.now();
  }

  async count() {
    const counts = await countsOf();
    if (JSON.stringify(counts) === JSON.stringify(this.state.counts)) return;
    this.state.counts = counts;
    drawToolbar(this);
  }

  people() {
    return this.state.model.people;
  }

  person() {
    const people = this.state.model.people.filter((each) => each.takes_bookings);
    return people.find((each) => each.id === this.state.personId) ?? people[0] ?? null;
  }

  async goTo(date) {
    if (this.state.pending) this.mover.undo();
    this.state.date = date;
    await this.#show();
  }

  goToday = () => this.goTo(today());
  step = (by) => this.goTo(addDays(this.state.date, this.state.view === "week" ? 7 * by : by));

  setView(view) {
    this.state.view = view;
    return this.#show();
  }

  setPerson(id) {
    this.state.personId = id;
    this.redraw();
  }

  setLocation(id) {
    this.state.locationId = id;
    return this.#show();
  }

  /* The head names what is asked for at once; where no answer comes, what still stands below it: never a day over another's. */
  async #show() {
    drawToolbar(this);
    const asked = this.#asked();
    try {
      await this.refresh();
      this.redraw();
    } catch (problem) {
      if (this.#asked() !== asked) return;
      Object.assign(this.state, this.state.stands);
      drawToolbar(this);
      tell(t("unreachable.day"));
      console.warn(problem);
    }
  }

  async setLanguage(code) {
    chooseLanguage(code);
    await loadWords(FILES, code);
    this.redraw();
  }

  create = (at) => openCreate(this, at);
  walkIn = (staffId) => openWalkIn(this, staffId);
  requests = () => openRequests(this);
  waitlist = () => openWaitlist(this);
  find = () => openFind(this);
  notifications = () => openNotifications(this);
  openById = (id) => openBookingById(this, id);

  /* A write is done: what the page shows is true again before its dialog goes; then it is said. */
  async done(dialog, words, { id = null, warnings = [] } = {}) {
    await this.refresh().catch(() => {});
    this.redraw();
    dialog?.close();
    tell(words, { details: (warnings ?? []).map((each) => tOr(`warning.${each.code}`, each.message)) });
    if (id !== null) this.focusBlock(id);
    else requestAnimationFrame(() => this.keyboard.comeBack());
  }

  focusBlock(id) {
    requestAnimationFrame(() => this.keyboard.focus(id));
  }

  async logOut() {
    await logOut().catch(() => {});
    sessionStorage.clear();
    location.reload();
  }

  #address() {
    const { state } = this;
    const at = query({
      date: state.date === today() ? "" : state.date,
      view: state.view === "day" ? "" : state.view,
      staff: state.view === "week" ? this.person()?.id : "",
      location: state.locationId ?? "",
    });
    history.replaceState(null, "", at ? `?${at}` : location.pathname);
  }
}

const agenda = new Agenda();
agenda.begin().catch((problem) => {
  fill(document.getElementById("view"), h("p", { class: "notice" }, t("start_failed")));
  console.error(problem);
});

