/* What the screen shows, made of one answer of GET /api/agenda: people, their hours, and blocks. */

import { addDays, between, dateOf } from "./clock.js";

const LIVE = new Set(["scheduled", "provisional"]);
const AN_HOUR = 60;
const A_DAY = 1440;

/* The whole of a day or a week, by start; `byId` finds a block. */
export function modelOf(answer) {
  const blocks = answer.bookings.map(blockOf).sort(inOrder);
  return {
    ...answer,
    dates: answer.days.map((each) => each.date),
    people: answer.staff,
    blocks,
    byId: new Map(blocks.map((each) => [each.id, each])),
    ...limitsOf(answer, blocks),
  };
}

function blockOf(booking) {
  const { marks, client } = booking;
  const stretches = (kind) => booking.stretches.filter((each) => each.kind === kind);
  const spans = (kind) => stretches(kind).map((each) => ({ start: each.start_at, end: each.end_at }));
  return {
    id: booking.id,
    booking,
    staffId: booking.staff_id,
    start: booking.start_at,
    end: booking.end_at,
    isLive: LIVE.has(booking.status),
    isWalkIn: marks.walk_in,
    gaps: spans("gap"),
    buffers: spans("buffer"),
    alert: client?.alert ?? "",
    marks: {
      waiting: marks.request === "waiting",
      alert: marks.alert,
      first: marks.first_visit,
      requested: marks.requested,
      asked: Boolean(marks.asked) && !marks.confirmed,
      confirmed: marks.confirmed,
      fee: marks.fee !== null,
      series: marks.series,
      walkIn: marks.walk_in,
    },
  };
}

function inOrder(one, other) {
  return one.start.localeCompare(other.start) || one.staffId - other.staffId || one.id - other.id;
}

/* The hours that are shown, as minutes of a day: from an hour before the first opens until an hour after the
   last has closed, and whatever is booked outside of them. */
function limitsOf(answer, blocks) {
  const begins = [];
  const ends = [];
  const minuteOf = (text, date) => between(`${date} 00:00:00`, text);
  const keeping = answer.staff.filter((person) => person.keeps_hours);
  for (const { date, hours } of keeping.flatMap((person) => person.days)) {
    for (const span of hours) {
      begins.push(minuteOf(span.start_at, date) - AN_HOUR);
      ends.push(minuteOf(span.end_at, date) + AN_HOUR);
    }
  }
  for (const block of blocks) {
    begins.push(minuteOf(block.start, dateOf(block.start)));
    ends.push(minuteOf(block.end, dateOf(block.start)));
  }
  const first = begins.length ? Math.max(0, Math.floor(Math.min(...begins) / AN_HOUR)) : 8;
  const last = ends.length ? Math.min(24, Math.ceil(Math.max(...ends) / AN_HOUR)) : 19;
  return { opens: first * AN_HOUR, closes: Math.min(A_DAY, Math.max(last, first + 2) * AN_HOUR) };
}

/* When this person does not work: [{start, end, kind, words}], the ground of a column. */
export function closedOf(model, person) {
  const found = [];
  person.days.forEach(({ date, hours, exception }, number) => {
    if (!person.keeps_hours && !model.days[number].holiday) return;
    const words = model.days[number].holiday?.name || (hours.length ? "" : exception?.name) || "";
    let at = `${date} 00:00:00`;
    const end = `${addDays(date, 1)} 00:00:00`;
    for (const span of hours) {
      if (span.start_at > at) found.push({ start: at, end: span.start_at, kind: "closed", words: "" });
      if (span.end_at > at) at = span.end_at;
    }
    if (at < end) found.push({ start: at, end, kind: "closed", words });
  });
  for (const off of model.time_off.filter((each) => each.staff_id === person.id)) {
    found.push({ start: off.start_at, end: off.end_at, kind: "off", words: off.reason ?? "" });
  }
  return found;
}

/* Whether the person works at that moment, as far as hours say. */
export function worksAt(person, at) {
  return !person.keeps_hours || person.days.some((day) => day.hours.some((span) => span.start_at <= at && at < span.end_at));
}
