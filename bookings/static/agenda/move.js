/* A block is moved: first what it would do, then a bar to say yes, then the write (contract §11 "move").

   Until it is sent nothing has happened, and Undo costs nothing. */

import { Refused, Unreachable, put, wouldBe } from "./api.js";
import { between, dateOf, plus, timeOf } from "./clock.js";
import { openDialog, sentenceOf } from "./dialog.js";
import { conflictsInWords, effectsOf, moveInWords } from "./effects.js";
import { field, fill, h, select } from "./dom.js";
import { nameOf } from "./grid.js";
import { tell } from "./told.js";
import { t } from "./words.js";

export class Mover {
  constructor(app) {
    this.app = app;
    this.bar = document.getElementById("bar");
    this.bar.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.undo();
    });
  }

  /* `to`: {start, end, staffId}. The block is shown there until it is sent or undone. */
  async propose(block, to, more = {}) {
    if (to.start === block.start && to.end === block.end && to.staffId === block.staffId) return this.undo();
    const app = this.app;
    const body = { ...changesOf(block, to), ...more };
    const move = { id: block.id, ...to, block, body, from: { start: block.start, end: block.end, staffId: block.staffId } };
    app.state.pending = move;
    app.redraw();
    this.#show(move, [h("p", { class: "spinner" }, t("move.asking"))], []);
    try {
      const would = await wouldBe("PUT", `bookings/${block.id}`, body);
      if (app.state.pending === move) this.#offer(move, would);
    } catch (problem) {
      if (app.state.pending !== move) return;
      if (problem instanceof Refused && problem.status === 404 && problem.code !== "booking_not_found") this.#offer(move, null);
      else this.#refused(move, problem);
    }
  }

  #offer(move, would) {
    const who = nameOf(move.block);
    const lines = would ? effectsOf(would, who) : [];
    const words = [
      h("p", { class: "what" }, h("b", {}, sentence(this.app, move)), " ", lines.filter(isPlain).map((each) => `${each.words} `)),
      lines.some((each) => each.kind === "warning")
        ? h("ul", { class: "warnings" }, lines.filter((each) => !isPlain(each)).map((each) => h("li", {}, each.words)))
        : null,
    ];
    this.#show(move, words, [
      { label: t("move.do"), kind: "main", act: () => this.#send(move, {}) },
      { label: t("move.silently"), kind: "quiet", act: () => this.#askReason(move) },
      { label: t("move.undo"), kind: "quiet", act: () => this.undo() },
    ]);
  }

  #askReason(move) {
    const input = h("input", { class: "field", maxlength: 200, name: "reason" });
    const send = () => (input.value.trim() ? this.#send(move, { notify: false, reason: input.value.trim() }) : input.focus());
    input.addEventListener("keydown", (event) => event.key === "Enter" && send());
    this.#show(
      move,
      [h("p", { class: "what" }, h("b", {}, sentence(this.app, move))), field(t("silently.reason"), input, { hint: t("silently.hint") })],
      [
        { label: t("silently.do"), kind: "main", act: send },
        { label: t("move.undo"), kind: "quiet", act: () => this.undo() },
      ],
    );
    input.focus();
  }

  async #send(move, more) {
    const { app } = this;
    if (move.sending) return;
    move.sending = true;
    try {
      await put(`bookings/${move.id}`, { ...move.body, ...more }, move.block.booking.version);
      this.#close();
      await app.done(null, t("move.done", { what: sentence(app, move) }), { id: move.id });
    } catch (problem) {
      move.sending = false;
      if (problem instanceof Unreachable) return this.#unsure(move, more);
      await this.#refused(move, problem);
    }
  }

  /* Nobody knows whether it was done. The version in If-Match makes a second try harmless. */
  #unsure(move, more) {
    this.#show(move, [h("p", { class: "what bad" }, t("unreachable.move"))], [
      { label: t("again"), kind: "main", act: () => this.#send(move, more) },
      { label: t("move.undo"), kind: "quiet", act: () => this.undo() },
    ]);
  }

  /* Back to where it was, and what stands in the way is named. */
  async #refused(move, problem) {
    const { app } = this;
    app.state.pending = null;
    await app.refresh().catch(() => {});
    // Where nothing is new it is not drawn anew either.
    app.redraw();
    const now = app.state.model?.byId.get(move.id);
    if (problem instanceof Unreachable) return this.#notice(move, t("unreachable.move_back"), []);
    if (problem.status === 412) {
      if (now && now.start === move.start && now.end === move.end && now.staffId === move.staffId) {
        this.#close();
        return tell(t("move.done", { what: sentence(app, move) }));
      }
      const where = now ? t("move.is_now", { at: timeOf(now.start), name: now.booking.staff_name }) : t("move.is_gone");
      return this.#notice(move, `${t("refused.changed")} ${where}`, []);
    }
    const inTheWay = conflictsInWords(problem.conflicts, app.state.model);
    const again = problem.code === "slot_taken" && now ? [{ label: t("move.all_the_same"), kind: "quiet", act: () => this.propose(now, move, { allow_overlap: true }) }] : [];
    const words = problem.code === "slot_taken" ? t("move.taken", { what: sentence(app, move) }) : sentenceOf(problem);
    return this.#notice(move, words, inTheWay, again);
  }

  #notice(move, words, list, buttons = []) {
    this.#show(move, [
      h("p", { class: "what bad" }, words),
      list.length ? h("ul", { class: "warnings" }, list.map((each) => h("li", {}, each))) : null,
    ], [{ label: t("close"), kind: "main", act: () => this.undo() }, ...buttons]);
  }

  #show(move, words, buttons) {
    this.shown = move.id;
    const made = buttons.map(({ label, kind, act }) => h("button", { type: "button", class: kind, onclick: act }, label));
    fill(this.bar, h("div", { class: "words", role: "status" }, words), h("div", { class: "buttons" }, made));
    this.bar.hidden = false;
    this.bar.setAttribute("role", "region");
    this.bar.setAttribute("aria-label", t("move.bar"));
    made[0]?.focus();
  }

  #close() {
    this.app.state.pending = null;
    this.bar.hidden = true;
    fill(this.bar);
  }

  undo() {
    const isShown = !this.bar.hidden;
    this.#close();
    this.app.redraw();
    if (isShown) this.app.focusBlock(this.shown);
  }

  /* What a poll brought: a move of a block that somebody else has changed is no longer true. */
  check() {
    const move = this.app.state.pending;
    if (!move || move.sending) return;
    const fresh = this.app.state.model.byId.get(move.id);
    if (fresh && fresh.booking.version === move.block.booking.version) return;
    this.#refused(move, new Refused(412, {}));
  }

  /* The same as a form, for a keyboard. */
  form(block) {
    const { app } = this;
    const date = h("input", { class: "field", type: "date", name: "date", value: dateOf(block.start), required: true });
    const time = h("input", { class: "field", type: "time", name: "start_at", value: timeOf(block.start), step: 300, required: true });
    const minutes = h("input", { class: "field", type: "number", name: "end_at", min: 5, max: 1440, step: 5, value: between(block.start, block.end) });
    const people = app.state.model.people.filter((each) => each.takes_bookings || each.id === block.staffId);
    const person = select(people.map((each) => [each.id, each.name]), block.staffId, { name: "staff_id" });
    openDialog({
      title: t("move.title", { who: nameOf(block) }),
      body: [
        h("div", { class: "beside" }, field(t("date"), date), field(t("time"), time)),
        h("div", { class: "beside" }, field(t("with"), person), field(t("minutes.long"), minutes)),
      ],
      buttons: [
        {
          label: t("move.look"),
          kind: "main",
          act: (dialog) => {
            if (!date.value || !time.value || !(minutes.valueAsNumber > 0)) return dialog.say(t("form.incomplete"));
            const start = `${date.value} ${time.value}:00`;
            dialog.close();
            this.propose(block, { start, end: plus(start, minutes.valueAsNumber), staffId: Number(person.value) });
          },
        },
        { label: t("cancel") },
      ],
    });
    time.focus();
  }
}

const isPlain = (line) => line.kind !== "warning";

function sentence(app, move) {
  const person = app.state.model.people.find((each) => each.id === move.staffId);
  return moveInWords(move.from, move, person?.name ?? "");
}

/* Only what changes is sent. */
function changesOf(block, to) {
  const changes = {};
  if (to.start !== block.start) changes.start_at = to.start;
  if (to.end !== block.end) changes.end_at = to.end;
  if (to.staffId !== block.staffId) changes.staff_id = to.staffId;
  return changes;
}
