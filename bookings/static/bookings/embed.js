// Shows the booking page of this salon on another website, which the salon has named in its settings.
//   <script src="https://salon.example/embed.js" defer></script>
//   <div data-bookings></div>                              in place
//   <a href="https://salon.example/book" data-bookings-popup>Book</a>   in a window over the page
// data-bookings="<location slug>" and data-query="service=<key>&staff=<key>&lang=nl" lead on.
(() => {
  const home = document.currentScript.src.replace(/\/embed\.js.*$/, "");
  const origin = new URL(home).origin;

  function frame(element, slug) {
    const made = document.createElement("iframe");
    const query = new URLSearchParams(element.dataset.query || "");
    query.set("embed", "1");
    made.src = `${home}/book${slug ? `/${encodeURIComponent(slug)}` : ""}?${query}`;
    made.title = element.dataset.title || "Book an appointment";
    made.addEventListener("load", () => {
      if (made.getBoundingClientRect().top < 0) made.scrollIntoView();
    });
    made.style.cssText = "display:block;width:100%;min-height:30rem;border:0;color-scheme:light dark";
    return made;
  }

  addEventListener("message", (event) => {
    if (event.origin !== origin || event.data?.bookings !== "height") return;
    for (const each of document.querySelectorAll("iframe[data-bookings-frame]")) {
      if (each.contentWindow === event.source) each.style.height = `${Math.min(event.data.height, 20000)}px`;
    }
  });

  function inline(element) {
    const made = frame(element, element.dataset.bookings);
    made.dataset.bookingsFrame = "";
    element.replaceChildren(made);
  }

  function popup(link) {
    const dialog = document.createElement("dialog");
    const close = document.createElement("button");
    close.type = "button";
    close.textContent = "×";
    close.ariaLabel = link.dataset.close || "Close";
    close.style.cssText = "float:right;width:2.75rem;height:2.75rem;border:0;background:none;font-size:1.5rem";
    close.onclick = () => dialog.close();
    const made = frame(link, link.dataset.bookingsPopup);
    made.style.height = "calc(90vh - 4rem)";
    dialog.style.cssText = "width:min(46rem,95vw);height:90vh;padding:0;border:0;border-radius:1rem";
    dialog.append(close, made);
    dialog.onclose = () => dialog.remove();
    document.body.append(dialog);
    dialog.showModal();
  }

  function begin() {
    document.querySelectorAll("[data-bookings]").forEach(inline);
    for (const link of document.querySelectorAll("[data-bookings-popup]")) {
      link.addEventListener("click", (event) => {
        event.preventDefault();
        popup(link);
      });
    }
  }

  if (document.readyState === "loading") addEventListener("DOMContentLoaded", begin);
  else begin();
})();
