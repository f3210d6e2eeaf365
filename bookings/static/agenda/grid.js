/* The vendored calendar behind a thin adapter: nobody else knows its names (docs/adr/0095).

   It speaks the salon's wall clock: texts go in, and the dates that come out are read by their parts. */

import { between, fromDate, now, plus, timeOf, toUtc } from "./clock.js";
import { away, fill, h } from "./dom.js";
import { closedOf } from "./model.js";
import { signs, stateInWords, stateOf } from "./marks.js";
import { currentLanguage, t } from "./words.js";

const NARROWEST_COLUMN = 104;
const LEAST_PIXELS_A_MINUTE = 1.15;
const MOST_PIXELS_A_MINUTE = 2;
const SIDE = 64;
const HEAD = 48;
const TABLE = "[role=table], [role=rowgroup], [role=row], [role=cell], [role=columnheader], [role=rowheader]";

/* Calls: opened(block), placed({start, end, staffId}), moved(block, {start, end, staffId}, revert),
   drawn(milliseconds), busy(true | false) while a person drags. */
export class Grid {
  constructor(element, calls) {
    this.element = element;
    this.calls = calls;
    this.calendar = null;
    this.kind = "";
    // The calendar would click for Enter once more than the button does.
    element.addEventListener("keydown", (event) => event.target.closest(".what") && ["Enter", " "].includes(event.key) && event.stopPropagation(), true);
  }

  /* `pending`: {id, start, end, staffId} of a move that is not sent yet; it stays where it was put. */
  show(model, { people, person, step, pending }) {
    const kind = person ? "timeGridWeek" : "resourceTimeGridDay";
    this.model = model;
    const options = {
      ...this.#scale(model, step, people.length),
      date: model.dates[0],
      resources: person ? [] : people.map((each) => ({ id: each.id, title: each.name, extendedProps: each })),
      events: this.#events(model, person ? [person] : people, pending),
    };
    const shape = JSON.stringify([kind, currentLanguage(), step, options.slotMinTime, options.slotMaxTime, options.slotHeight,
      options.columnWidth, model.dates[0], options.resources.map((each) => [each.id, each.title])]);
    if (shape !== this.kind) {
      this.close();
      this.kind = shape;
      this.calendar = EventCalendar.create(this.element, { ...this.#settings(kind), ...options });
      return;
    }
    this.calendar.setOption("events", options.events);
  }

  /* It calls itself a table whose cells hold nothing; what it holds are buttons, which say all that they are. */
  #asGroup() {
    for (const each of this.element.querySelectorAll(TABLE)) {
      for (const name of ["role", "aria-colindex", "aria-rowindex", "aria-colcount", "aria-rowcount"]) each.removeAttribute(name);
    }
    const root = this.element.querySelector(".ec");
    root?.setAttribute("role", "group");
    root?.setAttribute("aria-label", t("agenda"));
  }

  close() {
    if (this.calendar) EventCalendar.destroy(this.calendar);
    this.calendar = null;
    this.kind = "";
    fill(this.element);
  }

  #scale(model, step, columns) {
    // Down to the window's edge, whether a bar lies over it or not: what is drawn keeps its scale meanwhile.
    const room = window.innerHeight - this.element.getBoundingClientRect().top - HEAD;
    const minutes = model.closes - model.opens;
    const pixels = Math.min(MOST_PIXELS_A_MINUTE, Math.max(LEAST_PIXELS_A_MINUTE, room / minutes));
    const tight = this.element.clientWidth - SIDE < columns * NARROWEST_COLUMN;
    return {
      slotMinTime: clock(model.opens),
      slotMaxTime: clock(model.closes),
      slotHeight: Math.max(5, Math.floor(step * pixels)),
      slotDuration: { minutes: step },
      snapDuration: { minutes: Math.min(step, 15) },
      slotLabelInterval: { minutes: 60 },
      columnWidth: tight && model.dates.length === 1 ? `${NARROWEST_COLUMN}px` : undefined,
    };
  }

  #settings(kind) {
    return {
      view: kind,
      height: "100%",
      headerToolbar: { start: "", center: "", end: "" },
      allDaySlot: false,
      locale: currentLanguage() === "en" ? "en-GB" : currentLanguage(),
      timeZone: offsetNow(),
      firstDay: 1,
      nowIndicator: true,
      scrollTime: "00:00:00",
      slotEventOverlap: false,
      slotLabelFormat: { hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
      dayHeaderFormat: { weekday: "short", day: "numeric", month: "short" },
      // A block says its time itself; to format three hundred spans that nobody sees takes long.
      eventTimeFormat: () => "",
      selectable: true,
      selectBackgroundColor: "var(--chosen)",
      dragScroll: true,
      eventLongPressDelay: 400,
      selectLongPressDelay: 600,
      eventContent: ({ event }) => ({ domNodes: contentOf(event.extendedProps, event) }),
      resourceLabelContent: ({ resource }) => ({ domNodes: [headOf(resource.extendedProps)] }),
      eventClick: ({ event }) => this.#opened(event),
      dateClick: ({ dateStr, resource }) => this.#placed(textOf(dateStr), null, resource),
      select: ({ startStr, endStr, resource }) => this.#placed(textOf(startStr), textOf(endStr), resource),
      eventDragStart: () => this.calls.busy(true),
      eventDragStop: () => this.calls.busy(false),
      eventResizeStart: () => this.calls.busy(true),
      eventResizeStop: () => this.calls.busy(false),
      eventDrop: (info) => this.#moved(info),
      eventResize: (info) => this.#moved(info),
      eventDidMount: ({ el }) => plain(el),
      eventAllUpdated: () => {
        this.#asGroup();
        this.calls.drawn();
      },
    };
  }

  #events(model, people, pending) {
    const shown = new Set(people.map((each) => each.id));
    const events = [];
    for (const person of people) events.push(...groundOf(model, person));
    for (const block of model.blocks) {
      const put = pending && pending.id === block.id ? pending : block;
      if (!shown.has(put.staffId)) continue;
      events.push(...bufferOf(block, put));
      events.push(eventOf(block, put, put !== block));
    }
    for (const hold of model.holds) if (shown.has(hold.staff_id)) events.push(holdOf(hold));
    return events;
  }

  #opened(event) {
    const { block, hold } = event.extendedProps;
    if (block) this.calls.opened(block);
    if (hold) this.calls.held(hold);
  }

  #placed(start, end, resource) {
    this.calendar.unselect();
    this.calls.placed({ start, end, staffId: resource ? Number(resource.id) : null });
  }

  #moved({ event, revert }) {
    const { block } = event.extendedProps;
    const staffId = event.resourceIds.length ? Number(event.resourceIds[0]) : block.staffId;
    this.calls.moved(block, { start: fromDate(event.start), end: fromDate(event.end), staffId }, revert);
  }
}

function clock(minutes) {
  return `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}:00`;
}

const textOf = (iso) => iso.slice(0, 19).replace("T", " ");

/* The salon's distance from UTC now, as "+02:00": where the calendar draws its line of the present. */
function offsetNow() {
  const minutes = Math.round((toUtc(now()) - Date.now()) / 60_000);
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  return `${minutes < 0 ? "-" : "+"}${String(hours).padStart(2, "0")}:${String(rest).padStart(2, "0")}`;
}

function groundOf(model, person) {
  return closedOf(model, person).map(({ start, end, kind, words }, number) => ({
    id: `ground-${person.id}-${number}`,
    start,
    end,
    resourceIds: [person.id],
    display: "background",
    classNames: ["ground", kind],
    extendedProps: { words },
  }));
}

function bufferOf(block, put) {
  const by = between(block.start, put.start);
  return block.buffers.map(({ start, end }, number) => ({
    id: `buffer-${block.id}-${number}`,
    start: plus(start, by),
    end: plus(end, by),
    resourceIds: [put.staffId],
    display: "background",
    classNames: ["ground", "buffer"],
    extendedProps: {},
  }));
}

function eventOf(block, put, isPending) {
  const { booking } = block;
  return {
    id: `booking-${block.id}`,
    start: put.start,
    end: put.end,
    resourceIds: [put.staffId],
    editable: block.isLive || booking.status === "completed",
    classNames: ["block", stateOf(booking), ...(block.marks.waiting ? ["waiting"] : []), ...(isPending ? ["put"] : [])],
    extendedProps: { block },
  };
}

function holdOf(hold) {
  return {
    id: `hold-${hold.id}`,
    start: hold.start_at,
    end: hold.end_at,
    resourceIds: [hold.staff_id],
    editable: false,
    classNames: ["block", "hold"],
    extendedProps: { hold },
  };
}

/* The button is inside, so that it is one: with its own Enter and its own focus. */
function plain(element) {
  element.removeAttribute("role");
  element.removeAttribute("tabindex");
}

/* Time, client, service and marks; what does not fit is cut by the block's own edge, last things first. */
function contentOf({ block, hold, words }, event) {
  if (hold) {
    const who = hold.offer ? t("hold.offered", { who: hold.offer.client_name }) : hold.service_name;
    const words = h("span", { class: "in" }, h("b", {}, t("hold.until", { time: timeOf(hold.expires_at) })), ` ${who}`);
    return [h("button", { type: "button", class: "what" }, words)];
  }
  if (!block) return words ? [h("div", { class: "why" }, words)] : [];
  const { booking } = block;
  const minutes = (event.end - event.start) / 60_000;
  const start = timeOf(fromDate(event.start));
  const marks = signs(block);
  const isPlain = stateOf(booking) === "scheduled";
  const gaps = block.gaps.map((gap) => lightly(gap, block));
  return [
    ...gaps,
    h(
      "button",
      { type: "button", class: minutes <= 20 ? "what short" : "what", "data-booking": block.id, tabindex: -1 },
      h(
        "span",
        { class: "in" },
        marks.length ? h("span", { class: "signs" }, marks) : null,
        h("b", { class: "time" }, start),
        " ",
        h("span", { class: "who" }, nameOf(block)),
        " ",
        h("span", { class: "service" }, booking.service_name),
        isPlain ? null : h("span", { class: "state" }, stateInWords(booking)),
        away(isPlain ? `, ${booking.staff_name}, ${stateInWords(booking)}` : `, ${booking.staff_name}`),
      ),
    ),
  ];
}

function lightly(gap, block) {
  const whole = toUtc(block.end) - toUtc(block.start);
  const element = h("div", { class: "gap", title: t("gap") });
  element.style.top = `${((toUtc(gap.start) - toUtc(block.start)) / whole) * 100}%`;
  element.style.height = `${((toUtc(gap.end) - toUtc(gap.start)) / whole) * 100}%`;
  return element;
}

export function nameOf(block) {
  if (block.isWalkIn) return t("walkin");
  return block.booking.client_name || t("client.erased");
}

function headOf(person) {
  const dot = h("span", { class: "dot", "aria-hidden": "true" });
  if (/^#[0-9a-f]{6}$/i.test(person.color || "")) dot.style.background = person.color;
  return h("span", { class: "person", title: person.name }, dot, h("span", {}, person.name));
}

