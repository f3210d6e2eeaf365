/* Elements, made without markup in strings: what a client typed is text, whatever it looks like. */

/* h("button", {class: "quiet", onclick: f, disabled: false}, "words", [more], null) */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...flat(children));
  return element;
}

function flat(children) {
  return children.flat(Infinity).filter((each) => each !== null && each !== undefined && each !== false && each !== "");
}

export function fill(element, ...children) {
  element.replaceChildren(...flat(children));
  return element;
}

/* Words for who does not see the sign beside them. */
export function away(words) {
  return h("span", { class: "away" }, words);
}

let made = 0;
export function newId(prefix = "id") {
  made += 1;
  return `${prefix}-${made}`;
}

/* Drawn: not every device has a letter for it. */
export const bell = () => drawn("M12 3a6 6 0 0 0-6 6v4l-2 3v1h16v-1l-2-3V9a6 6 0 0 0-6-6Zm-2.4 15a2.5 2.5 0 0 0 4.8 0Z");
export const glass = () => drawn("M10 3a7 7 0 1 0 4.2 12.6l5 5 1.4-1.4-5-5A7 7 0 0 0 10 3Zm0 2a5 5 0 1 1 0 10 5 5 0 0 1 0-10Z");

function drawn(line) {
  const space = "http://www.w3.org/2000/svg";
  const icon = document.createElementNS(space, "svg");
  const path = document.createElementNS(space, "path");
  for (const [name, value] of [["viewBox", "0 0 24 24"], ["width", "20"], ["height", "20"], ["aria-hidden", "true"]]) icon.setAttribute(name, value);
  path.setAttribute("d", line);
  path.setAttribute("fill", "currentColor");
  icon.append(path);
  return icon;
}

/* A label above its field; `hint` and faults are tied to it. */
export function field(label, input, { hint = "" } = {}) {
  input.id ||= newId("field");
  const parts = [h("label", { for: input.id, class: "label" }, label)];
  if (hint) {
    const id = `${input.id}-hint`;
    parts.push(h("p", { class: "hint", id }, hint));
    input.setAttribute("aria-describedby", id);
  }
  return h("div", { class: "entry" }, parts, input);
}

export function select(choices, chosen, properties = {}) {
  const element = h("select", { class: "field", ...properties });
  for (const [value, words] of choices) {
    element.append(h("option", { value, selected: String(value) === String(chosen) }, words));
  }
  return element;
}

/* At most one call in `milliseconds`, with the last arguments. */
export function debounced(call, milliseconds) {
  let timer = 0;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => call(...values), milliseconds);
  };
}
