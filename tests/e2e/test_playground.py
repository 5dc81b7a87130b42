"""The playground of `xaccel serve`, in Chromium."""

import shutil

import pytest
from playwright.sync_api import expect

from tests.support.example_gallery import PATIENCE
from tests.support.gallery import PHOTOS, serving


@pytest.fixture(scope="module")
def gallery(tmp_path_factory):
    directory = tmp_path_factory.mktemp("playground") / "pictures"
    directory.mkdir()
    shutil.copy(PHOTOS / "puppies.jpg", directory / "the puppies.jpg")
    with serving(directory) as gallery:
        yield gallery


@pytest.fixture
def open_page(chromium, gallery):
    """Open pages, and check in the end that the console stayed empty."""
    contexts, messages = [], []

    def new(path="/playground/the%20puppies.jpg", **options):
        context = chromium.new_context(base_url=gallery.url, **options)
        context.set_default_timeout(PATIENCE * 1000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: messages.append(message.text))
        page.on("pageerror", lambda error: messages.append(str(error)))
        page.goto(path)
        return page

    yield new
    for context in contexts:
        context.close()
    assert messages == []


def code(page, key):
    return page.locator(f"#code-{key}")


def shows_thumbnail(page, size):
    """Wait until both pictures have this size."""
    for picture in ("before", "after"):
        image = page.locator(f"#{picture}")
        expect(image).to_have_js_property("naturalWidth", size[0])
        expect(image).to_have_js_property("naturalHeight", size[1])


def test_the_gallery_links_to_the_playground(open_page):
    page = open_page("/")
    page.get_by_role("link", name="Try the options with the puppies.jpg").click()
    expect(code(page, "spec")).to_have_text("480x320")
    shows_thumbnail(page, (212, 320))


def test_the_keyboard_changes_options(open_page):
    page = open_page()
    expect(code(page, "spec")).to_have_text("480x320")
    page.get_by_label("Brightness").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(code(page, "spec")).to_have_text("480x320,brightness-1.1")
    page.get_by_label("Fit", exact=True).select_option("cover")
    expect(code(page, "jinja")).to_have_text(
        '{{ thumbnail_url("the puppies.jpg", 480, 320, fit="cover", brightness=1.1) }}'
    )
    shows_thumbnail(page, (480, 320))


def test_the_address_keeps_the_options(open_page):
    page = open_page()
    page.get_by_label("Width", exact=True).fill("100")
    page.get_by_label("Shades of gray").check()
    expect(code(page, "spec")).to_have_text("100x320,grayscale")
    address = page.url
    page.goto("/")
    page.goto(address)
    expect(code(page, "spec")).to_have_text("100x320,grayscale")
    expect(page.get_by_label("Shades of gray")).to_be_checked()
    page.get_by_role("button", name="Reset all options").click()
    expect(code(page, "spec")).to_have_text("480x320")
    assert page.url.endswith("/playground/the%20puppies.jpg")


def test_one_click_copies(open_page):
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    expect(code(page, "url")).not_to_be_empty()
    page.get_by_role("button", name="Copy: URL").click()
    expect(page.get_by_role("status")).to_have_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == code(page, "url").inner_text()


def test_an_error_is_announced_and_the_last_thumbnail_stays(open_page):
    page = open_page()
    shows_thumbnail(page, (212, 320))
    page.get_by_label("Background").fill("nocolour")
    expect(page.get_by_role("status")).to_contain_text("must be a colour")
    shows_thumbnail(page, (212, 320))
    page.get_by_label("Background").fill("ff8800")
    expect(page.get_by_role("status")).to_contain_text("SSIMULACRA2")


def test_the_divider_moves_by_the_keyboard(open_page):
    page = open_page()
    shows_thumbnail(page, (212, 320))
    divider = page.get_by_label("Position of the line")
    divider.focus()
    page.keyboard.press("Home")
    expect(page.locator("#before")).to_have_css("clip-path", "inset(0px 100% 0px 0px)")


def test_the_page_fits_a_phone(open_page):
    page = open_page(viewport={"width": 360, "height": 740})
    expect(code(page, "url")).not_to_be_empty()
    assert page.evaluate("document.documentElement.scrollWidth") == 360
