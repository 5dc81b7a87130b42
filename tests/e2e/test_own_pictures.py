"""`xaccel serve` in a browser: it shows every thumbnail, with any file name."""

import pytest

from tests.support.example_gallery import PATIENCE
from tests.support.gallery import ODD, make, serving

LOAD = """
async () => {
  for (const image of document.images) image.loading = "eager";
  return Promise.all([...document.images].map(async image => {
    await image.decode();
    const file = new Image();
    file.src = image.currentSrc;
    await file.decode();
    const [, described] = image.srcset.split(", ").map(candidate => candidate.split(" "))
      .find(([url]) => new URL(url, document.baseURI).href === image.currentSrc);
    return {name: image.alt, described, shown: image.clientWidth, file: file.naturalWidth};
  }));
}
"""


@pytest.fixture(scope="module")
def gallery(tmp_path_factory):
    with serving(make(tmp_path_factory.mktemp("serve") / "my <pictures>")) as gallery:
        yield gallery


@pytest.fixture
def page(chromium, gallery):
    context = chromium.new_context(base_url=gallery.url)
    context.set_default_timeout(PATIENCE * 1000)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("width", [360, 1280])
def test_every_thumbnail_is_there(page, width):
    failures, messages = [], []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.on("console", lambda message: messages.append(message.text))
    page.on("response", lambda answer: answer.ok or failures.append(answer.url))
    page.set_viewport_size({"width": width, "height": 800})
    page.goto("/")
    images = page.evaluate(LOAD)
    assert (failures, messages) == ([], [])
    assert {image["name"] for image in images} == {"", *ODD}
    for image in images:
        assert image["described"] == f"{image['file']}w"
        assert image["file"] >= min(image["shown"], 300)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.title() == "my <pictures>"


def test_walk_into_a_folder_and_see_a_picture(page):
    page.goto("/")
    page.click("text=sub dir")
    page.wait_for_url("**/folder/sub%20dir/")
    page.click("text=puppies.jpg")
    page.wait_for_url("**/file/sub%20dir/puppies.jpg")
    assert page.evaluate("document.images[0].naturalWidth") == 2048
    page.go_back()
    page.click("text=<b>")
    (icon,) = page.evaluate(LOAD)
    assert (icon["file"], icon["shown"]) == (8, 8)
    page.click("nav >> text=my <pictures>")
    page.wait_for_function("location.pathname === '/'")


def test_a_page_among_the_files_runs_no_script(page):
    page.goto("/file/page.html")
    assert page.title() == ""
