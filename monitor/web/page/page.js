// Tells a picture that stands still from a heart that does: the screen says twice a second that it
// lives ("beat"), and a page that hears nothing covers the picture.
"use strict";

(() => {
  const SILENT_MS = 2500;
  const Plain = window.WebSocket;
  let heard = performance.now();
  let closed = false;

  window.WebSocket = class extends Plain {
    constructor(...address) {
      super(...address);
      this.addEventListener("message", (event) => {
        if (typeof event.data === "string" && JSON.parse(event.data)[0] === "beat") {
          heard = performance.now();
          show();
        }
      });
      this.addEventListener("close", () => { closed = true; show(); });
    }
  };

  function show() {
    const box = document.getElementById("trouble");
    if (box === null) return;
    const silent = performance.now() - heard;
    const words = document.getElementById("words");
    const remedy = document.getElementById("remedy");
    box.hidden = !closed && silent < SILENT_MS;
    document.getElementById("again").hidden = !closed;
    if (closed) {
      words.textContent = "THIS SCREEN IS CLOSED";
      remedy.textContent = "Whether the monitoring goes on is shown where it was started.";
    } else {
      words.textContent = `NO CONNECTION TO THE SCREEN for ${Math.round(silent / 1000)} s`;
      remedy.textContent = "What was shown last is covered, as it may no longer be true.";
    }
  }

  window.addEventListener("DOMContentLoaded", () => {
    heard = performance.now() + 6000; // a screen needs a moment to begin
    document.getElementById("again").addEventListener("click", () => window.location.reload());
    setInterval(show, 500);
  });
})();
