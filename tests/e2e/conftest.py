from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from tests.support.example_gallery import PATIENCE, Site, running

CHROMIUM = "/usr/bin/chromium"


@pytest.fixture(scope="session", params=["direct", "nginx"])
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """The gallery, on its own and behind nginx."""
    with running(request.param, tmp_path_factory.mktemp(request.param)) as site:
        yield site


@pytest.fixture
def nginx_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A gallery behind nginx that the test may break."""
    with running("nginx", tmp_path_factory.mktemp("nginx")) as site:
        yield site


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ],
        )
        yield browser
        browser.close()


@pytest.fixture
def new_context(chromium: Browser, site: Site) -> Iterator[Callable[..., BrowserContext]]:
    """Make browser contexts that know the site's address and are closed in the end."""
    contexts = []

    def new(**options: object) -> BrowserContext:
        context = chromium.new_context(base_url=site.url, **options)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE * 1000)
        contexts.append(context)
        return context

    yield new
    for context in contexts:
        context.close()
