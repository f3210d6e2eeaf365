/* Keeps the screen true: asks what has changed, and the agenda itself with If-None-Match (contract §11 "live").

   A change elsewhere is seen within 11 s: 5 s that the feed waits so that none is missed, 5 s to the next poll. */

import { get, isLoggedIn, query } from "./api.js";

const FEED_VISIBLE = 5_000;
const FEED_HIDDEN = 60_000;
const AGENDA = 15_000;
const COUNTS = 30_000;

export class Live {
  /* `refresh()` asks the agenda; `count()` the badges. */
  constructor({ refresh, count }) {
    this.refresh = refresh;
    this.count = count;
    this.cursor = "";
    this.asked = 0;
    this.counted = 0;
    this.timer = 0;
    document.addEventListener("visibilitychange", () => document.hidden || this.now());
    window.addEventListener("online", () => this.now());
  }

  /* Where the feed goes on: told by each answer of the agenda, so nothing before it is asked for. */
  from(cursor) {
    this.asked = Date.now();
    if (cursor) this.cursor = cursor;
  }

  start() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#tick(), document.hidden ? FEED_HIDDEN : FEED_VISIBLE);
  }

  async now() {
    clearTimeout(this.timer);
    this.asked = 0;
    await this.#tick();
  }

  async #tick() {
    try {
      if (isLoggedIn()) await this.#ask();
    } catch {
      // Said at the top of the page by whoever heard no answer; the next tick asks again.
    }
    this.start();
  }

  async #ask() {
    const due = Date.now() - this.asked >= AGENDA || !this.cursor;
    if (due || (await this.#somethingChanged())) await this.refresh();
    if (Date.now() - this.counted >= COUNTS) {
      this.counted = Date.now();
      await this.count();
    }
  }

  async #somethingChanged() {
    let changed = false;
    for (let more = true; more; ) {
      const answer = await get(`bookings/changes?${query({ cursor: this.cursor, limit: 1000 })}`);
      changed ||= answer.items.length > 0;
      this.cursor = answer.cursor;
      more = answer.more;
    }
    return changed;
  }
}
