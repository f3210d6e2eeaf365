/* Who is on the telephone: from a name or a number to the client card. */

import { openCard } from "./card.js";
import { clientPicker } from "./client.js";
import { openDialog } from "./dialog.js";
import { t } from "./words.js";

export function openFind(app) {
  const found = () => {
    const client = picker.chosen();
    if (!client) return;
    dialog.close();
    openCard(app, client.id);
  };
  const picker = clientPicker(found, { offersNew: false });
  const dialog = openDialog({ title: t("find"), body: picker.element, buttons: [{ label: t("close") }] });
  picker.focus();
}
