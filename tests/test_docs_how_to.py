"""The recipes in `docs/how-to/`, each of which is run."""

import re

import jinja2
import pytest
from xaccel import Config, jinja, probe
from xaccel.thumbnails.helpers import TemplateHelpers

from tests.support.doc_pages import execute, follow, runs
from tests.support.drawings import RED, svg
from tests.support.thumbnail_images import photo_file


@runs("docs/how-to/private-files.md")
def test_private_files(found, tmp_path):
    documents = tmp_path / "srv" / "documents"
    (documents / "invoices").mkdir(parents=True)
    (documents / "report.txt").write_text("Only for members")
    (documents / "invoices" / "7.pdf").write_bytes(b"%PDF-")
    (documents / "cat.jpg").write_bytes(photo_file("JPEG"))
    text = "\n".join(each.text for each in found).replace("/srv/", f"{tmp_path}/srv/")
    names = execute(text, found[0].page, __name__=__name__)
    client = names["app"].test_client()

    assert client.get("/documents/report.txt").status_code == 403
    assert client.get("/previews/cat.jpg").status_code == 403
    names["check_document"](client)
    assert client.get("/documents/report.txt").text == "Only for members"
    assert client.get("/documents/none.txt").status_code == 404
    preview = probe(client.get("/previews/cat.jpg").data)
    assert (preview.width, preview.height) == (300, 200)

    invoice = client.get("/invoices/7").headers["Content-Disposition"]
    assert invoice.startswith("attachment")
    assert "filename*=UTF-8''Invoice%20%E2%84%967.pdf" in invoice
    link = client.get("/share/report.txt").text
    assert client.get(link).text == "Only for members"
    assert client.get(link.replace("report", "repart")).status_code == 403
    report = client.get("/report", headers={"Range": "bytes=0-3"})
    assert (report.status_code, report.text) == (206, "name")


@pytest.fixture
def photos(tmp_path, monkeypatch):
    for name in ("cat.jpg", "dog.jpg"):
        (tmp_path / name).write_bytes(photo_file("JPEG"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@runs("docs/how-to/thumbnails.md", kinds=("jinja",))
def test_templates_of_thumbnails(found, photos):
    config = Config.from_mapping(
        {
            "SECRET_KEYS": ["for development only"],
            "THUMBNAIL_SOURCE": photos,
            "THUMBNAIL_PRESETS": {"card": "300x200,cover"},
        }
    )
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    jinja.install(environment, TemplateHelpers(config))
    for recipe in found:
        lines = environment.from_string(recipe.text).render().splitlines()
        assert lines
        for line in lines:
            assert re.search(r'<img [^>]*src="/t/[^"]+cat\.jpg[^"]*\?key=', line), line
            assert 'alt="A cat"' in line


@runs("docs/how-to/thumbnails.md", kinds=("python",))
def test_thumbnails_without_an_app(found, photos, capsys):
    (snippet,) = found
    execute(snippet.text, snippet.page)
    printed = capsys.readouterr().out.splitlines()
    assert printed[:2] == ["image/webp 300 200", "640"]
    assert printed[2].startswith("#")
    assert printed[3:] == ["300 188", "300 188"]
    assert probe((photos / "small.webp").read_bytes()).format == "webp"


@pytest.mark.slow
@runs("docs/how-to/command-line.md", kinds=("console", "toml"))
def test_commands(found, photos):
    (photos / "srv" / "photos").mkdir(parents=True)
    (photos / "srv" / "photos" / "cat.jpg").write_bytes(photo_file("JPEG"))
    (photos / "logo.svg").write_bytes(svg(RED))
    moved = [each._replace(text=each.text.replace('"/srv/', f'"{photos}/srv/')) for each in found]
    printed = follow(moved, photos)
    assert len(printed) == 14
    assert "640" in printed["xaccel probe cat.jpg"]
    signed = printed["xaccel sign --key-file keys --expires-in 3600 /p/documents/report.txt"]
    assert "?key=" in signed
    assert any("proxy_pass" in file.read_text() for file in (photos / "nginx").iterdir())
