/* A new booking, or several services at one go as a visit: client, services, people, a time that is free. */

import { Refused, Unreachable, get, newKey, post, query, wouldBe } from "./api.js";
import { between, dateOf, plus, timeOf } from "./clock.js";
import { clientPicker } from "./client.js";
import { openDialog, sentenceOf } from "./dialog.js";
import { debounced, field, fill, h, newId, select } from "./dom.js";
import { conflictsInWords, effectsOf } from "./effects.js";
import { duration, listed, t } from "./words.js";

const LOOK_AFTER = 400;
const SUGGESTED = 8;
const MOST_SERVICES = 6;

/* `at`: {start, end, staffId} of the place that was clicked; each may be null. `from`: what else is known. */
export function openCreate(app, at, from = {}) {
  const order = new Order(app, at, from);
  order.open();
  return order;
}

class Order {
  constructor(app, at, from) {
    this.app = app;
    this.from = from;
    this.key = newKey();
    this.length = at.end ? between(at.start, at.end) : 0;
    const start = at.start || `${app.state.date} `;
    this.changed = () => { this.overlap = false; this.look(); };
    this.client = clientPicker(this.changed, { chosen: from.client ?? null });
    this.date = h("input", { class: "field", type: "date", name: "date", value: dateOf(start), required: true, onchange: this.changed });
    this.time = h("input", { class: "field", type: "time", name: "start_at", step: 300, value: at.start ? timeOf(start) : "", required: true, onchange: this.changed });
    this.items = [];
    this.itemsPlace = h("div", { class: "items" });
    this.addItem(from.serviceId ?? "", at.staffId ?? from.staffId ?? "");
    this.note = h("input", { class: "field", name: "internal_notes", maxlength: 500, autocomplete: "off" });
    this.told = h("input", { type: "checkbox", id: newId("told"), onchange: () => { this.reasonEntry.hidden = !this.told.checked; this.look(); } });
    this.reason = h("input", { class: "field", name: "reason", maxlength: 200 });
    this.reasonEntry = field(t("silently.reason"), this.reason);
    this.reasonEntry.hidden = true;
    this.starts = h("div", { class: "starts", role: "group", "aria-label": t("suggestions") });
    this.said = h("div", { class: "effects", role: "status" });
    this.look = debounced(() => this.#look(), LOOK_AFTER);
  }

  open() {
    this.dialog = openDialog({
      title: t(this.from.waitlistId ? "create.from_waitlist" : "create.title"),
      wide: true,
      body: [
        this.client.element,
        this.itemsPlace,
        h("div", { class: "beside" }, field(t("date"), this.date), field(t("time"), this.time)),
        this.starts,
        field(t("note.team"), this.note),
        h("p", { class: "tick" }, this.told, h("label", { for: this.told.id }, t("create.told"))),
        this.reasonEntry,
        this.said,
      ],
      buttons: this.#buttons(),
    });
    this.client.focus();
    this.look();
  }

  #buttons() {
    return [
      { label: t("create.do"), kind: "main", act: () => this.#send() },
      { label: t("cancel") },
    ];
  }

  addItem(serviceId, staffId) {
    const { services, model } = this.app.state;
    const byCategory = services.filter((each) => each.is_active).map((each) => [each.id, `${each.name} (${duration(each.duration_minutes)})`]);
    const service = select([["", t("service.choose")], ...byCategory], serviceId, { name: `items.${this.items.length}.service_id`, onchange: () => { this.length = 0; this.changed(); } });
    const person = select([["", t("anybody")], ...model.people.filter((each) => each.takes_bookings).map((each) => [each.id, each.name])], staffId, { name: `items.${this.items.length}.staff_id`, onchange: () => this.changed() });
    const requested = h("input", { type: "checkbox", id: newId("requested") });
    const row = h(
      "div",
      { class: "ordered" },
      field(t("service"), service),
      field(t("with"), person),
      h("p", { class: "tick" }, requested, h("label", { for: requested.id }, t("create.requested"))),
    );
    const item = { row, service, person, requested };
    if (this.items.length) row.append(h("button", { type: "button", class: "link", onclick: () => this.#dropItem(item) }, t("create.drop")));
    this.items.push(item);
    this.#showItems();
    return item;
  }

  #dropItem(item) {
    this.items = this.items.filter((each) => each !== item);
    this.#showItems();
    this.changed();
  }

  #showItems() {
    const more = h("button", { type: "button", class: "link", onclick: () => this.addItem("", "").service.focus() }, t("create.more"));
    fill(this.itemsPlace, this.items.map((each) => each.row), this.items.length < MOST_SERVICES ? more : null);
  }

  get #start() {
    return this.date.value && this.time.value ? `${this.date.value} ${this.time.value}:00` : "";
  }

  get #wanted() {
    return this.items.filter((each) => each.service.value).map((each) => ({
      service_id: Number(each.service.value),
      staff_id: each.person.value ? Number(each.person.value) : null,
      staff_requested: each.requested.checked && Boolean(each.person.value),
    }));
  }

  /* The path and body of the write: one service with a named person is a booking, all else is a visit. */
  #write(clientId) {
    const items = this.#wanted;
    const common = {
      client_id: clientId,
      start_at: this.#start,
      internal_notes: this.note.value.trim(),
      ...(this.overlap ? { allow_overlap: true } : {}),
      ...(this.told.checked ? { notify: false, reason: this.reason.value.trim() } : {}),
    };
    const [only] = items;
    if (items.length === 1 && only.staff_id !== null) {
      const end = this.length ? { end_at: plus(this.#start, this.length) } : {};
      const waited = this.from.waitlistId ? { waitlist_id: this.from.waitlistId } : {};
      return { path: "bookings", body: { ...common, ...only, ...end, ...waited } };
    }
    return { path: "visits", body: { ...common, items: items.map((each) => (each.staff_id === null ? { service_id: each.service_id } : each)) } };
  }

  async #look() {
    if (!this.dialog?.element.isConnected) return;
    const items = this.#wanted;
    if (!items.length || !this.date.value) return fill(this.starts);
    const [found] = await Promise.allSettled([this.#freeStarts(items)]);
    if (found.status === "fulfilled") this.#showStarts(found.value);
    const client = this.client.chosen();
    if (!this.#start || !client || client.fresh) return fill(this.said);
    const { path, body } = this.#write(client.id);
    if (body.notify === false && !body.reason) body.reason = "-";
    try {
      const would = await wouldBe("POST", path, body);
      fill(this.said, h("ul", {}, effectsOf(would, client.name).map((each) => h("li", { class: each.kind }, each.words))));
    } catch (problem) {
      if (problem instanceof Refused && problem.status !== 404) this.#inTheWay(problem);
      else fill(this.said);
    }
  }

  /* Starts of that day: [{start, names}]. */
  async #freeStarts(items) {
    const day = { date_from: this.date.value, date_to: this.date.value };
    if (items.length > 1) {
      const wanted = items.map((each) => `${each.service_id}:${each.staff_id ?? "any"}`).join(",");
      const answer = await get(`availability?${query({ items: wanted, ...day })}`);
      return answer.days.flatMap((each) => each.starts.map((start) => ({ start: start.start_at, staffIds: start.items.map((item) => item.staff_id) })));
    }
    const [only] = items;
    const answer = await get(`availability?${query({ service_id: only.service_id, staff_id: only.staff_id, ...day })}`);
    const byStart = new Map();
    for (const person of answer.days.flatMap((each) => each.staff)) {
      for (const start of person.starts) byStart.set(start, [...(byStart.get(start) ?? []), person.staff_id]);
    }
    return [...byStart].sort(([one], [other]) => one.localeCompare(other)).map(([start, staffIds]) => ({ start, staffIds }));
  }

  /* The nearest to the chosen time, or the first of the day, each a button. */
  #showStarts(all) {
    const wished = this.#start;
    const near = wished ? [...all].sort((one, other) => Math.abs(between(wished, one.start)) - Math.abs(between(wished, other.start))) : all;
    const shown = near.slice(0, SUGGESTED).sort((one, other) => one.start.localeCompare(other.start));
    const nameOf = (id) => this.app.state.model.people.find((each) => each.id === id)?.name ?? "";
    fill(
      this.starts,
      h("p", { class: "label" }, shown.length ? t("suggestions") : t("suggestions.none")),
      shown.map(({ start, staffIds }) =>
        h("button", { type: "button", class: "start", "aria-pressed": String(start === wished), title: listed([...new Set(staffIds)].map(nameOf)), onclick: () => { this.time.value = timeOf(start); this.length = 0; this.changed(); } }, timeOf(start))),
    );
  }

  #inTheWay(problem, sentence = h("p", {}, sentenceOf(problem))) {
    const list = conflictsInWords(problem.conflicts, this.app.state.model);
    fill(this.said, h("div", { class: "warning" }, sentence, list.length ? h("ul", {}, list.map((each) => h("li", {}, each))) : null,
      problem.code === "slot_taken" ? h("button", { type: "button", class: "link", onclick: () => { this.overlap = true; this.look(); } }, t("create.overlap")) : null));
  }

  async #send() {
    const client = this.client.chosen();
    const items = this.#wanted;
    if (!client || (client.fresh && !client.fresh.first_name)) return this.dialog.say(t("create.needs_client"));
    if (!items.length) return this.dialog.say(t("create.needs_service"));
    if (!this.#start) return this.dialog.say(t("create.needs_time"));
    if (this.told.checked && !this.reason.value.trim()) return this.dialog.say(t("silently.needs_reason"));
    try {
      const { path, body } = this.#write(client.id ?? (await this.#newClient(client.fresh)));
      const answer = await post(path, body, this.#keyOf(body));
      const made = answer.bookings?.[0] ?? answer;
      this.app.state.date = dateOf(made.start_at);
      const words = t("create.done", { who: made.client_name, time: timeOf(made.start_at) });
      await this.app.done(this.dialog, words, { id: made.id, warnings: answer.warnings });
    } catch (problem) {
      if (problem instanceof Refused && problem.conflicts.length) this.#inTheWay(problem, null);
      if (problem instanceof Unreachable) this.dialog.setButtons([{ label: t("again"), kind: "main", act: () => this.#send() }, { label: t("cancel") }]);
      throw problem;
    }
  }

  /* The same order keeps its key over every try; another order gets another one. */
  #keyOf(body) {
    const text = JSON.stringify(body);
    if (this.sent !== undefined && this.sent !== text) this.key = newKey();
    this.sent = text;
    return this.key;
  }

  /* Made once, also where the booking is then refused and sent again. */
  async #newClient(fresh) {
    const text = JSON.stringify(fresh);
    if (this.made?.text !== text) {
      if (this.makingText !== text) [this.makingText, this.makingKey] = [text, newKey()];
      const client = await post("clients", fresh, this.makingKey);
      this.made = { text, id: client.id };
    }
    return this.made.id;
  }
}
