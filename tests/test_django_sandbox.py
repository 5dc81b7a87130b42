"""With the sandbox, images that Django's fields, forms and drop-ins read are decoded in workers."""

import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile
from django.test import override_settings
from xaccel.cli.gallery.app import Gallery
from xaccel.decoders import _enabled, _opening
from xaccel.django import forms
from xaccel.django.easy_thumbnails.fields import ThumbnailerImageField
from xaccel.django.easy_thumbnails.files import get_thumbnailer
from xaccel.django.fields import ImageField
from xaccel.django.sorl import get_thumbnail
from xaccel.sandbox import pool

from tests.support import django_site, hostile_decoder  # noqa: F401
from tests.support.heic import heic
from tests.support.render_workers import busy_worker, wait_until_gone
from tests.support.thumbnail_images import photo

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox needs Linux")


@pytest.fixture(scope="module", autouse=True)
def decoder(tmp_path_factory):
    directory = tmp_path_factory.mktemp("decoder")
    hostile_decoder.install(directory)
    _enabled._loaded.cache_clear()
    yield
    sys.path.remove(str(directory))
    pool.close_pools()


@pytest.fixture(params=[True, False], ids=["sandbox", "no sandbox"])
def sandbox(request):
    return request.param


@pytest.fixture
def media(tmp_path, sandbox):
    settings = {
        "THUMBNAIL_SOURCE": tmp_path,
        "THUMBNAIL_DECODERS": ["hostile", "heic"],
        "THUMBNAIL_SANDBOX": sandbox,
        "THUMBNAIL_TIMEOUT": 60,
    }
    with override_settings(XACCEL=settings, MEDIA_ROOT=str(tmp_path)):
        cache.clear()
        yield tmp_path


@pytest.fixture
def opened_here(monkeypatch):
    """The labels of the images that a decoder of another package has opened in this process."""
    labels = []
    open_image = _opening.open_image

    def recorded(descriptor, head, label, *arguments):
        labels.append(label)
        return open_image(descriptor, head, label, *arguments)

    monkeypatch.setattr(_opening, "open_image", recorded)
    return labels


def upload(action, *, in_file=False):
    content = hostile_decoder.image(action)
    if not in_file:
        return SimpleUploadedFile("a.jpg", content, "image/jpeg")
    file = TemporaryUploadedFile("a.jpg", "image/jpeg", len(content), None)
    file.write(content)
    file.flush()
    return file


def saved(action, field_class, **options):
    """The value of an image field, after an upload was saved."""
    field = field_class(storage=FileSystemStorage(), **options)
    field.set_attributes_from_name("image")
    row = SimpleNamespace(_meta=SimpleNamespace(app_label="shop"), pk=None)
    image = field.attr_class(row, field, "")
    image.save("a.jpg", ContentFile(hostile_decoder.image(action)), save=False)
    return image


def form_field(media, *, in_file=False):
    with upload("nothing", in_file=in_file) as file:
        return forms.ImageField().clean(file).image.width


def model_field(media):
    image = saved("nothing", ImageField, placeholder_field="blur", placeholder_kind="color")
    width, _, placeholder = image.field._facts(image)
    assert placeholder == "#000000"
    return width


def stored(media):
    (media / "stored.jpg").write_bytes(hostile_decoder.image("nothing"))
    return "stored.jpg"


def size(media):
    return get_thumbnailer(stored(media)).get_thumbnail({"size": (8, 0)}).width


def content(media):
    thumbnail = get_thumbnail(stored(media), "8x8", format="PNG")
    assert thumbnail.read().startswith(b"\x89PNG")
    return thumbnail.width


def resized(media):
    return 2 * saved("nothing", ThumbnailerImageField, resize_source={"size": (4, 4)}).width


def gallery(media):
    (media / "a.jpg").write_bytes(heic(photo(8, 8)))
    ((picture, _),) = Gallery(media, media / ".cache", (50, 50))._folders.list("").pictures
    return picture.info.width


@pytest.mark.parametrize("width_of", [form_field, model_field, size, content, resized])
def test_decoders_of_other_packages_run_in_workers_only(media, opened_here, sandbox, width_of):
    assert width_of(media) == 8
    assert bool(opened_here) != sandbox


def test_an_upload_in_a_temporary_file_is_read_in_a_worker(media, opened_here, sandbox):
    assert form_field(media, in_file=True) == 8
    assert bool(opened_here) != sandbox


@pytest.mark.parametrize("sandbox", [True], indirect=True)
def test_the_gallery_reads_headers_in_workers(media, opened_here):
    assert gallery(media) == 8
    assert not opened_here


@pytest.mark.parametrize("sandbox", [True], indirect=True)
class TestHostileUploads:
    @pytest.mark.parametrize("action", ["probe fault", "probe exec", "probe allocate", "probe lie"])
    def test_a_form_refuses_an_image_that_stops_its_worker(self, media, action):
        with pytest.raises(ValidationError) as caught:
            forms.ImageField().clean(upload(action))
        assert caught.value.code == "invalid_image"
        assert form_field(media) == 8

    def test_an_image_has_a_placeholder_unless_it_stops_its_worker(self, media):
        image = saved("fault", ImageField, placeholder_field="blur")
        assert image.field._facts(image) == (8, 8, "")

    def test_a_form_accepts_an_image_that_claims_to_need_no_memory(self, media):
        assert forms.ImageField().clean(upload("probe zero")).image.decoded_size == 0

    def test_a_form_asks_to_try_again_if_the_workers_are_killed(self, media):
        pool.close_pools()
        with ThreadPoolExecutor() as threads, upload("probe wait", in_file=True) as file:
            cleaned = threads.submit(forms.ImageField().clean, file)
            for _ in range(2):
                worker = busy_worker(os.getpid())
                os.kill(worker, signal.SIGKILL)
                wait_until_gone([worker])
            with pytest.raises(ValidationError, match="could not be checked") as caught:
                cleaned.result()
        assert caught.value.code == "image_not_checked"
