"""Look at the built docs in Chromium, at the widths of a phone and of a desktop.

    scripts/browse_docs.py             # all pages
    scripts/browse_docs.py settings/   # these pages only

Each page must load without errors and without requests to other hosts, fit into the width of the
screen, and pass axe's rules for WCAG 2 at level AA in light and dark colours. The search must find
a page. Screenshots are in target/docs/screenshots. The exit status is 1 if there is a problem.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from build_docs import BUILD, SITE
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

CHROMIUM = "/usr/bin/chromium"
MOUNT = "/xaccel/"
"""The path of the site, as in `site_url`."""
SCREENSHOTS = BUILD / "screenshots"
SCREENS = {"phone": (360, 740), "desktop": (1280, 800)}
VISITS = (("phone", "light"), ("desktop", "light"), ("desktop", "dark"))
RULES = {
    "light": {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]},
    "dark": {"runOnly": {"type": "rule", "values": ["color-contrast"]}},
}
"""The rules of axe. Only the colours depend on the scheme."""
QUERY, FOUND = "THUMBNAIL_CACHE_INACTIVE", "Settings"


class _Handler(SimpleHTTPRequestHandler):
    def translate_path(self, path: str) -> str:
        return super().translate_path(path.removeprefix(MOUNT.removesuffix("/")))

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@contextmanager
def _serving() -> Iterator[str]:
    """Serve the site, and yield its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=SITE)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}{MOUNT}"
        server.shutdown()


class _Visit:
    """A browser window with one width and one colour scheme, and the problems that it meets."""

    def __init__(self, browser: Browser, address: str, screen: str, scheme: str) -> None:
        width, height = SCREENS[screen]
        self.problems: list[str] = []
        self._address = address
        self._name = f"{screen}-{scheme}"
        self._rules = {**RULES[scheme], "resultTypes": ["violations"]}
        self._where = ""
        self._page = browser.new_page(
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
        )
        self._page.route(lambda url: not url.startswith(address), self._block)
        self._page.on("console", lambda message: self._hear(message.type, message.text))
        self._page.on("pageerror", lambda error: self._hear("error", str(error)))
        self._page.on("requestfailed", lambda request: self._hear("error", f"no {request.url}"))

    def _block(self, route: Route) -> None:
        self._report(f"it loads {route.request.url}")
        route.abort()

    def _hear(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self._report(text)

    def _report(self, problem: str) -> None:
        self.problems.append(problem)
        print(f"{self._where} ({self._name}): {problem}", file=sys.stderr)

    def look_at(self, path: str) -> None:
        """Load a page, check it, and take a screenshot."""
        self._where = path or "index"
        self._page.goto(f"{self._address}{path}", wait_until="load")
        sizes = self._page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        if sizes[0] > sizes[1]:
            self._report(f"it is {sizes[0]} pixels wide")
        for violation in Axe().run(self._page, options=self._rules).response["violations"]:
            node = violation["nodes"][0]
            self._report(f"{violation['id']}: {node['html'][:120]}: {node['failureSummary']}")
        file = SCREENSHOTS / self._name / f"{self._where.strip('/').replace('/', '-')}.png"
        self._page.screenshot(path=file)

    def search(self) -> None:
        """Search for a setting, as a reader would."""
        self._where = "search"
        self._page.goto(self._address)
        _open_search(self._page)
        self._page.keyboard.type(QUERY)
        expect(self._page.get_by_role("option").filter(has_text=FOUND).first).to_be_visible()


def _open_search(page: Page) -> None:
    page.locator("label[for=__search]:visible, .md-search__button:visible").click()


def main(arguments: list[str]) -> int:
    """Visit the pages, and print the problems. Return 1 if there are any."""
    paths = arguments or [
        path.parent.relative_to(SITE).as_posix().removeprefix(".") + "/"
        for path in sorted(SITE.rglob("index.html"))
    ]
    problems = []
    with sync_playwright() as playwright, _serving() as address:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        for screen, scheme in VISITS:
            visit = _Visit(browser, address, screen, scheme)
            for path in paths:
                visit.look_at(path.lstrip("/"))
            visit.search()
            problems += visit.problems
        browser.close()
    shown = SCREENSHOTS.relative_to(Path.cwd()) if SCREENSHOTS.is_relative_to(Path.cwd()) else ""
    print(f"xaccel: {len(paths)} pages, {len(problems)} problems; screenshots in {shown}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
