"""Private files in Django: under WSGI and ASGI, of fields and storages, through middleware."""

import asyncio
import dataclasses
import gzip
import inspect
import io
import threading
from pathlib import Path
from wsgiref.util import FileWrapper

import django
import pytest
from django.core.asgi import get_asgi_application
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, InMemoryStorage, Storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.signals import request_finished
from django.core.wsgi import get_wsgi_application
from django.db.models import FileField
from django.db.models.fields.files import FieldFile
from django.http import Http404
from django.template import Context, Template
from django.test import Client, RequestFactory, override_settings
from PIL import Image
from xaccel import Config, ConfigError, asgi, wsgi
from xaccel.delivery import sendfile
from xaccel.delivery.presentation import FileOptions
from xaccel.delivery.response import FileBody
from xaccel.django import (
    PrivateFileView,
    private_url,
    send_private_file,
    send_private_thumbnail,
)
from xaccel.django.storage import PrivateStorage
from xaccel.exceptions import FileNotFound

from tests.support import django_site  # noqa: F401
from tests.support.clients import call_asgi, call_wsgi

CONTENT = b"%PDF-1.4 " + bytes(range(256)) * 4000
URL = "/_private/files/a%20b.pdf"
SENDFILE = "xaccel.django.middleware.SendfileMiddleware"
GZIP = "django.middleware.gzip.GZipMiddleware"
HOST = {"Host": "testserver"}


@pytest.fixture
def private(tmp_path):
    directory = tmp_path / "private"
    directory.mkdir()
    (directory / "a b.pdf").write_bytes(CONTENT)
    return directory


@pytest.fixture
def configure(private):
    overrides = []

    def configure(middleware=(), **changes):
        xaccel = {"ROOTS": {private: "/_private/files/"}, "PRIVATE_URL": "/p/", **changes}
        override = override_settings(XACCEL=xaccel, MIDDLEWARE=list(middleware))
        override.enable()
        overrides.append(override)

    yield configure
    for override in reversed(overrides):
        override.disable()


@pytest.fixture(params=["wsgi", "asgi"])
def ask(request):
    """Ask Django as a server does; header names are in lower case."""

    def ask(path, method="GET", **asked):
        headers = {**HOST, **{name.replace("_", "-"): value for name, value in asked.items()}}
        if request.param == "wsgi":
            answer = call_wsgi(get_wsgi_application(), path, method, headers, validate=False)
        else:
            answer = call_asgi(get_asgi_application(), path, method, headers)
        status, headers, content = answer
        return status, {name.lower(): value for name, value in headers.items()}, content

    return ask


def finished_requests(function):
    finished = []

    def note(**_):
        finished.append(1)

    request_finished.connect(note)
    try:
        function()
    finally:
        request_finished.disconnect(note)
    return len(finished)


@pytest.mark.parametrize("view", ["file", "async", "async-inline"])
def test_direct(configure, ask, view):
    configure()
    url = f"/{view}/a b.pdf"
    status, headers, content = ask(url)
    assert (status, content) == (200, CONTENT)
    assert headers["content-length"] == str(len(CONTENT))
    assert ask(url, Range="bytes=5-9")[::2] == (206, CONTENT[5:10])
    assert b"--" in ask(url, Range="bytes=5-9,20-29")[2]
    assert ask(url, If_None_Match=headers["etag"])[::2] == (304, b"")
    status, head_headers, content = ask(url, "HEAD")
    assert (status, content) == (200, b"")
    assert head_headers == headers
    assert ask(f"/{view}/absent")[0] == 404


@pytest.mark.parametrize("view", ["file", "async", "async-inline"])
def test_nginx(configure, ask, view):
    configure(SERVER="nginx")
    status, headers, content = ask(f"/{view}/a b.pdf", Range="bytes=5-9")
    assert (status, content, headers["x-accel-redirect"]) == (200, b"", URL)


def test_a_big_file_is_read_in_chunks_in_threads(configure, monkeypatch):
    configure()
    readers = []
    read = FileBody._read

    def note(self, *part):
        for chunk in read(self, *part):
            readers.append(threading.current_thread())
            yield chunk

    monkeypatch.setattr(FileBody, "_read", note)
    assert call_asgi(get_asgi_application(), "/file/a b.pdf", headers=HOST)[2] == CONTENT
    assert len(readers) > 3
    assert threading.main_thread() not in readers


def test_the_wsgi_servers_file_wrapper_gets_whole_files(configure, private):
    configure()
    wrapped = []

    class Wrapper(FileWrapper):
        def __init__(self, file, size):
            super().__init__(file, size)
            wrapped.append(file)

    def ask(**asked):
        headers, environ = {**HOST, **asked}, {"wsgi.file_wrapper": Wrapper}
        return call_wsgi(get_wsgi_application(), "/file/a b.pdf", headers=headers, **environ)[2]

    contents = []
    assert finished_requests(lambda: contents.append(ask())) == 1
    assert contents == [CONTENT]
    (file,) = wrapped
    assert file.closed
    assert ask(Range="bytes=5-9") == CONTENT[5:10]
    assert wrapped == [file]


@pytest.mark.parametrize("environ", [{}, {"wsgi.file_wrapper": FileWrapper}])
def test_middleware_may_replace_the_content(configure, environ):
    configure([GZIP])
    headers = {**HOST, "Accept-Encoding": "gzip"}
    answer = call_wsgi(get_wsgi_application(), "/file/a b.pdf", headers=headers, **environ)
    assert gzip.decompress(answer[2]) == CONTENT
    assert gzip.decompress(call_asgi(get_asgi_application(), "/file/a b.pdf", headers=headers)[2])


def test_files_of_fields_and_storages(configure, private):
    configure(SERVER="nginx")
    request = RequestFactory().get("/")
    storage = FileSystemStorage(location=private)
    field = FieldFile(None, FileField(storage=storage), "a b.pdf")
    for file in (field, storage.open("a b.pdf"), private / "a b.pdf", str(private / "a b.pdf")):
        assert send_private_file(request, file).headers["X-Accel-Redirect"] == URL
        if hasattr(file, "close"):
            file.close()
    nothing = FieldFile(None, FileField(storage=storage), None)
    absent = FieldFile(None, FileField(storage=storage), "absent.pdf")
    unsaved = FieldFile(None, FileField(storage=storage), "a b.pdf")
    unsaved._committed = False
    for file in (nothing, absent, unsaved):
        with pytest.raises(Http404):
            send_private_file(request, file)


class Remote(Storage):
    """A storage without paths, as a bucket is; its URLs are not below a remote."""

    def url(self, name):
        return f"https://elsewhere.example/{name}"

    def _open(self, name, mode="rb"):
        return RemoteFile(self, name)


class RemoteFile(File):
    """An opened file as those of django-storages."""

    def __init__(self, storage, name):
        super().__init__(io.BytesIO(b"another"), name)
        self._storage = storage


def named(file, name):
    """Name a file in memory, as Django does since 5.0."""
    if not hasattr(file, "name"):
        file.name = name
    return file


def test_a_file_without_a_name_is_not_found(configure):
    configure(SERVER="nginx")
    file = ContentFile(b"text")
    del file.name
    with pytest.raises(FileNotFound, match="the field has no file"):
        private_url(file)
    with pytest.raises(Http404):
        send_private_file(RequestFactory().get("/"), file)


@pytest.mark.parametrize("remotes", [{}, {"https://bucket.s3.example/": "/_remote/bucket/"}])
def test_a_file_elsewhere_is_never_a_local_file_of_the_same_name(configure, private, remotes):
    configure(SERVER="nginx", REMOTES=remotes)
    image = io.BytesIO()
    Image.new("RGB", (9, 9)).save(image, "PNG")
    (private / "a.png").write_bytes(image.getvalue())
    (private / "a.gz").write_bytes(gzip.compress(b"text"))
    memory = InMemoryStorage(private)
    memory.save("a.png", ContentFile(b"another"))
    outside = FileSystemStorage(private.parent / "elsewhere")
    outside.save("a.png", ContentFile(b"another"))
    files = [
        *(
            FieldFile(None, FileField(storage=each), "a.png")
            for each in (Remote(), memory, outside)
        ),
        *(named(each.open("a.png"), "a.png") for each in (Remote(), memory, outside)),
        ContentFile(b"another", name="a.png"),
        SimpleUploadedFile("a.png", b"another"),
        File(io.BytesIO(b"another"), name="a.png"),
        File(gzip.open(private / "a.gz")),  # noqa: SIM115
    ]
    request = RequestFactory().get("/")

    class View(PrivateFileView):
        def get_path(self):
            return self.kwargs["file"]

        def can_access_file(self, path):
            return True

    calls = [
        lambda file: send_private_file(request, file),
        lambda file: send_private_thumbnail(request, file, 5),
        lambda file: View.as_view()(request, file=file),
        private_url,
        lambda file: Template("{% load xaccel %}{% private_url file %}").render(
            Context({"file": file})
        ),
    ]
    for file in files:
        for call in calls:
            with pytest.raises(ConfigError, match=r"a\.(png|gz)'.*XACCEL\['ROOTS'\]"):
                call(file)
        if not isinstance(file, FieldFile):
            file.close()


def test_opened_files_are_where_they_were_opened(configure, private, monkeypatch):
    configure(SERVER="nginx")
    request = RequestFactory().get("/")
    monkeypatch.chdir(private)
    for path in ("a b.pdf", private / "a b.pdf", str(private / "a b.pdf")):
        with File(Path(path).open("rb"), name="x.pdf") as file:
            assert send_private_file(request, file).headers["X-Accel-Redirect"] == URL
    (private.parent / "link").symlink_to(private)
    linked = FieldFile(
        None, FileField(storage=FileSystemStorage(private.parent / "link")), "a b.pdf"
    )
    assert send_private_file(request, linked).headers["X-Accel-Redirect"] == URL


def test_only_local_files_have_links_and_private_thumbnails(configure):
    configure(SERVER="nginx", REMOTES={"https://elsewhere.example/": "/_remote/"})
    field = FieldFile(None, FileField(storage=Remote()), "a.png")
    request = RequestFactory().get("/")
    assert send_private_file(request, field).headers["X-Accel-Redirect"] == "/_remote/a.png"
    with pytest.raises(ConfigError, match="this machine"):
        private_url(field)
    with pytest.raises(ConfigError, match="this machine"):
        send_private_thumbnail(request, field, 5)


def test_files_in_a_bucket(configure):
    class Bucket(Storage):
        def url(self, name):
            return f"https://bucket.s3.example/{name}?X-Amz-Signature=a%2Fb"

    configure(SERVER="nginx", REMOTES={"https://bucket.s3.example/": "/_remote/bucket/"})
    field = FieldFile(None, FileField(storage=Bucket()), "a b.pdf")
    response = send_private_file(RequestFactory().get("/"), field)
    expected = "/_remote/bucket/a%20b.pdf?X-Amz-Signature=a%2Fb"
    assert response.headers["X-Accel-Redirect"] == expected
    assert response.headers["Content-Type"] == "application/pdf"


def test_the_views_permission_check(configure, ask):
    configure()
    status, headers, content = ask("/allowed/a b.pdf", X_May="a b.pdf")
    assert (status, content) == (200, CONTENT)
    assert headers["content-disposition"] == 'attachment; filename="a.pdf"'
    assert headers["x-robots-tag"] == "noindex"
    assert ask("/allowed/a b.pdf")[0] == 403
    assert ask("/allowed/absent", X_May="absent")[0] == 404
    assert ask("/allowed/a b.pdf", "POST", X_May="a b.pdf")[0] == 405
    with pytest.raises(ImproperlyConfigured, match="Undecided must define can_access_file"):
        Client().get("/undecided/a b.pdf")


def test_file_responses_are_offloaded(configure, ask, private):
    configure([SENDFILE], SERVER="nginx")
    status, headers, content = ask(f"/file_response{private}/a b.pdf", Range="bytes=5-9")
    assert (status, content, headers["x-accel-redirect"]) == (200, b"", URL)
    assert headers["content-length"] == "0"
    assert headers["content-type"] == "application/pdf"
    assert headers["set-cookie"].strip() == "seen=1; Path=/"
    assert ask(f"/file_response{private}/a b.pdf", "HEAD")[1]["x-accel-redirect"] == URL


@pytest.mark.parametrize(
    ("call", "application"),
    [(call_wsgi, get_wsgi_application), (call_asgi, get_asgi_application)],
)
def test_overrides_for_one_request(configure, private, call, application):
    configure([SENDFILE], SERVER="nginx")

    def ask(**overrides):
        headers, content = call(
            application(), f"/file_response{private}/a b.pdf", headers=HOST, **overrides
        )[1:]
        return {name.lower(): value for name, value in headers.items()}, content

    headers, content = ask(**{sendfile.TYPE: "X-Sendfile"})
    assert (content, headers["x-sendfile"]) == (b"", f"{private}/a b.pdf")
    headers, content = ask(**{sendfile.MAPPING: f"{private}/=/other/"})
    assert (content, headers["x-accel-redirect"]) == (b"", "/other/a%20b.pdf")
    if call is call_wsgi:  # Under ASGI Django itself warns of such a response.
        headers, content = ask(**{sendfile.TYPE: ""})
        assert content == CONTENT
        assert "x-accel-redirect" not in headers


def test_file_responses_support_ranges_in_direct(configure, ask, private):
    configure([SENDFILE])
    url = f"/file_response{private}/a b.pdf"
    status, headers, content = ask(url)
    assert (status, content) == (200, CONTENT)
    assert ask(url, Range="bytes=5-9")[::2] == (206, CONTENT[5:10])
    assert ask(url, If_None_Match=headers["etag"])[0] == 304


def test_other_responses_stay_unchanged(configure, ask, private):
    configure([SENDFILE], SERVER="nginx")
    outside = private.parent / "private-not.pdf"
    outside.write_bytes(CONTENT[:3])
    if ask.__closure__[0].cell_contents.param == "asgi":
        # Django itself says that it reads the whole file first.
        with pytest.warns(Warning, match="synchronous iterators"):
            answer = ask(f"/file_response{outside}")
    else:
        answer = ask(f"/file_response{outside}")
    assert answer[::2] == (200, CONTENT[:3])
    assert "x-accel-redirect" not in answer[1]


def test_only_foreign_headers_are_removed(configure, ask):
    configure([SENDFILE], SERVER="nginx")
    status, headers, content = ask("/foreign")
    assert (status, content) == (200, b"text")
    assert not {"x-accel-redirect", "x-sendfile"} & set(headers)
    for view in ("file", "async"):
        assert ask(f"/{view}/a b.pdf")[1]["x-accel-redirect"] == URL


def test_each_request_ends_once(configure, private):
    configure([SENDFILE])
    for server in ("nginx", "direct"):
        configure([SENDFILE], SERVER=server)
        app, url = get_wsgi_application(), f"/file_response{private}/a b.pdf"
        assert finished_requests(lambda: call_wsgi(app, url, headers=HOST)) == 1  # noqa: B023


def test_the_wsgi_and_asgi_middleware_around_django(configure, private):
    configure()
    config = Config.from_mapping({"SERVER": "nginx", "ROOTS": {private: "/_private/files/"}})
    app = wsgi.Sendfile(get_wsgi_application(), config)
    url = f"/file_response{private}/a b.pdf"
    for method in ("GET", "HEAD"):
        asked = {**HOST, "Range": "bytes=0-1"}
        status, headers, content = call_wsgi(app, url, method, asked)
        assert (status, content, headers["X-Accel-Redirect"]) == (200, b"", URL)
    configure(SERVER="nginx")
    assert call_wsgi(app, "/file/a b.pdf", headers=HOST)[1]["X-Accel-Redirect"] == URL
    app = asgi.Sendfile(get_asgi_application(), config)
    assert call_asgi(app, "/file/a b.pdf", headers=HOST)[1]["x-accel-redirect"] == URL
    configure(SERVER="direct")
    app = asgi.Sendfile(get_asgi_application(), config)
    assert call_asgi(app, "/file/a b.pdf", headers={**HOST, "Range": "bytes=5-9"})[0] == 206


def test_requests_at_the_same_time(configure):
    configure()

    async def main():
        app = get_asgi_application()
        return await asyncio.gather(*(asyncio.to_thread(ask, app) for _ in range(5)))

    def ask(app):
        return call_asgi(app, "/async/a b.pdf", headers=HOST)[2]

    assert asyncio.run(main()) == [CONTENT] * 5


def test_links_of_a_storage(configure, ask, private):
    configure()
    storage = PrivateStorage()
    name = storage.save("sub/new.txt", ContentFile(b"new"))
    assert (private / "sub/new.txt").read_bytes() == b"new"
    url = storage.url(name)
    assert url.startswith("/p/files/sub/new.txt?")
    assert "expires=" in url
    assert ask(url)[::2] == (200, b"new")
    assert ask(url.replace("new.txt", "old.txt"))[0] == 403
    assert PrivateStorage(expires_in=None).url(name).count("expires") == 0
    url = PrivateStorage(private / "sub", as_attachment=True).url("new.txt")
    assert ask(url)[1]["content-disposition"] == 'attachment; filename="new.txt"'
    field = FieldFile(None, FileField(storage=storage), name)
    assert field.url.startswith("/p/files/sub/new.txt?")


@pytest.mark.parametrize(
    "name",
    [None, "", "a\\b.pdf", "nul\0.pdf", "\udcff.pdf", "../up.pdf", "/etc/passwd", "a//b.pdf", "a/"],
)
def test_a_link_to_an_odd_name_is_not_an_error(configure, private, name):
    configure()
    url = PrivateStorage().url(name)
    assert url == "" or url.startswith("/p/files/")
    assert "up.pdf" not in url
    assert "passwd" not in url


def test_a_storage_outside_the_roots_is_an_error(configure, tmp_path):
    configure()
    with pytest.raises(ConfigError, match="not under one of"):
        PrivateStorage(tmp_path / "elsewhere").url("a.pdf")


def test_the_storage_has_the_options_of_a_file_system_storage(configure, private):
    configure()
    storage = PrivateStorage(base_url="https://files.example.com/")
    assert storage.save("same.txt", ContentFile(b"one")) == "same.txt"
    assert storage.url("same.txt").startswith("https://files.example.com/p/files/same.txt?")
    assert storage.save("same.txt", ContentFile(b"two")) != "same.txt"
    theirs = set(inspect.signature(FileSystemStorage).parameters)
    assert theirs <= set(inspect.signature(PrivateStorage).parameters)


@pytest.mark.skipif(django.VERSION < (5, 1), reason="needs allow_overwrite, new in Django 5.1")
def test_the_storage_may_overwrite(configure, private):
    configure()
    storage = PrivateStorage(allow_overwrite=True)
    for content in (b"one", b"two"):
        assert storage.save("same.txt", ContentFile(content)) == "same.txt"
    assert (private / "same.txt").read_bytes() == b"two"


def test_the_storage_in_migrations():
    storage = PrivateStorage("/srv/private", expires_in=60)
    path, args, kwargs = storage.deconstruct()
    assert path == "xaccel.django.storage.PrivateStorage"
    assert (args, kwargs) == (("/srv/private",), {"expires_in": 60})


def test_the_template_tag(configure, ask, private):
    configure()
    field = FieldFile(None, FileField(storage=FileSystemStorage(private)), "a b.pdf")
    for file in (field, "a b.pdf"):
        template = Template("{% load xaccel %}{% private_url file expires_in=60 %}")
        url = template.render(Context({"file": file})).replace("&amp;", "&")
        assert url.startswith("/p/files/a%20b.pdf?")
        assert ask(url.replace("%20", " "))[::2] == (200, CONTENT)


def test_a_link_may_be_absolute(configure, private):
    configure()
    request = RequestFactory().get("/", HTTP_HOST="www.example.com", secure=True)
    link = private_url("a b.pdf")
    template = Template("{% load xaccel %}{% private_url file request=request %}")
    with override_settings(ALLOWED_HOSTS=["www.example.com"]):
        absolute = private_url("a b.pdf", request=request)
        html = template.render(Context({"file": "a b.pdf", "request": request}))
    assert link.startswith("/p/")
    assert absolute == html.replace("&amp;", "&") == f"https://www.example.com{link}"


def test_the_attributes_of_the_view_are_the_keywords_with_their_defaults():
    for option in dataclasses.fields(FileOptions):
        assert getattr(PrivateFileView, option.name) == option.default
