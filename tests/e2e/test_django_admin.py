"""Django's admin in a browser: the preview, the picker of the focal point, and the column."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.support.example_gallery import PATIENCE
from tests.support.servers.process import free_port

PROJECT = Path(__file__).parents[1] / "support" / "photo_admin.py"
LEFT, TOP = "Focal point, percent from the left", "Focal point, percent from the top"


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    port = free_port()
    command = [sys.executable, PROJECT, tmp_path_factory.mktemp("admin"), str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        assert server.stdout.readline() == b"ready\n"
        yield f"http://127.0.0.1:{port}"
        server.terminate()


@pytest.fixture
def new_page(chromium, url):
    """Make pages whose scripts must not fail."""
    contexts, failures = [], []

    def new(**options):
        context = chromium.new_context(base_url=url, **options)
        context.set_default_timeout(PATIENCE * 1000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: failures.append(str(error)))
        return page

    yield new
    for context in contexts:
        context.close()
    assert failures == []


@pytest.fixture
def page(new_page):
    return new_page()


def photo(name="phone.jpg", size=(400, 200), orientation=6):
    """A photo of a phone, upright 200x400."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    output = io.BytesIO()
    Image.new("RGB", size, "teal").save(output, "JPEG", exif=exif)
    return {"name": name, "mimeType": "image/jpeg", "buffer": output.getvalue()}


def add(page, **options):
    page.goto("/admin/xaccel/photo/add/")
    page.set_input_files("input[type=file]", photo(**options))


def save(page):
    """Save the form, and return to it."""
    page.click("input[name=_continue]")
    page.wait_for_url("**/change/")


def saved(page):
    return page.inner_text("#content h2").split()[-2:]


def picker(page):
    return page.get_by_role("application", name="Focal point")


def numbers(page):
    return [page.get_by_label(label).input_value() for label in (LEFT, TOP)]


def test_pick_by_click(page):
    add(page)
    picker(page).wait_for()
    # The picture that was chosen is shown upright before it is saved.
    box = picker(page).bounding_box()
    assert box["height"] == pytest.approx(2 * box["width"], abs=2)
    picker(page).click(position={"x": box["width"] * 0.25, "y": box["height"] * 0.75})
    assert numbers(page) == ["25", "75"]
    save(page)
    assert saved(page) == ["200x400", "0.25x0.75"]
    picker(page).wait_for()
    box = picker(page).bounding_box()
    marker = page.locator(".xaccel-marker").bounding_box()
    assert marker["x"] + marker["width"] / 2 == pytest.approx(box["x"] + box["width"] / 4, abs=1)
    middle = marker["y"] + marker["height"] / 2
    assert middle == pytest.approx(box["y"] + box["height"] * 3 / 4, abs=1)


def test_drag(page):
    add(page)
    picker(page).wait_for()
    box = picker(page).bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] - 50, box["y"] + box["height"] + 50)
    page.mouse.up()
    assert numbers(page) == ["0", "100"]
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    assert numbers(page) == ["0", "100"]


def test_pick_by_keyboard(page):
    add(page)
    picker(page).wait_for()
    page.focus("input[type=file]")
    page.keyboard.press("Tab")
    assert picker(page).evaluate("picker => picker === document.activeElement")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Shift+ArrowUp")
    assert numbers(page) == ["49", "40"]
    assert page.get_by_role("status").inner_text() == (
        "49 percent from the left, 40 percent from the top"
    )
    page.keyboard.press("Delete")
    assert numbers(page) == ["", ""]
    assert "centre" in page.get_by_role("status").inner_text()
    assert not page.locator(".xaccel-marker").is_visible()
    page.keyboard.press("ArrowRight")
    save(page)
    assert saved(page) == ["200x400", "0.51x0.5"]


def test_the_picture_follows_the_numbers(page):
    add(page)
    picker(page).wait_for()
    page.get_by_label(LEFT).fill("10")
    page.get_by_label(TOP).fill("20")
    marker = page.locator(".xaccel-marker")
    assert marker.evaluate("marker => [marker.style.left, marker.style.top]") == ["10%", "20%"]


def test_without_javascript(new_page):
    page = new_page(java_script_enabled=False)
    add(page)
    page.get_by_label(LEFT).fill("25")
    page.get_by_label(TOP).fill("12.5")
    save(page)
    assert saved(page) == ["200x400", "0.25x0.125"]
    assert numbers(page) == ["25", "12.5"]
    page.goto("/admin/xaccel/photo/")
    image = page.get_by_role("img", name="0.25x0.125")
    assert ",cover,g-0.25-0.125" in image.first.get_attribute("src")


def test_another_picture_needs_another_focal_point(page):
    add(page)
    picker(page).wait_for()
    picker(page).click()
    assert numbers(page) == ["50", "50"]
    page.set_input_files("input[type=file]", photo("other.jpg"))
    assert numbers(page) == ["", ""]


def test_the_form_says_what_is_wrong(page):
    page.goto("/admin/xaccel/photo/add/")
    text = {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": b"text"}
    page.set_input_files("input[type=file]", text)
    page.get_by_text("The preview can't be shown").wait_for()
    page.click("input[name=_continue]")
    page.get_by_text("Upload a valid image.").wait_for()
    assert not picker(page).is_visible()


def test_rows_of_an_inline_form(page):
    page.goto("/admin/xaccel/album/add/")
    page.fill("#id_title", "Album")
    page.click("text=Add another Photo")
    page.set_input_files("#id_photo_set-0-image", photo())
    page.set_input_files("#id_photo_set-1-image", photo(orientation=1))
    for number in (0, 1):
        row = page.locator(f"#photo_set-{number}")
        row.get_by_role("application").wait_for()
        row.get_by_role("application").press("ArrowRight" if number else "ArrowLeft")
    save(page)
    page.goto("/admin/xaccel/photo/")
    names = page.locator("#result_list tbody tr .field-__str__").all_inner_texts()
    assert [name.split()[1:] for name in names[:2]] == [
        ["400x200", "0.51x0.5"],
        ["200x400", "0.49x0.5"],
    ]


def test_the_column_shows_thumbnails(page):
    add(page)
    save(page)
    page.goto("/admin/xaccel/photo/")
    image = page.locator("#result_list img").first
    image.wait_for()
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") == 96
    assert page.locator("th.column-image_thumbnail").inner_text().lower() == "image"
