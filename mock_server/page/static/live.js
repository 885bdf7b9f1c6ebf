// The stream of events, one for all pages of a browser: it has six connections to a host, and no
// more. Loaded as a SharedWorker, and by the page itself, where there are no such workers.
"use strict";

const SILENCE = 40000;  // The twin sends an event each 15 seconds; after so many ms it is asked anew.

function follow(url, report) {
  let source = null, heard = 0;
  function open() {
    source?.close();
    heard = Date.now();
    source = new EventSource(url);
    source.onmessage = (event) => {
      heard = Date.now();
      report(JSON.parse(event.data));
    };
    source.onerror = () => {
      report(null);
      // A browser gives up where it is refused once.
      if (source.readyState === EventSource.CLOSED) setTimeout(open, 2000);
    };
  }
  open();
  // A computer that slept has a connection that is gone, and nobody who noticed.
  setInterval(() => { if (Date.now() - heard > SILENCE) open(); }, 2000);
}

if (typeof SharedWorkerGlobalScope !== "undefined") {
  const pages = new Set();
  let latest = null;
  follow(new URL("../events", self.location.href), (state) => {
    latest = state;
    for (const page of pages) page.postMessage(state);
  });
  self.onconnect = (event) => {
    const page = event.ports[0];
    pages.add(page);
    page.onmessage = () => pages.delete(page);
    page.postMessage(latest);
  };
}
