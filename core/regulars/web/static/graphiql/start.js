// Start GraphiQL with the query and the key that stand behind the # of the address, which no server ever sees.
"use strict";

const KEPT_KEY = "regulars.key";
const FIELDS = {
  ".graphiql-query-editor textarea": "Query",
  ".graphiql-editor-tool .graphiql-editor:nth-of-type(1) textarea": "Variables",
  ".graphiql-editor-tool .graphiql-editor:nth-of-type(2) textarea": "Headers",
  ".graphiql-response textarea": "Answer",
};

const given = new URLSearchParams(location.hash.slice(1));
if (given.has("key")) {
  // The key outlives a reload in this tab, and stays out of the browser's history.
  sessionStorage.setItem(KEPT_KEY, given.get("key"));
  given.delete("key");
  history.replaceState(null, "", location.pathname + (given.has("query") ? `#${given}` : ""));
}
addEventListener("hashchange", () => location.reload());

const key = sessionStorage.getItem(KEPT_KEY);
const socket = new URL(location.pathname, location.href);
socket.protocol = location.protocol === "https:" ? "wss:" : "ws:";

const place = document.getElementById("graphiql");
// GraphiQL gives the fields of its editors no name that a screen reader could say.
new MutationObserver(() => {
  for (const [selector, name] of Object.entries(FIELDS)) {
    place.querySelector(selector)?.setAttribute("aria-label", name);
  }
}).observe(place, { childList: true, subtree: true });

ReactDOM.createRoot(place).render(
  React.createElement(GraphiQL, {
    fetcher: GraphiQL.createFetcher({ url: location.pathname, subscriptionUrl: socket.href }),
    query: given.get("query") ?? undefined,
    headers: key === null ? undefined : JSON.stringify({ authorization: `Bearer ${key}` }, null, 2),
    isHeadersEditorEnabled: true,
    defaultEditorToolsVisibility: false,
    shouldPersistHeaders: false,
  }),
);
