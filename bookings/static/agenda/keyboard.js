/* Everything without a pointer: one stop for Tab among the blocks, arrows between them, a key for each action. */

import { openDialog } from "./dialog.js";
import { h } from "./dom.js";
import { legend } from "./marks.js";
import { t } from "./words.js";

const KEYS = ["n", "w", "f", "m", "t", "[", "]", "1", "2", "3", "r", "l", "i", "p", "?"];

export class Keyboard {
  constructor(app) {
    this.app = app;
    this.current = null;
    this.place = null;
    document.addEventListener("keydown", (event) => this.#pressed(event));
    document.getElementById("view").addEventListener("focusin", (event) => {
      const block = event.target.closest("[data-booking]");
      if (block) this.#take(block);
    });
  }

  get #blocks() {
    return [...document.querySelectorAll("#view [data-booking]")];
  }

  /* After a drawing: the block that had the stop has it again, else the one that follows it in the person's day. */
  settle() {
    const blocks = this.#blocks;
    const kept = blocks.find((each) => each.dataset.booking === this.current) ?? this.#following(blocks) ?? blocks[0];
    for (const each of blocks) each.tabIndex = each === kept ? 0 : -1;
  }

  #take(block) {
    this.current = block.dataset.booking;
    this.place = this.app.state.model?.byId.get(Number(this.current)) ?? null;
    for (const each of this.#blocks) each.tabIndex = each === block ? 0 : -1;
  }

  /* Where the button of the last focus has gone, so that the next key is not lost. */
  comeBack() {
    const stop = this.#blocks.find((each) => each.tabIndex === 0);
    if (stop && document.activeElement === document.body) this.focus(stop.dataset.booking);
  }

  #following(blocks) {
    const { byId } = this.app.state.model;
    const isAfter = (each) => each && each.staffId === this.place?.staffId && each.start > this.place.start;
    const blockOf = (each) => byId.get(Number(each.dataset.booking));
    return blocks.filter((each) => isAfter(blockOf(each))).sort((one, other) => blockOf(one).start.localeCompare(blockOf(other).start))[0];
  }

  focus(id) {
    this.current = String(id);
    this.settle();
    const block = this.#blocks.find((each) => each.dataset.booking === this.current);
    if (!block) return;
    block.focus({ preventScroll: true });
    block.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  #pressed(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const { target } = event;
    if (document.querySelector("dialog[open]")) return;
    const block = target.closest?.("#view [data-booking]");
    if (block && this.#moves(event, block)) return event.preventDefault();
    if (target.matches("input, select, textarea, [contenteditable]")) return;
    if (this.#acts(event.key, block)) event.preventDefault();
  }

  #acts(key, element) {
    const { app } = this;
    const block = app.state.model?.byId.get(Number(element?.dataset.booking));
    const acts = {
      n: () => app.create({ start: null, end: null, staffId: block?.staffId ?? null }),
      w: () => app.walkIn(block?.staffId ?? null),
      f: () => app.find(),
      m: () => block && app.mover.form(block),
      t: () => app.goToday(),
      "[": () => app.step(-1),
      "]": () => app.step(1),
      1: () => app.setView("day"),
      2: () => app.setView("week"),
      3: () => app.setView("list"),
      r: () => app.requests(),
      l: () => app.waitlist(),
      i: () => app.notifications(),
      p: () => window.print(),
      "?": () => this.help(),
    };
    if (!acts[key] || !app.state.model) return false;
    acts[key]();
    return true;
  }

  /* Up and down along a person's day, left and right to the neighbour's nearest; in a list up and down. */
  #moves(event, element) {
    const { byId } = this.app.state.model;
    const here = byId.get(Number(element.dataset.booking));
    if (!here) return false;
    const blocks = this.#blocks.map((each) => byId.get(Number(each.dataset.booking))).filter(Boolean);
    const isWide = Boolean(element.closest(".ec"));
    const column = (each) => (!isWide ? 0 : this.app.state.view === "week" ? each.start.slice(0, 10) : each.staffId);
    const order = [...new Set(isWide && this.app.state.view !== "week" ? this.app.people().map((each) => each.id) : blocks.map(column).sort())];
    const mine = blocks.filter((each) => column(each) === column(here)).sort((one, other) => one.start.localeCompare(other.start) || one.id - other.id);
    const at = mine.indexOf(here);
    let next = null;
    if (event.key === "ArrowDown") next = mine[at + 1];
    else if (event.key === "ArrowUp") next = mine[at - 1];
    else if (event.key === "Home") next = mine[0];
    else if (event.key === "End") next = mine.at(-1);
    else if (event.key === "ArrowLeft" || event.key === "ArrowRight") next = beside(blocks, order, column, here, event.key === "ArrowLeft" ? -1 : 1);
    else return false;
    if (next) this.focus(next.id);
    return true;
  }

  help() {
    openDialog({
      title: t("help"),
      wide: true,
      body: [
        h("dl", { class: "keys" }, [...KEYS, "arrows", "enter", "esc"].map((key) => h("div", {}, h("dt", {}, h("kbd", {}, key.length > 1 ? t(`key.${key}.name`) : key)), h("dd", {}, t(`key.${key}`))))),
        h("h3", {}, t("help.marks")),
        legend(),
        h("p", { class: "soft" }, t("help.drag")),
      ],
      buttons: [{ label: t("close"), kind: "main" }],
    });
  }
}

/* In the next column that has any: the one that begins nearest. */
function beside(blocks, order, column, here, step) {
  for (let at = order.indexOf(column(here)) + step; at >= 0 && at < order.length; at += step) {
    const there = blocks.filter((each) => column(each) === order[at]);
    if (!there.length) continue;
    const far = (each) => Math.abs(minutes(each.start) - minutes(here.start));
    return there.reduce((best, each) => (far(each) < far(best) ? each : best));
  }
  return null;
}

const minutes = (text) => Number(text.slice(11, 13)) * 60 + Number(text.slice(14, 16));
