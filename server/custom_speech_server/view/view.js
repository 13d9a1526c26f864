"use strict";
const main = document.querySelector("main");

// Everything here only adds to a page that reads without it: search and sorting of the long tables.
function enhance(root) {
  for (const table of root.querySelectorAll("table.searchable")) {
    const rows = [...table.tBodies[0].rows];
    const search = document.createElement("input");
    search.type = "search";
    search.placeholder = "Search";
    search.setAttribute("aria-label", "Search: " + table.closest("section").querySelector("h2").textContent);
    search.addEventListener("input", () => {
      const wanted = search.value.toLowerCase();
      for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
    });
    table.before(search);
    [...table.tHead.rows[0].cells].forEach((cell, place) => {
      const button = document.createElement("button");
      button.append(...cell.childNodes);
      cell.append(button);
      button.addEventListener("click", () => {
        const down = cell.ariaSort === "ascending";
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        cell.ariaSort = down ? "descending" : "ascending";
        const order = (one, other) => one.cells[place].textContent.localeCompare(other.cells[place].textContent, undefined, { numeric: true });
        rows.sort((one, other) => (down ? -order(one, other) : order(one, other)));
        table.tBodies[0].append(...rows);
      });
    });
  }
}
enhance(main);

// A client with MCP Apps: JSON-RPC over postMessage (ext-apps specification of 2026-01-26). The server has escaped
// every text; a parsed document runs no script, and the policy of this page allows none but this one.
const isFramed = window.parent !== window;
function send(message) { if (isFramed) window.parent.postMessage({ jsonrpc: "2.0", ...message }, "*"); }
function theme(context) { if (context && (context.theme === "dark" || context.theme === "light")) document.documentElement.dataset.theme = context.theme; }
function show(result) {
  const html = (result._meta || {})["custom-speech-mcp/view"];
  if (html) {
    main.replaceChildren(...new DOMParser().parseFromString(html, "text/html").body.childNodes);
    enhance(main);
  } else {
    const text = document.createElement("pre");
    text.textContent = (result.content || []).map((part) => part.text || "").join("\n") || "The tool gave no answer.";
    main.replaceChildren(text);
  }
  send({ method: "ui/notifications/size-changed", params: { width: document.documentElement.scrollWidth, height: document.documentElement.scrollHeight } });
}
window.addEventListener("message", (event) => {
  const message = event.data;
  if (event.source !== window.parent || !message || message.jsonrpc !== "2.0") return;
  if (message.id === "initialize" && message.result) {
    theme(message.result.hostContext);
    send({ method: "ui/notifications/initialized", params: {} });
  } else if (message.method === "ui/notifications/tool-result") {
    show(message.params || {});
  } else if (message.method === "ui/notifications/host-context-changed") {
    theme(message.params);
  } else if (message.id !== undefined && message.method) {
    send({ id: message.id, result: {} });
  }
});
send({ id: "initialize", method: "ui/initialize", params: { protocolVersion: "2026-01-26", appInfo: { name: "custom-speech", version: "1" }, appCapabilities: {} } });
