"""Every row of `docs/migrating.md` does what it says; for thumbnails, see the next file."""

import re
from wsgiref.util import FileWrapper

import pytest
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, storages
from django.core.validators import FileExtensionValidator
from django.db.models import FileField
from django.db.models.fields.files import FieldFile
from django.http import FileResponse, HttpResponse
from django.test import Client, RequestFactory, override_settings
from django.urls import include, path
from flask import Flask, send_file, send_from_directory
from xaccel import Config, wsgi
from xaccel.delivery import sendfile
from xaccel.django import PrivateFileView, private_url, send_private_file
from xaccel.django.middleware import SendfileMiddleware
from xaccel.django.storage import PrivateStorage
from xaccel.flask import XAccel, send_private_file as flask_send_private_file
from xaccel.testing import assert_offloaded

from tests.support import django_site
from tests.support.clients import call_wsgi
from tests.support.migration_page import PAGE, Checks

CHECKS = Checks(PAGE.partition("## sorl-thumbnail")[0])
CONTENT = b"<p>text</p>"
row = CHECKS.row


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


class Site:
    """A Django site and a Flask app with one root."""

    def __init__(self, tmp_path):
        self.root = tmp_path / "private"
        self.root.mkdir()
        self.file = self.root / "a.html"
        self.file.write_bytes(CONTENT)
        self.outside = tmp_path / "outside.html"
        self.outside.write_bytes(CONTENT)
        self.storage = FileSystemStorage(self.root)
        self.field = FieldFile(None, FileField(storage=self.storage), "a.html")

    def settings(self, server="nginx", **changes):
        return {
            "SERVER": server,
            "ROOTS": {str(self.root): "/_p/"},
            "PRIVATE_URL": "/p/",
            **changes,
        }

    def xaccel(self, *arguments, **changes):
        return override_settings(XACCEL=self.settings(*arguments, **changes))

    def sent(self, *arguments, file="a.html", **options):
        """The headers of a response of `send_private_file()`."""
        with self.xaccel(*arguments):
            return dict(send_private_file(RequestFactory().get("/"), file, **options).headers)

    def viewed(self, found, **attributes):
        """The headers of the response of a `PrivateFileView`."""
        members = {"get_path": lambda _: found, "can_access_file": lambda *_: True, **attributes}
        view = type("View", (PrivateFileView,), members).as_view()
        return dict(view(RequestFactory().get("/")).headers)


@row('`SENDFILE_BACKEND = "django_sendfile.backends.nginx"`', "`DOWNLOADVIEW_BACKEND = ")
@row("`….backends.xsendfile`", "`….backends.mod_wsgi`", "`….apache.", "`….lighttpd.")
@row("`PRIVATE_STORAGE_SERVER = ", "the constructor's `variation`")
def servers(site):
    assert site.sent("nginx")["X-Accel-Redirect"] == "/_p/a.html"
    assert site.sent("apache")["X-Sendfile"] == str(site.file)
    assert site.sent("lighttpd")["X-Sendfile"] == str(site.file)


@row("`….backends.simple`")
def direct(site):
    with site.xaccel("direct"):
        response = send_private_file(RequestFactory().get("/"), "a.html")
        assert response.getvalue() == CONTENT


@row("`SENDFILE_ROOT`", "a rule with `source_dir`", "`PRIVATE_STORAGE_ROOT`")
@row("the constructor's `mappings`")
def roots(site):
    sub = site.root / "sub"
    sub.mkdir()
    (sub / "b.html").write_bytes(CONTENT)
    settings = {"SERVER": "nginx", "ROOTS": {str(site.root): "/_p/", str(sub): "/_q/"}}
    with override_settings(XACCEL=settings):
        request = RequestFactory().get("/")
        for file, url in ((site.file, "/_p/a.html"), (sub / "b.html", "/_q/b.html")):
            assert send_private_file(request, file).headers["X-Accel-Redirect"] == url


@row("`SENDFILE_CHECK_FILE_EXISTS`")
def missing_files(site):
    with site.xaccel():
        assert Client().get("/file/absent").status_code == 404


@row("`attachment=True` ", '`attachment_filename="a.pdf"`')
def attachments(site):
    header = site.sent(as_attachment=True, download_name="a.pdf")["Content-Disposition"]
    assert header == 'attachment; filename="a.pdf"'


@row("`attachment=True, attachment_filename=False`")
def attachments_without_a_name(site):
    assert site.sent(as_attachment=True)["Content-Disposition"] == 'attachment; filename="a.html"'


@row("`attachment_filename=False` without `attachment`")
def inline_without_a_name(site):
    assert "Content-Disposition" not in site.sent()


@row("`mimetype=…`")
def types(site):
    assert site.sent(mimetype="text/x-own")["Content-Type"].startswith("text/x-own")


@row('`encoding="gzip"`')
def encodings(site):
    assert site.sent(headers={"Content-Encoding": "gzip"})["Content-Encoding"] == "gzip"


@row("`content_length=…`")
def lengths(site):
    with site.xaccel("direct"):
        response = send_private_file(RequestFactory().get("/"), "a.html")
        assert response.headers["Content-Length"] == str(len(CONTENT))
        response.close()


@row("`SmartDownloadMiddleware`", "`@x_accel_redirect(…)`")
def middleware(site):
    with site.xaccel():
        get_response = lambda _: FileResponse(site.file.open("rb"))  # noqa: E731
        response = SendfileMiddleware(get_response)(RequestFactory().get("/"))
        assert response.headers["X-Accel-Redirect"] == "/_p/a.html"


@row("a rule with `source_url`", "`PRIVATE_STORAGE_S3_REVERSE_PROXY`", "`HTTPDownloadView`")
def remotes(site):
    with site.xaccel(REMOTES={"https://bucket.example/": "/_remote/"}):
        headers = site.viewed("https://bucket.example/a.pdf")
        assert headers["X-Accel-Redirect"] == "/_remote/a.pdf"


@row("`expires`, `with_buffering`")
def rules(site):
    headers = site.sent(max_age=60, limit_rate=1000)
    assert headers["Cache-Control"] == "private, max-age=60"
    assert headers["X-Accel-Limit-Rate"] == "1000"


@row("`DOWNLOADVIEW_URL_EXPIRATION`", "`SignedFileSystemStorage`")
def signed_links(site):
    with site.xaccel("direct"):
        for url in (
            PrivateStorage(site.root, expires_in=60).url("a.html"),
            private_url("a.html", expires_in=60),
        ):
            assert "expires=" in url
            assert Client().get(url).getvalue() == CONTENT
            assert Client().get(url.replace("a.html", "b.html")).status_code == 403


@row("`PathDownloadView`", "`PrivateStorageView`")
def views_of_paths(site):
    with site.xaccel():
        assert site.viewed("a.html")["X-Accel-Redirect"] == "/_p/a.html"


@row("`StorageDownloadView`")
def views_of_storages(site):
    with site.xaccel():
        for found, attributes in (
            ("a.html", {"root": site.root}),
            (site.storage.path("a.html"), {}),
        ):
            assert site.viewed(found, **attributes)["X-Accel-Redirect"] == "/_p/a.html"


@row("`ObjectDownloadView`", "`PrivateStorageDetailView`")
def views_of_objects(site):
    with site.xaccel():
        assert site.viewed(site.field)["X-Accel-Redirect"] == "/_p/a.html"


@row("`VirtualDownloadView`")
def virtual_files(site):
    with site.xaccel():
        response = SendfileMiddleware(lambda _: HttpResponse("text"))(RequestFactory().get("/"))
        assert response.content == b"text"


@row("`attachment = True`, the default", "`basename`", '`content_disposition = "attachment"`')
@row("`content_disposition_filename`")
def view_attributes(site):
    assert PrivateFileView.as_attachment is False
    with site.xaccel():
        headers = site.viewed("a.html", as_attachment=True, download_name="b.html")
        assert headers["Content-Disposition"] == 'attachment; filename="b.html"'


@row("`assert_x_accel_redirect(")
def assertions(site):
    with site.xaccel():
        assert_offloaded(Client().get("/file/a.html"), site.file)


@row("`PRIVATE_STORAGE_NGINX_VERSION`")
def nothing(site):
    assert not any("version" in name for name in Config.__dataclass_fields__)


@row("`PRIVATE_STORAGE_AUTH_FUNCTION`")
def permissions(site):
    with site.xaccel(), pytest.raises(ImproperlyConfigured, match="can_access_file"):
        PrivateFileView.as_view()(RequestFactory().get("/"), path="a.html")


@row("`PRIVATE_STORAGE_CLASS`", "`PrivateFileField(…)`", "`upload_subfolder=…`")
def private_fields(site):
    backend = "xaccel.django.storage.PrivateStorage"
    private = {"BACKEND": backend, "OPTIONS": {"location": site.root, "expires_in": 600}}
    with site.xaccel(), override_settings(STORAGES={**django_site.STORAGES, "private": private}):
        field = FileField(storage=lambda: storages["private"], upload_to="%Y/%m")
        assert isinstance(field.storage, PrivateStorage)
        assert re.fullmatch(r"\d{4}/\d\d/x.txt", field.generate_filename(None, "x.txt"))


@row('`path("private-media/"')
def urls(site):
    with site.xaccel():
        patterns = include("xaccel.django.urls")
        assert path("", patterns).resolve("p/a.html").url_name == "xaccel-private-file"


@row("`content_types=…`, `max_file_size=…`")
def validators(site):
    field = FileField(validators=[FileExtensionValidator(["pdf"])])
    with pytest.raises(ValidationError):
        field.run_validators(ContentFile(CONTENT, name="a.html"))


def flask_app(site, server, *, sendfile=True, **keywords):
    app = Flask(__name__)
    app.config["SECRET_KEY"] = "the secret of the framework"
    app.config["XACCEL"] = site.settings(server)
    XAccel(app, sendfile=sendfile)
    app.add_url_rule("/file", "file", lambda: send_file(site.file, as_attachment=True))
    app.add_url_rule(
        "/directory", "directory", lambda: send_from_directory(site.root, "a.html", etag=False)
    )
    app.add_url_rule("/outside", "outside", lambda: send_file(site.outside))
    app.add_url_rule("/private", "private", lambda: flask_send_private_file(site.file, **keywords))
    return app.test_client()


@row('`app.config["USE_X_SENDFILE"] = True`, Apache', "not supported", "`send_file(path, …)`")
@row('`app.config["USE_X_SENDFILE"] = True`, lighttpd')
def flask_files(site):
    for server, header, value in (
        ("apache", "X-Sendfile", str(site.file)),
        ("lighttpd", "X-Sendfile", str(site.file)),
        ("nginx", "X-Accel-Redirect", "/_p/a.html"),
        ("caddy", "X-Accel-Redirect", "/_p/a.html"),
    ):
        client = flask_app(site, server, sendfile=True)
        for url in ("/file", "/directory"):
            response = client.get(url, headers={"Range": "bytes=0-1"})
            assert (response.status_code, response.headers[header]) == (200, value), server
        with client.get("/outside") as response:
            assert response.data == CONTENT


@row("`send_file(path, mimetype, as_attachment")
def flask_keywords(site):
    keywords = {"mimetype": "text/x-own", "as_attachment": True, "download_name": "b", "max_age": 5}
    headers = flask_app(site, "nginx", **keywords).get("/private").headers
    assert headers["Content-Type"].startswith("text/x-own")
    assert headers["Content-Disposition"] == 'attachment; filename="b"'
    assert headers["Cache-Control"] == "private, max-age=5"


@row("`conditional=`, `etag=`")
def flask_conditions(site):
    client = flask_app(site, "direct")
    with client.get("/private") as response:
        etag = response.headers["ETag"]
    assert client.get("/private", headers={"If-None-Match": etag}).status_code == 304


def rack(site, headers=(), *, config=None, file=None, trust_request_headers=False, **environ):
    """What `xaccel.wsgi.Sendfile` makes of an app's file."""

    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/html")])
        return environ.get("wsgi.file_wrapper", FileWrapper)((file or site.file).open("rb"))

    settings = site.settings("nginx", SECRET_KEYS=["a key of 16 bytes or more"])
    config = Config.from_mapping(settings) if config is None else config
    wrapped = wsgi.Sendfile(app, config, trust_request_headers=trust_request_headers)
    return call_wsgi(wrapped, "/", headers=headers, **environ)


@row('`env["sendfile.type"]`')
def rack_types(site):
    assert sendfile.TYPE == "xaccel.sendfile_type"
    assert rack(site, **{sendfile.TYPE: "X-Sendfile"})[1]["X-Sendfile"] == str(site.file)
    _, headers, content = rack(site, **{sendfile.TYPE: ""})
    assert content == CONTENT
    assert "X-Accel-Redirect" not in headers


@row("none ")
def rack_mappings(site):
    assert sendfile.MAPPING == "xaccel.accel_mapping"
    headers = rack(site, **{sendfile.MAPPING: f"{site.root}/=/_other/"})[1]
    assert headers["X-Accel-Redirect"] == "/_other/a.html"


@row("the request's `X-Accel-Mapping`")
def rack_request_headers(site):
    asked = {"X-Accel-Mapping": f"{site.root}/=/_other/"}
    assert rack(site, asked)[1]["X-Accel-Redirect"] == "/_p/a.html"
    asked["X-Sendfile-Type"] = "X-Accel-Redirect"
    assert "X-Accel-Redirect" not in rack(site, asked, config=Config())[1]
    _, headers, _ = rack(site, asked, config=Config(), trust_request_headers=True)
    assert headers["X-Accel-Redirect"] == "/_other/a.html"


@row("no mapping matches")
def rack_without_a_match(site):
    status, headers, content = rack(site, file=site.outside)
    assert (status, content) == (200, CONTENT)
    assert "X-Accel-Redirect" not in headers


@row("the app handles ranges")
def rack_ranges(site):
    status, headers, _ = rack(site, {"Range": "bytes=0-1"})
    assert (status, headers["X-Accel-Redirect"]) == (200, "/_p/a.html")


@pytest.mark.parametrize("cells", list(CHECKS.rows()), ids=lambda cells: cells[0])
def test_the_row(site, cells):
    CHECKS.of(cells[0])(site)
    assert CHECKS.unused(cells) == []


def test_no_check_is_left_over():
    assert CHECKS.left_over() == []
