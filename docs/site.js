/* Wide tables scroll. This makes them reachable with the keyboard. The theme wraps them later. */
function makeReachable() {
  for (const table of document.querySelectorAll(".md-typeset__scrollwrap:not([tabindex])")) {
    table.tabIndex = 0;
    table.setAttribute("role", "region");
    table.setAttribute("aria-label", "Table");
  }
}

makeReachable();
new MutationObserver(makeReachable).observe(document.body, { childList: true, subtree: true });
