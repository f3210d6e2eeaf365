/* Who is it: a search while one types, or a new client in place. */

import { get, query } from "./api.js";
import { debounced, field, fill, h, newId } from "./dom.js";
import { t } from "./words.js";

const DEBOUNCE = 200;
const SHOWN = 8;

/* {element, chosen(): {id, name} | {fresh: {...}} | null, focus()}; `changed` after every choice. `offersNew`:
   who is not found can be entered. */
export function clientPicker(changed, { chosen = null, offersNew = true } = {}) {
  let current = chosen;
  let options = [];
  let active = -1;
  const list = h("ul", { class: "options", role: "listbox", id: newId("options"), hidden: true, "aria-label": t("clients") });
  const input = h("input", {
    class: "field",
    name: "client_id",
    role: "combobox",
    autocomplete: "off",
    "aria-expanded": "false",
    "aria-controls": list.id,
    "aria-autocomplete": "list",
    placeholder: t("client.search"),
  });
  const fresh = freshClient(changed);
  const picked = h("p", { class: "picked", hidden: true });
  const entry = field(t("client"), input);
  const none = h("p", { class: "soft", hidden: true }, t("client.none"));
  entry.append(h("div", { class: "under", role: "status" }, none), h("div", { class: "under" }, list));
  const element = h("div", { class: "client" }, entry, picked, fresh.element);

  const search = debounced(async (words) => {
    if (words.trim().length < 2) return show([]);
    const found = await get(`clients?${query({ search: words.trim(), page: 1, limit: SHOWN })}`).catch(() => null);
    if (found && input.value === words) show(found.items, words.trim());
  }, DEBOUNCE);

  function show(clients, words = "") {
    options = clients.map((each) => ({ client: each, label: each.name, more: [each.phone || each.mobile, each.email].filter(Boolean).join(" · ") }));
    none.hidden = !words || offersNew || options.length > 0;
    if (words && offersNew) options.push({ client: null, label: t("client.new", { name: words }), more: "" });
    active = options.length ? 0 : -1;
    fill(list, options.map((each, number) => h("li", { role: "option", id: `${list.id}-${number}`, "aria-selected": String(number === active), onmousedown: (event) => { event.preventDefault(); choose(number); } }, h("span", {}, each.label), each.client?.alert ? h("span", { class: "sign is-alert" }, "!") : null, h("small", {}, each.more))));
    list.hidden = !options.length;
    input.setAttribute("aria-expanded", String(Boolean(options.length)));
    mark();
  }

  function mark() {
    [...list.children].forEach((each, number) => each.setAttribute("aria-selected", String(number === active)));
    if (active >= 0) {
      input.setAttribute("aria-activedescendant", `${list.id}-${active}`);
      list.children[active].scrollIntoView({ block: "nearest" });
    } else input.removeAttribute("aria-activedescendant");
  }

  function choose(number) {
    const option = options[number];
    if (!option) return;
    if (option.client) pick({ id: option.client.id, name: option.client.name, alert: option.client.alert });
    else {
      current = null;
      fresh.begin(input.value.trim());
      entry.hidden = true;
    }
    show([]);
    changed();
  }

  function pick(client) {
    current = client;
    entry.hidden = Boolean(client);
    picked.hidden = !client;
    fill(
      picked,
      client ? h("b", {}, client.name) : null,
      client?.alert ? h("span", { class: "alert" }, client.alert) : null,
      client ? h("button", { type: "button", class: "link", onclick: () => { pick(null); input.value = ""; input.focus(); changed(); } }, t("client.other")) : null,
    );
  }

  input.addEventListener("input", () => search(input.value));
  input.addEventListener("blur", () => show([]));
  input.addEventListener("keydown", (event) => {
    if (list.hidden) return;
    if (event.key === "ArrowDown") active = Math.min(options.length - 1, active + 1);
    else if (event.key === "ArrowUp") active = Math.max(0, active - 1);
    else if (event.key === "Enter") choose(active);
    else if (event.key === "Escape") show([]);
    else return;
    event.preventDefault();
    event.stopPropagation();
    if (!list.hidden) mark();
  });
  fresh.back(() => {
    entry.hidden = false;
    input.focus();
    changed();
  });
  if (current) pick(current);
  return { element, focus: () => (current ? picked.querySelector("button").focus() : input.focus()), chosen: () => (fresh.isOpen() ? { fresh: fresh.read() } : current) };
}

function freshClient(changed) {
  const first = h("input", { class: "field", name: "first_name", autocomplete: "off", maxlength: 100 });
  const last = h("input", { class: "field", name: "last_name", autocomplete: "off", maxlength: 100 });
  const mobile = h("input", { class: "field", name: "mobile", type: "tel", autocomplete: "off" });
  const email = h("input", { class: "field", name: "email", type: "email", autocomplete: "off" });
  const back = h("button", { type: "button", class: "link" }, t("client.search_again"));
  const element = h(
    "fieldset",
    { class: "fresh", hidden: true },
    h("legend", {}, t("client.fresh")),
    h("div", { class: "beside" }, field(t("first_name"), first), field(t("last_name"), last)),
    h("div", { class: "beside" }, field(t("mobile"), mobile), field(t("email"), email)),
    back,
  );
  element.addEventListener("change", changed);
  return {
    element,
    isOpen: () => !element.hidden,
    begin: (typed) => {
      const isNumber = /^[+\d][\d\s()/-]{5,}$/.test(typed);
      const isMail = typed.includes("@");
      const [name, ...rest] = typed.split(/\s+/);
      first.value = isNumber || isMail ? "" : name;
      last.value = isNumber || isMail ? "" : rest.join(" ");
      mobile.value = isNumber ? typed : "";
      email.value = isMail ? typed : "";
      element.hidden = false;
      (first.value ? mobile : first).focus();
    },
    back: (act) => back.addEventListener("click", () => { element.hidden = true; act(); }),
    read: () => ({ first_name: first.value.trim(), last_name: last.value.trim(), mobile: mobile.value.trim(), email: email.value.trim() }),
  };
}
