"""The Django example in a browser, behind nginx and below `/shop/`."""

import io
import json
import urllib.parse

import pytest
from PIL import Image

from tests.support.html_checker import problems
from tests.support.photo_site import running
from tests.support.servers.process import PATIENCE

UPRIGHT = (1200, 1600)
LEFT, TOP = "Focal point, percent from the left", "Focal point, percent from the top"
# For each image of the page: its alternative text, and the sizes of all of its candidates.
CANDIDATES = """
async () => Promise.all([...document.images].map(async image => {
  const measure = async candidate => {
    const [url, descriptor] = candidate.trim().split(" ");
    const file = new Image();
    file.src = url;
    await file.decode();
    return [descriptor, file.naturalWidth];
  };
  image.loading = "eager";
  await image.decode();
  return {alt: image.alt, candidates: await Promise.all(image.srcset.split(", ").map(measure))};
}))
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with running(tmp_path_factory.mktemp("photos")) as site:
        yield site


@pytest.fixture
def new_page(chromium, site):
    """Make pages on which neither scripts nor requests fail."""
    contexts, failures = [], []

    def failed(response):
        # Such as the page that refuses a document.
        is_page = response.request.is_navigation_request()
        if response.status >= 500 or (response.status >= 400 and not is_page):
            failures.append(f"{response.status} {response.url}")

    def new(**options):
        context = chromium.new_context(base_url=site.url, **options)
        context.set_default_timeout(PATIENCE * 1000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: failures.append(str(error)))
        page.on("response", failed)
        return page

    yield new
    for context in contexts:
        context.close()
    assert failures == []


@pytest.fixture(params=[True, False], ids=["scripts", "no-scripts"])
def either_page(request, new_page):
    return new_page(java_script_enabled=request.param)


def log_in(page, site, name="admin"):
    page.goto("login/")
    page.fill("input[name=username]", name)
    page.fill("input[name=password]", site.password)
    page.click("main button")
    page.wait_for_url(site.url)


def phone_photo(name):
    """A photo as phones store it, lying on its side: upright, its upper half is red."""
    picture = Image.new("RGB", UPRIGHT, "blue")
    picture.paste("red", (0, 0, UPRIGHT[0], UPRIGHT[1] // 2))
    exif = Image.Exif()
    exif[0x0112] = 6
    output = io.BytesIO()
    picture.transpose(Image.Transpose.ROTATE_90).save(output, "JPEG", exif=exif)
    assert Image.open(output).size == UPRIGHT[::-1]
    return {"name": f"{name}.jpg", "mimeType": "image/jpeg", "buffer": output.getvalue()}


def upload(page, site, title):
    """Upload the photo of a phone, and return its number."""
    log_in(page, site)
    page.click("text=Add a photo")
    page.fill("input[name=title]", title)
    page.set_input_files("input[type=file]", phone_photo(title))
    page.click("text=Save")
    page.wait_for_url("**/shop/photos/*/")
    return int(page.url.rstrip("/").rpartition("/")[2])


def picture(page, title):
    """The pixels of a picture as the browser shows it, once it has loaded."""
    image = page.get_by_role("img", name=title, exact=True)
    image.scroll_into_view_if_needed()
    page.wait_for_load_state("networkidle")
    return Image.open(io.BytesIO(image.screenshot())).convert("RGB")


def color(shown, x, y):
    red, _, blue = shown.getpixel((int(shown.width * x), int(shown.height * y)))
    return "red" if red > blue else "blue"


def is_upright(shown):
    corners = [color(shown, x, y) for y in (0.1, 0.9) for x in (0.1, 0.9)]
    return corners == ["red", "red", "blue", "blue"]


def test_the_photo_of_a_phone_is_upright(either_page, site):
    page = either_page
    title = f"Phone {len(site.requests)}"
    number = upload(page, site, title)
    large = picture(page, title)
    assert is_upright(large)
    assert large.width / large.height == pytest.approx(3 / 4, abs=0.01)
    page.goto("")
    assert is_upright(picture(page, title))
    page.goto("admin/photos/photo/")
    assert is_upright(picture(page, title))
    page.goto(f"admin/photos/photo/{number}/change/")
    assert is_upright(picture(page, "Preview"))


def set_by_mouse(page):
    picker = page.get_by_role("application", name="Focal point")
    picker.wait_for()
    box = picker.bounding_box()
    picker.click(position={"x": box["width"] * 0.25, "y": box["height"] * 0.75})


def set_by_keyboard(page):
    picker = page.get_by_role("application", name="Focal point")
    picker.focus()
    for key in ["Shift+ArrowLeft"] * 3 + ["ArrowRight"] * 5 + ["Shift+ArrowDown"] * 2:
        picker.press(key)
    for _ in range(5):
        picker.press("ArrowDown")


def set_as_numbers(page):
    page.get_by_label(LEFT).fill("25")
    page.get_by_label(TOP).fill("75")


@pytest.mark.parametrize(
    ("choose", "scripts"),
    [
        pytest.param(set_by_mouse, True, id="mouse"),
        pytest.param(set_by_keyboard, True, id="keyboard"),
        pytest.param(set_as_numbers, False, id="numbers"),
    ],
)
def test_the_focal_point(new_page, site, choose, scripts):
    page = new_page(java_script_enabled=scripts)
    title = choose.__name__
    number = upload(page, site, title)
    page.goto(f"admin/photos/photo/{number}/change/")
    choose(page)
    page.click("input[name=_save]")
    page.wait_for_url("**/admin/photos/photo/")
    assert page.locator("td.field-focal_point").first.inner_text() == "0.25x0.75"
    page.goto("")
    # The crop of the list keeps the lower half.
    assert ",cover,g-0.25-0.75/" in page.get_by_role("img", name=title).get_attribute("src")
    shown = picture(page, title)
    assert color(shown, 0.5, 0.5) == "blue"
    assert color(shown, 0.5, 0.95) == "blue"


@pytest.mark.parametrize("path", ["", "photos/7/", "stories/", "stories/picos-de-europa/"])
def test_every_candidate_loads(new_page, path):
    page = new_page()
    page.goto(path)
    images = page.evaluate(CANDIDATES)
    assert images
    for image in images:
        assert image["alt"]
        assert len(image["candidates"]) >= 2, image
        for descriptor, width in image["candidates"]:
            assert descriptor == f"{width}w", image


def test_hits_do_not_reach_the_app(new_page, site):
    page = new_page()
    page.goto("")
    page.evaluate(CANDIDATES)
    asked = [path for path in site.requests if path.startswith("/shop/t/")]
    assert asked
    reload = new_page()
    answers = []
    reload.on("response", lambda answer: answers.append((answer.url, answer.status)))
    reload.goto("")
    reload.evaluate(CANDIDATES)
    assert len([url for url, status in answers if "/shop/t/" in url and status == 200]) >= 16
    assert [path for path in site.requests if path.startswith("/shop/t/")] == asked
    # nginx also sends the static files.
    assert not [path for path in site.requests if path.startswith("/shop/static/")]


def test_a_private_document(either_page, site):
    page = either_page
    log_in(page, site)
    page.goto("documents/")
    link = page.locator(".files a").first
    path = urllib.parse.urlsplit(link.get_attribute("href")).path
    assert path.startswith("/shop/documents/")
    with page.expect_download() as started:
        link.click()
    document = next((site.data / "private").iterdir())
    assert started.value.path().read_bytes() == document.read_bytes()
    internal = page.request.get(f"/_private/documents/{urllib.parse.quote(document.name)}")
    assert internal.status == 404
    assert page.request.get(f"/shop/media/{urllib.parse.quote(document.name)}").status == 404


def test_a_stranger_gets_no_document(new_page, site):
    page = new_page()
    log_in(page, site)
    page.goto("documents/")
    path = page.locator(".files a").first.get_attribute("href")
    visitor = new_page()
    assert visitor.goto(path).url.startswith(f"{site.url}login/")
    log_in(visitor, site, "visitor")
    assert visitor.goto(path).status == 403
    assert visitor.goto("documents/").status == 200
    assert visitor.locator(".files a").count() == 0


def test_the_api(new_page, site):
    page = new_page()
    photos = json.loads(
        page.request.get("api/photos/", headers={"Accept": "application/json"}).text()
    )
    assert len(photos) >= 8
    for photo in photos:
        for rendition in (photo["thumbnails"][name] for name in ("card", "large")):
            assert rendition["url"].startswith(f"{site.url}t/")
            made = Image.open(io.BytesIO(page.request.get(rendition["url"]).body()))
            assert made.size == (rendition["width"], rendition["height"])
        assert photo["thumbnails"]["placeholder"].startswith("data:image/")
    # The page for browsers.
    page.goto("api/photos/")
    assert page.inner_text("h1") == "Photo Api"


def test_the_page_of_wagtail(either_page, site):
    page = either_page
    page.goto("stories/")
    page.click("text=Picos de Europa")
    page.wait_for_url("**/shop/stories/picos-de-europa/")
    shown = picture(page, "Limestone walls")
    assert shown.width > shown.height > 100
    assert len(shown.resize((8, 8)).getcolors()) > 8
    assert "/shop/t/" in page.locator("article img").get_attribute("src")


def test_the_editor_of_wagtail(new_page, site):
    page = new_page()
    log_in(page, site)
    page.goto("cms/images/")
    image = page.locator("main img").first
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0


PAGES = ["", "photos/7/", "photos/add/", "documents/", "stories/", "stories/picos-de-europa/"]


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("path", PAGES)
def test_pages_fit_the_screen(new_page, site, path, width):
    page = new_page(viewport={"width": width, "height": 800})
    log_in(page, site)
    page.goto(path)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_valid_html(new_page, site, tmp_path):
    page = new_page()
    pages = {"login/": page.request.get("login/").text()}
    log_in(page, site)
    for path in (*PAGES, "nowhere/"):
        pages[path] = page.request.get(path).text()
    found = problems(tmp_path, pages)
    assert not found, "\n".join(found)
