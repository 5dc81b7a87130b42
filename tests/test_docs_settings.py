"""The snippets with settings: `docs/settings.md`, `docs/thumbnails.md` and `docs/decoders.md`."""

import io
import struct
import sys
import tomllib

from django.db.models import FileField
from django.db.models.fields.files import FieldFile
from django.test import override_settings
from PIL import Image
from xaccel import Config, probe, thumbnail
from xaccel.decoders import _enabled
from xaccel.django import thumbnail_url

from tests.support import django_site  # noqa: F401
from tests.support.doc_pages import execute, page, runs
from tests.support.drawings import RED, svg
from tests.support.thumbnail_images import difference, encoded, photo, photo_file
from tests.support.thumbnail_service import Service


def shown_in(reply):
    return Image.open(io.BytesIO(reply.data)).convert("RGB")


@runs("docs/settings.md#Several sources")
def test_several_sources(found, tmp_path):
    sources, django = found
    for name in ("photos", "avatars"):
        (tmp_path / "srv" / name).mkdir(parents=True)
    (tmp_path / "srv" / "avatars" / "tom.jpg").write_bytes(photo_file("JPEG"))
    settings = eval(sources.text.replace("/srv/", f"{tmp_path}/srv/"), {})
    service = Service(settings)
    url = service.url("~avatars/tom.jpg", 96)
    assert url.startswith("/t/96x-/~avatars/tom.jpg?key=")
    assert "returns `/t/96x-/~avatars/tom.jpg?key=…`" in page("docs/settings.md")
    assert probe(service.get(url).data).width == 96
    remote = Config.from_mapping(settings).thumbnail_sources["logos"]
    assert remote == "https://static.example.com/logos/"

    names = execute(django.text, django.page)
    names["STORAGES"]["avatars"]["OPTIONS"] = {"bucket_name": "avatars"}
    with override_settings(STORAGES=names["STORAGES"], XACCEL=names["XACCEL"]):
        from django.core.files.storage import storages

        field = FieldFile(None, FileField(storage=storages["avatars"]), "tom.jpg")
        assert thumbnail_url(field, 96).startswith("/t/96x-/~avatars/tom.jpg?key=")


@runs("docs/thumbnails.md#`watermark`")
def test_watermarks(found, tmp_path):
    (snippet,) = found
    site = tmp_path / "srv" / "site"
    site.mkdir(parents=True)
    for name in ("logo.png", "draft.png"):
        (site / name).write_bytes(thumbnail(svg(RED), 64, 64, format="png").data)
    (tmp_path / "cat.jpg").write_bytes(photo_file("JPEG"))
    settings = execute(snippet.text.replace("/srv/", f"{tmp_path}/srv/"), snippet.page)
    watermarks = settings["THUMBNAIL_WATERMARKS"]
    service = Service({"THUMBNAIL_SOURCE": tmp_path, "THUMBNAIL_WATERMARKS": watermarks})

    def shown(**options):
        url = service.url("cat.jpg", 300, 200, fit="cover", format="png", **options)
        return shown_in(service.get(url))

    plain, logo, draft = shown(), shown(watermark="logo"), shown(watermark="draft")
    # A fifth of the width, two percent from the corner at the bottom right.
    box = (300 - 6 - 40, 200 - 4 - 40, 300 - 6, 200 - 4)
    assert difference(plain.crop(box), logo.crop(box)) > 30
    assert difference(plain.crop((0, 0, 240, 150)), logo.crop((0, 0, 240, 150))) < 1
    assert difference(plain.crop((0, 0, 240, 150)), draft.crop((0, 0, 240, 150))) > 5


def psd(picture):
    """A Photoshop file without layers, whose composite is not compressed."""
    header = struct.pack(">4sH6xHIIHH", b"8BPS", 1, 3, *reversed(picture.size), 8, 3)
    planes = b"".join(plane.tobytes() for plane in picture.split())
    return header + struct.pack(">III", 0, 0, 0) + struct.pack(">H", 0) + planes


READ_COMPOSITE = """
def read_composite(file):
    planes = file.read()[14:]
    size = len(planes) // 3
    pixels = zip(planes[:size], planes[size : 2 * size], planes[2 * size :])
    return bytes(value for pixel in pixels for value in pixel)
"""


@runs("docs/decoders.md")
def test_a_decoder_of_a_package(found, tmp_path, monkeypatch):
    enabled, declared, code = found
    points = tomllib.loads(declared.text)["project"]["entry-points"]
    lines = [
        line
        for group, entries in points.items()
        for line in (f"[{group}]", *(f"{name} = {value}" for name, value in entries.items()))
    ]
    information = tmp_path / "xaccel_photoshop-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: xaccel-photoshop\nVersion: 1.0\n"
    )
    (information / "entry_points.txt").write_text("\n".join(lines))
    (tmp_path / "xaccel_photoshop.py").write_text(f"{code.text}{READ_COMPOSITE}")
    monkeypatch.syspath_prepend(tmp_path)
    _enabled._loaded.cache_clear()

    picture = photo()
    file = psd(picture)
    (tmp_path / "cat.psd").write_bytes(file)
    with Image.open(tmp_path / "cat.psd") as image:
        assert image.convert("RGB").tobytes() == picture.tobytes()
    decoders = execute(enabled.text, enabled.page)["THUMBNAIL_DECODERS"]
    try:
        service = Service({"THUMBNAIL_SOURCE": tmp_path, "THUMBNAIL_DECODERS": decoders})
        made = service.get(service.url("cat.psd", 300, 200, fit="cover", format="png"))
        assert made.status == 200
        png = thumbnail(encoded(picture, "PNG"), 300, 200, fit="cover", format="png")
        assert difference(shown_in(made), shown_in(png)) == 0
        info = probe(tmp_path / "cat.psd", decoders=decoders)
        assert (info.width, info.height, info.format) == (640, 400, "psd")
    finally:
        _enabled._loaded.cache_clear()
        sys.modules.pop("xaccel_photoshop", None)
