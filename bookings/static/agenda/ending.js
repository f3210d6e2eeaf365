/* A booking ends badly: cancelled, or the client did not come. Both say what it sets in motion before. */

import { Refused, call, query, wouldBe } from "./api.js";
import { timeOf } from "./clock.js";
import { openDialog, sentenceOf } from "./dialog.js";
import { field, fill, h, newId, select } from "./dom.js";
import { effectsOf } from "./effects.js";
import { nameOf } from "./grid.js";
import { t } from "./words.js";

/* Cancelling and declining. Asks whether the client is to be told by us. */
export function openCancel(app, block) {
  const { booking } = block;
  const isRequest = booking.status === "provisional";
  const inVisit = app.state.model.blocks.filter((each) => each.booking.visit_id === booking.visit_id && each.isLive);
  const scopes = [["one", t("scope.one")]];
  if (inVisit.length > 1) scopes.push(["visit", t("scope.visit", { count: inVisit.length })]);
  if (booking.series_id !== null) scopes.push(["following", t("scope.following")], ["all", t("scope.all")]);
  const whole = isRequest && inVisit.length > 1 ? "visit" : "one";
  const scope = select(scopes, whole, { name: "scope" });
  const reason = h("input", { class: "field", name: "reason", maxlength: 200 });
  const tells = choice("notify", [["yes", t("cancel.tell", { who: nameOf(block) })], ["no", t("cancel.silent")]]);
  const said = h("div", { class: "effects", role: "status" });
  const address = (isDry) => {
    const path = scope.value === "visit" ? `visits/${booking.visit_id}` : `bookings/${block.id}`;
    const silent = tells.chosen() === "no";
    return `${path}?${query({
      scope: ["visit", "one"].includes(scope.value) ? "" : scope.value,
      reason: reason.value.trim() || (isDry && silent ? "-" : ""),
      notify: silent ? "false" : "",
    })}`;
  };
  const look = () => preview(said, () => wouldBe("DELETE", address(true)), nameOf(block));
  scope.addEventListener("change", look);
  tells.element.addEventListener("change", look);
  openDialog({
    title: t(isRequest ? "request.decline_title" : "cancel.title", { who: nameOf(block), time: timeOf(block.start) }),
    body: [scopes.length > 1 ? field(t("scope"), scope) : null, tells.element, field(t("reason"), reason, { hint: t("cancel.reason_hint") }), said],
    buttons: [
      {
        label: t(isRequest ? "request.decline" : "cancel.do"),
        kind: "main danger",
        act: async (dialog) => {
          if (tells.chosen() === "no" && !reason.value.trim()) {
            reason.setAttribute("aria-invalid", "true");
            reason.focus();
            return dialog.say(t("silently.needs_reason"));
          }
          await call("DELETE", address(false), { ifMatch: scope.value === "visit" ? undefined : booking.version });
          await app.done(dialog, t("cancel.done", { who: nameOf(block) }));
        },
      },
      { label: t("cancel") },
    ],
  });
  look();
}

/* Did not come: the fee is shown before anything is done. */
export function openNoShow(app, block) {
  const said = h("div", { class: "effects", role: "status" });
  const body = { status: "no-show" };
  openDialog({
    title: t("noshow.title", { who: nameOf(block), time: timeOf(block.start) }),
    body: [said],
    buttons: [
      {
        label: t("noshow.do"),
        kind: "main danger",
        act: async (dialog) => {
          await call("PUT", `bookings/${block.id}`, { body, ifMatch: block.booking.version });
          await app.done(dialog, t("noshow.done", { who: nameOf(block) }), { id: block.id });
        },
      },
      { label: t("cancel") },
    ],
  });
  preview(said, () => wouldBe("PUT", `bookings/${block.id}`, body), nameOf(block), t("noshow.no_fee"));
}

/* What it would set in motion, into `place`; nothing where an older release cannot say. `noFee`: said if there is none. */
export async function preview(place, ask, who, noFee = "") {
  fill(place, h("p", { class: "spinner" }, t("move.asking")));
  try {
    const would = await ask();
    const lines = effectsOf(would, who);
    if (noFee && !would.fee) lines.push({ kind: "none", words: noFee });
    fill(place, h("ul", {}, lines.map((each) => h("li", { class: each.kind }, each.words))));
  } catch (problem) {
    const isOld = problem instanceof Refused && problem.status === 404;
    fill(place, isOld ? null : h("p", { class: "warning" }, sentenceOf(problem)));
  }
}

/* Radio buttons: {element, chosen()}. The first is chosen. */
export function choice(name, choices) {
  const group = newId(name);
  const element = h(
    "fieldset",
    { class: "choices" },
    choices.map(([value, words], number) =>
      h("label", {}, h("input", { type: "radio", name: group, value, checked: number === 0 }), h("span", {}, words)),
    ),
  );
  return { element, chosen: () => element.querySelector(":checked").value };
}
