"""Several sources of images: their names, URLs, thumbnails, caches and purges."""

import io
import logging
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from PIL import Image
from xaccel import ConfigError
from xaccel.cli.main import main
from xaccel.exceptions import SourceError, SpecError
from xaccel.thumbnails.helpers import TemplateHelpers

from tests.support.thumbnail_service import KEY, Service


def opened(answer):
    assert answer.status in {200, 404}
    return Image.open(io.BytesIO(answer.data))


@pytest.fixture
def places(tmp_path):
    """Directories that have an image with the same name, each in another size."""
    found = {}
    for number, name in enumerate(("media", "media/avatars", "logos"), start=1):
        found[name] = tmp_path / name
        found[name].mkdir(parents=True)
        Image.new("RGB", (60, 10 * number)).save(found[name] / "a.png")
    return found


@pytest.fixture
def settings(places, tmp_path):
    return {
        "THUMBNAIL_SOURCE": places["media"],
        "THUMBNAIL_SOURCES": {"avatars": places["media/avatars"], "my-logos_2": places["logos"]},
        "THUMBNAIL_CACHE": tmp_path / "cache",
    }


@pytest.fixture
def service(settings):
    return Service(settings)


def test_each_source_has_its_own_urls_pictures_and_files(service, tmp_path):
    for name, height in (("a.png", 10), ("~avatars/a.png", 20), ("~my-logos_2/a.png", 30)):
        url = service.url(name, 60)
        assert url.startswith(f"/t/60x-/{name}?key=")
        for _ in range(2):
            assert opened(service.get(url)).size == (60, height)
        assert (tmp_path / "cache/t/60x-" / name).exists()


def test_a_path_has_the_name_in_the_innermost_source(service, places):
    for name, expected, height in (
        ("media", "a.png", 10),
        ("media/avatars", "~avatars/a.png", 20),
        ("logos", "~my-logos_2/a.png", 30),
    ):
        path = places[name] / "a.png"
        for source in (path, str(path)):
            url = service.url(source, 60)
            assert url.startswith(f"/t/60x-/{expected}?key=")
            assert opened(service.get(url)).size == (60, height)


def test_a_source_may_be_a_url(places, tmp_path):
    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=places["logos"])

        def log_message(self, *arguments):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        base = f"http://127.0.0.1:{server.server_port}"
        service = Service(
            {
                "THUMBNAIL_SOURCE": places["media"],
                "THUMBNAIL_SOURCES": {"logos": base},
                "THUMBNAIL_SOURCE_PRIVATE": True,
            }
        )
        assert opened(service.get(service.url("~logos/a.png", 60))).size == (60, 30)
        assert service.get(service.url("~logos/absent.png", 60)).status == 404
        assert service.url(f"{base}/a.png", 60) == service.url("~logos/a.png", 60)
        server.shutdown()
        thread.join()


def test_there_need_not_be_a_default_source(places):
    settings = {"THUMBNAIL_SOURCES": {"logos": places["logos"]}}
    service = Service(settings)
    assert service.get(service.url("~logos/a.png", 60)).status == 200
    helpers = TemplateHelpers(service.config, is_debug=lambda: True)
    with pytest.raises(SourceError, match=r"'a\.png'.*THUMBNAIL_SOURCE'\] is not set.*'~logos/'"):
        helpers.thumbnail_url("a.png", 60)
    assert service.get(service.config.signer().sign("/t/60x-/a.png")).status == 404


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("~avatar/a.png", "THUMBNAIL_SOURCES.*did you mean 'avatars'"),
        ("~avatars", "THUMBNAIL_SOURCES"),
        ("~avatars/", "not the name of an image"),
        ("~avatars/../a.png", "not the name of an image"),
        ("~/a.png", "THUMBNAIL_SOURCES"),
        ("~a.png", "THUMBNAIL_SOURCES"),
        ("/~nobody/a.png", "THUMBNAIL_SOURCES"),
    ],
)
def test_a_name_in_an_unknown_source_is_wrong(service, places, caplog, name, message):
    helpers = TemplateHelpers(service.config, is_debug=lambda: True)
    with pytest.raises(SourceError, match=message):
        helpers.thumbnail_url(name, 60)
    assert service.url(name, 60) == ""
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    with pytest.raises(SourceError, match=message):
        service.thumbnails.purge(name)


def test_no_file_of_the_default_source_is_behind_a_tilde(settings, places):
    """The URLs were signed before the setting."""
    for name in ("~nobody/a.png", "~a.png"):
        path = places["media"] / name
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (60, 60)).save(path)
    service = Service(settings)
    for name in ("~nobody/a.png", "~a.png", "~avatars"):
        url = service.config.signer().sign(f"/t/60x-/{name}")
        assert service.get(url).status == 404


def test_no_name_leads_out_of_its_source(service, places):
    (places["media/avatars"] / "link.png").symlink_to(places["logos"] / "a.png")
    assert service.get(service.url("~avatars/link.png", 60)).status == 404


def test_only_presets(settings):
    service = Service(
        {**settings, "THUMBNAIL_ONLY_PRESETS": True, "THUMBNAIL_PRESETS": {"box": "60x60"}}
    )
    url = service.url("~avatars/a.png", "box")
    assert url == "/t/60x60/~avatars/a.png"
    assert opened(service.get(url)).size == (60, 20)
    for path in ("~avatars/../a.png", "~nobody/a.png", "~avatars"):
        assert service.get(f"/t/60x60/{path}").status == 404


def test_purging_one_source_leaves_the_others(service):
    names = ("a.png", "~avatars/a.png", "~my-logos_2/a.png")
    for name in names:
        for width in (20, 30):
            assert service.get(service.url(name, width)).status == 200
    for name in names:
        assert service.thumbnails.purge(name) == 2
        assert service.thumbnails.purge(name) == 0


def test_the_command_purges_a_source(service, settings, tmp_path, capsys):
    for name in ("a.png", "~avatars/a.png"):
        service.get(service.url(name, 30))
    config = tmp_path / "xaccel.toml"
    config.write_text(
        f"""
        SECRET_KEYS = ["{KEY}"]
        THUMBNAIL_SOURCE = "{settings["THUMBNAIL_SOURCE"]}"
        THUMBNAIL_CACHE = "{settings["THUMBNAIL_CACHE"]}"
        THUMBNAIL_SOURCES.avatars = "{settings["THUMBNAIL_SOURCES"]["avatars"]}"
        """
    )
    main(["cache", "purge", "--config", str(config), "~avatars/a.png"])
    assert capsys.readouterr().out == "~avatars/a.png: removed 1 thumbnail\n"
    assert (tmp_path / "cache/t/30x-/a.png").exists()
    assert main(["cache", "purge", "--config", str(config), "~avatar/a.png"]) != 0
    assert "did you mean 'avatars'" in capsys.readouterr().err


def test_a_failure_is_remembered_by_source(service, places):
    (places["media/avatars"] / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    assert service.get(service.url("~avatars/a.png", 30)).status == 422
    assert service.get(service.url("a.png", 30)).status == 200
    assert service.get(service.url("~my-logos_2/a.png", 30)).status == 200
    Image.new("RGB", (60, 20)).save(places["media/avatars"] / "a.png")
    assert service.get(service.url("~avatars/a.png", 30)).status == 200


def test_a_version_is_that_of_the_file(service, places):
    urls = {service.url(name, 30, version="mtime") for name in ("a.png", "~avatars/a.png")}
    Image.new("RGB", (60, 60)).save(places["media/avatars"] / "a.png")
    changed = {service.url(name, 30, version="mtime") for name in ("a.png", "~avatars/a.png")}
    assert len(urls & changed) == 1
    for url in changed:
        assert ",v-" in url
        assert service.get(url).status == 200


def test_a_version_that_a_source_does_not_know(places):
    settings = {
        "THUMBNAIL_SOURCE": places["media"],
        "THUMBNAIL_SOURCES": {"logos": "https://media.example/logos"},
    }
    helpers = TemplateHelpers(Service(settings).config, is_debug=lambda: True)
    assert ",v-" in helpers.thumbnail_url("a.png", 30, version="mtime")
    with pytest.raises(SpecError, match=r"SOURCES'\]\['logos'\] 'https://media\.example/logos'"):
        helpers.thumbnail_url("~logos/a.png", 30, version="mtime")


def test_placeholders(service, places):
    Image.new("RGB", (60, 20), "red").save(places["media/avatars"] / "a.png")
    one, other = (service.helpers.placeholder(name) for name in ("a.png", "~avatars/a.png"))
    assert one.startswith("data:image/")
    assert other.startswith("data:image/")
    assert one != other


def test_the_fallback_works_with_several_sources(settings, places):
    service = Service({**settings, "THUMBNAIL_FALLBACK": places["logos"] / "a.png"})
    assert opened(service.get(service.url(None, 60))).size == (60, 30)
    response = service.get(service.url("~avatars/absent.png", 60))
    assert response.status == 404
    assert opened(response).size == (60, 30)
    # A source with the name of the fallback is another one.
    settings["THUMBNAIL_SOURCES"] = {"fallback": places["media"]}
    service = Service({**settings, "THUMBNAIL_FALLBACK": places["logos"] / "a.png"})
    assert opened(service.get(service.url(None, 60))).size == (60, 30)
    assert opened(service.get(service.url("~fallback/a.png", 60))).size == (60, 10)


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        (["/srv"], r"'THUMBNAIL_SOURCES'\] must be a dict of names and sources"),
        ({"~a": "/srv"}, "letters, digits, '-' and '_', not '~a'"),
        ({"a/b": "/srv"}, "not 'a/b'"),
        ({"ä": "/srv"}, "not 'ä'"),
        ({"": "/srv"}, "not ''"),
        ({5: "/srv"}, "not 5"),
        ({"a": "b"}, r"'THUMBNAIL_SOURCES'\]\['a'\] must be the absolute path.*not 'b'"),
        ({"a": "ftp://a.example/"}, r"\['a'\] must be the absolute path.*URL"),
        ({"a": "https://me:pw@a.example/"}, r"\['a'\].*without a user.*'https://…@a"),
        ({"a": None}, r"\['a'\] must be.*not None"),
    ],
)
def test_settings_that_are_wrong(sources, message):
    with pytest.raises(ConfigError, match=message):
        Service({"THUMBNAIL_SOURCE": "/srv", "THUMBNAIL_SOURCES": sources})


def test_a_setting_that_is_misspelt():
    with pytest.raises(ConfigError, match="did you mean 'THUMBNAIL_SOURCES'"):
        Service({"THUMBNAIL_SOURCESS": {}})


def test_another_place_of_a_source_is_one_warning(settings, places, caplog):
    service = Service(settings)
    service.get(service.url("~avatars/a.png", 30))
    caplog.set_level(logging.WARNING, "xaccel")
    Service({**settings, "THUMBNAIL_SOURCES": {"avatars": places["media/avatars"], "new": "/"}})
    assert caplog.records == []
    for _ in range(2):
        Service({**settings, "THUMBNAIL_SOURCES": {"avatars": Path("/nowhere")}})
    (record,) = caplog.records
    assert "XACCEL['THUMBNAIL_SOURCES']['avatars'] has changed" in record.getMessage()
