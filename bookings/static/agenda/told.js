/* One line at the foot of the page that says what has been done; it goes by itself, but for bad news. */

import { fill, h } from "./dom.js";
import { t } from "./words.js";

const SHOWN_FOR = 8000;
let timer = 0;

/* `action`: {label, act}, such as taking it back. */
export function tell(words, { bad = false, action = null, details = [] } = {}) {
  const place = document.getElementById("told");
  clearTimeout(timer);
  const hide = () => fill(place);
  fill(
    place,
    h(
      "div",
      { class: bad ? "note bad" : "note" },
      h("p", {}, words),
      details.length ? h("ul", {}, details.map((each) => h("li", {}, each))) : null,
      h(
        "div",
        { class: "buttons" },
        action ? h("button", { type: "button", class: "quiet", onclick: () => { hide(); action.act(); } }, action.label) : null,
        h("button", { type: "button", class: "quiet", onclick: hide }, t("close")),
      ),
    ),
  );
  if (!bad) timer = setTimeout(hide, SHOWN_FOR + 2000 * details.length);
}
