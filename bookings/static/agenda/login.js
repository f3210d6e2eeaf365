/* The login form of the API, over whatever the page shows: nothing under it is lost. */

import { Refused, logIn } from "./api.js";
import { openDialog } from "./dialog.js";
import { field, h } from "./dom.js";
import { t } from "./words.js";

/* Resolves once there is a token. `again`: it has ended while somebody worked. */
export function askForLogin({ again = false } = {}) {
  return new Promise((resolve) => {
    const email = h("input", { class: "field", type: "email", name: "email", autocomplete: "username", required: true });
    const password = h("input", { class: "field", type: "password", name: "password", autocomplete: "current-password", required: true });
    const dialog = openDialog({
      title: t("login"),
      closable: false,
      body: [again ? h("p", { class: "soft" }, t("login.again")) : null, field(t("email"), email), field(t("password"), password)],
      buttons: [
        {
          label: t("login.do"),
          kind: "main",
          act: async () => {
            try {
              await logIn(email.value.trim(), password.value);
            } catch (problem) {
              if (problem instanceof Refused && problem.status === 401) {
                password.value = "";
                password.focus();
                return dialog.say(t("login.wrong"));
              }
              throw problem;
            }
            dialog.close();
            resolve();
          },
        },
      ],
    });
    email.focus();
  });
}
