/* What a write would do, in sentences (contract §11 "dry run"): mails, fees, the waitlist, warnings. */

import { between, dateOf, now, timeOf } from "./clock.js";
import { dayShort, money, t, tOr } from "./words.js";

const REMINDERS = /reminder/;

/* [{words, kind}] of `would`; `who` is the client's name. `quiet`: the client is told in person. */
export function effectsOf(would, who) {
  const lines = [];
  const leaving = would.messages.filter((each) => each.was !== "dropped" && !each.why_not && !isOurs(each));
  const silent = would.messages.filter((each) => each.was !== "dropped" && each.why_not && !isOurs(each));
  for (const message of leaving) lines.push({ kind: "mail", words: mailInWords(message, who) });
  for (const message of leaving.length ? [] : silent.slice(0, 1)) {
    lines.push({ kind: "none", words: t("effect.no_mail_because", { why: tOr(`why.${message.why_not}`, message.why_not) }) });
  }
  if (!leaving.length && !silent.length) {
    const dropped = would.messages.some((each) => each.was === "dropped" && !isOurs(each));
    lines.push({ kind: "none", words: dropped ? t("effect.mail_dropped", { who }) : t("effect.no_mail", { who }) });
  }
  if (would.messages.some((each) => REMINDERS.test(each.type) && each.was !== "dropped")) {
    lines.push({ kind: "none", words: t("effect.reminder") });
  }
  if (would.fee) lines.push(feeInWords(would.fee));
  if (would.waitlist?.length) lines.push({ kind: "none", words: t("effect.waitlist", { count: would.waitlist.length }) });
  const isSaid = silent.some((each) => each.why_not === "no_address");
  for (const warning of would.warnings || []) {
    if (isSaid && warning.code === "no_address") continue;
    lines.push({ kind: "warning", words: tOr(`warning.${warning.code}`, warning.message) });
  }
  return lines;
}

/* Reminders move along by themselves; they are no news about this change. */
function isOurs(message) {
  return REMINDERS.test(message.type) || message.type === "followup.step" || message.type === "review.request";
}

function mailInWords(message, who) {
  const kind = message.channel === "sms" ? "text" : "mail";
  const minutes = Math.round(between(now(), message.due_at));
  if (minutes <= 1) return t(`effect.${kind}_now`, { who });
  if (minutes <= 120) return t(`effect.${kind}_in`, { who, count: minutes });
  const at = dateOf(message.due_at) === dateOf(now()) ? timeOf(message.due_at) : `${dayShort(message.due_at)} ${timeOf(message.due_at)}`;
  return t(`effect.${kind}_at`, { who, at });
}

function feeInWords(fee) {
  const amount = money(fee.amount, fee.currency);
  if (fee.state === "due") return { kind: "warning", words: t("effect.fee", { amount }) };
  if (fee.state === "void") return { kind: "none", words: t("effect.fee_void", { amount }) };
  return { kind: "none", words: t("effect.fee_not", { amount }) };
}

/* "10:30 to 11:00 with Bea", with the day where it is another one. */
export function moveInWords(from, to, name) {
  const sameDay = dateOf(from.start) === dateOf(to.start);
  const start = sameDay ? timeOf(to.start) : `${dayShort(to.start)} ${timeOf(to.start)}`;
  const old = sameDay ? timeOf(from.start) : `${dayShort(from.start)} ${timeOf(from.start)}`;
  const longer = between(from.start, from.end) !== between(to.start, to.end);
  if (from.start === to.start && from.staffId !== to.staffId) return t("move.person", { at: start, name });
  if (from.start === to.start && longer) return t("move.length", { start, end: timeOf(to.end), name });
  return t("move.time", { from: old, to: start, name });
}

/* Who stands in the way: "11:00-11:45 Bob Brown (Haircut)". */
export function conflictsInWords(conflicts, model) {
  return conflicts.map((each) => {
    const span = `${timeOf(each.start_at)}\u2013${timeOf(each.end_at)}`;
    const block = model.byId.get(each.booking_id);
    return block ? `${span} ${block.booking.client_name || t("client.erased")} (${block.booking.service_name})` : `${span} ${t("conflict.hidden")}`;
  });
}
