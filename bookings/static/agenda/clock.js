/* The salon's wall clock. A time is the text that the API speaks, "2026-11-27 10:30:00": it sorts as it is and
   no zone of this device touches it. Sums go through UTC, so a day of daylight saving is a day like any other,
   as it is on the wall. */

const MINUTE = 60_000;

export function toUtc(text) {
  const [date, time = "00:00:00"] = text.replace("T", " ").split(" ");
  const [year, month, day] = date.split("-").map(Number);
  const [hour, minute, second = 0] = time.split(":").map(Number);
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

export function fromUtc(milliseconds) {
  return new Date(milliseconds).toISOString().slice(0, 19).replace("T", " ");
}

/* The calendar's Date of the same wall clock in this device's zone, and back. */
export function fromDate(date) {
  const two = (number) => String(number).padStart(2, "0");
  return (
    `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ` +
    `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
  );
}

export function plus(text, minutes) {
  return fromUtc(toUtc(text) + minutes * MINUTE);
}

export function between(start, end) {
  return (toUtc(end) - toUtc(start)) / MINUTE;
}

export const dateOf = (text) => text.slice(0, 10);
export const timeOf = (text) => text.slice(11, 16);

export function addDays(date, days) {
  return dateOf(plus(`${date} 00:00:00`, days * 1440));
}

export function mondayOf(date) {
  const weekday = (new Date(toUtc(date)).getUTCDay() + 6) % 7;
  return addDays(date, -weekday);
}

/* The salon's zone is told by its settings. */
let form = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium", timeZone: "UTC" });

export function setZone(zone) {
  form = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium", timeZone: zone });
}

export function now() {
  return form.format(new Date());
}

export const today = () => dateOf(now());

/* Rounded down to a step of the clock. */
export function downTo(text, step) {
  const minutes = between(`${dateOf(text)} 00:00:00`, text);
  return plus(`${dateOf(text)} 00:00:00`, Math.floor(minutes / step) * step);
}
