"""The playground of `xaccel serve`: its controls, and the code that it shows."""

import io
import json
import re
import shutil
from urllib.parse import urlencode
from wsgiref.util import setup_testing_defaults

import jinja2
import pytest
import xaccel
from django.template import Context, Engine
from PIL import Image
from xaccel.cli.gallery import controls
from xaccel.cli.gallery.app import Gallery
from xaccel.exceptions import SpecError
from xaccel.thumbnails.urls import ThumbnailUrls

from tests.support.gallery import PHOTOS


@pytest.fixture(scope="module")
def gallery(tmp_path_factory):
    directory = tmp_path_factory.mktemp("pictures").resolve()
    shutil.copy(PHOTOS / "puppies.jpg", directory)
    Image.new("RGB", (40, 30), "red").save(directory / 'a "b".png')
    Image.new("RGB", (1, 1), "red").save(directory / "tiny.png")
    (directory / "broken.jpg").write_text("not a picture")
    (directory / ".hidden.png").write_bytes((directory / "tiny.png").read_bytes())
    return Gallery(directory, tmp_path_factory.mktemp("cache"), (320, 240))


def get(gallery, path, fields=()):
    statuses = []
    environ = {"PATH_INFO": path, "QUERY_STRING": urlencode(fields)}
    setup_testing_defaults(environ)
    body = b"".join(gallery(environ, lambda status, _: statuses.append(status)))
    return statuses[0], body


def result(gallery, name="puppies.jpg", **fields):
    status, body = get(gallery, f"/result/{name}", fields)
    assert status == "200 OK"
    return json.loads(body)


CHANGES = [
    {},
    {"width": "", "height": "200"},
    {"width": "", "height": ""},
    {"fit": "cover", "gravity": "smart", "dpr": "1.5"},
    {"fit": "cover", "gravity": "focal", "focal_x": "0.25", "focal_y": "1"},
    {"crop_x": "0.3", "crop_width": "0.9"},
    {"fit": "pad", "background": "112233", "radius": "12"},
    {"trim": "0", "rotate": "90", "flip": "h"},
    {"brightness": "1.05", "contrast": "0.5", "saturation": "2", "grayscale": "1"},
    {"pixelate": "8", "blur": "0.5", "sharpen": "0.1", "detail": "1"},
    {"format": "webp", "quality": "40"},
    {"format": "jpeg", "progressive": "false", "subsampling": "444"},
    {"quality_auto": "1", "quality": "40", "max_bytes": "9000"},
]


def test_every_option_has_a_control():
    assert set(xaccel.Spec.OPTIONS) == controls.OFFERED | controls.EXCLUDED
    assert not controls.OFFERED & controls.EXCLUDED


def test_every_control_has_a_label(gallery):
    _, body = get(gallery, "/playground/puppies.jpg")
    page = body.decode()
    fields = re.findall(r'<(?:input|select) id="(option-[^"]+)"', page)
    assert len(fields) == sum(len(group) for _, group in controls.GROUPS)
    for field in fields:
        assert page.count(f'<label for="{field}">') == 1


def test_every_control_changes_the_options():
    def options(**fields):
        return controls.options_of(fields)

    for control in (control for _, group in controls.GROUPS for control in group):
        if control.choices:
            value = control.choices[1][0]
        elif control.attributes["type"] == "range":
            value = str((float(control.attributes["max"]) + float(control.attributes["min"])) / 4)
        else:
            value = "1"
        others = {"gravity": "focal"} if control.name.startswith("focal") else {}
        assert options(**others, **{control.name: value}) != options(**others), control.name


@pytest.mark.parametrize("fields", CHANGES, ids=lambda fields: ",".join(fields) or "none")
@pytest.mark.parametrize("name", ["puppies.jpg", 'a "b".png'])
def test_the_code_makes_the_thumbnail_that_is_shown(gallery, name, fields):
    shown = result(gallery, name, **fields)
    url = ThumbnailUrls(gallery.config).url
    assert shown["url"].startswith(f"/thumbnail/{shown['spec']}/")
    assert (
        jinja2.Environment().from_string(shown["jinja"]).render(thumbnail_url=url) == (shown["url"])
    )

    engine = Engine(libraries={"xaccel": "tests.support.playground_tag"})
    template = engine.from_string("{% load xaccel %}" + shown["django"])
    assert template.render(Context({"url": url}, autoescape=False)) == shown["url"]

    status, after = get_url(gallery, shown["after"])
    assert status == "200 OK"
    made = eval(
        shown["python"].replace("thumbnail(", "xaccel.thumbnail(directory + "),
        {"xaccel": xaccel, "directory": f"{gallery.config.thumbnail_source}/"},
    )
    assert (made.width, made.height) == Image.open(io.BytesIO(after)).size
    assert made.data == after


def get_url(gallery, url):
    path, _, query = url.partition("?")
    environ = {"PATH_INFO": path.replace("%20", " ").replace("%22", '"'), "QUERY_STRING": query}
    setup_testing_defaults(environ)
    statuses = []
    body = b"".join(gallery(environ, lambda status, _: statuses.append(status)))
    return statuses[0], body


def test_the_facts_compare_the_thumbnail_with_the_original(gallery):
    facts = result(gallery, format="webp", quality="40")["facts"]
    pattern = r"212 × 320 · WEBP · ([\d.]+) kB, ([\d.]+) % of the original's 569 kB "
    pattern += r"\(2048 × 3088\) · SSIMULACRA2 (\d+)"
    size, share, score = map(float, re.fullmatch(pattern, facts).groups())
    assert share == pytest.approx(size / 569 * 100, abs=0.06)
    better = result(gallery, format="webp", quality="90")["facts"]
    assert float(better.rpartition(" ")[2]) > score


def test_a_tiny_picture_has_a_score(gallery):
    facts = result(gallery, "tiny.png")["facts"]
    assert re.fullmatch(r"1 × 1 · PNG · .* \(1 × 1\) · SSIMULACRA2 100", facts)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"background": "nocolour"}, "must be a colour"),
        ({"width": "0"}, "the width must be a whole number of pixels from 1"),
        ({"width": "wide"}, "a field of the form is invalid"),
        ({"page": "7"}, "the thumbnail can't be made"),
        ({"crop_width": "nan"}, "crop"),
        ({"nonsense": "1"}, "the form has no field 'nonsense'"),
    ],
)
def test_an_invalid_option_is_explained(gallery, fields, message):
    assert message in result(gallery, **fields)["error"]


@pytest.mark.parametrize("prefix", ["/playground/", "/result/"])
@pytest.mark.parametrize("name", ["broken.jpg", ".hidden.png", "absent.jpg", "../x.jpg", ""])
def test_only_visible_pictures_have_a_playground(gallery, prefix, name):
    assert get(gallery, prefix + name)[0] == "404 Not Found"


def test_the_form_refuses_fields_that_do_not_exist():
    with pytest.raises(SpecError):
        controls.options_of({"version": "12345678"})
