"""Each place in which a project may keep its settings."""

import subprocess
import sys

import pytest
from xaccel.cli.main import main

MODULE = """
from xaccel import Config
from xaccel.wsgi import PrivateLinks, Sendfile

config = Config.from_mapping({"ROOTS": {"/srv/from module": "/_p/"}})
application = Sendfile(lambda environ, start: [], config)
links = PrivateLinks(config)

class Holder:
    pass

site = Holder()
site.xaccel = application
nothing = object()

def make():
    return application

def broken():
    raise RuntimeError("no database")
"""
DJANGO = """
SECRET_KEY = "a secret key of this test"
INSTALLED_APPS = ["xaccel.django"]
XACCEL = {"ROOTS": {"/srv/from django": "/_p/"}}
"""


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    (tmp_path / "project_module.py").write_text(MODULE)
    (tmp_path / "project_settings.py").write_text(DJANGO)
    (tmp_path / "project_broken.py").write_text("import project_absent")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    for name in ("project_module", "project_broken"):
        sys.modules.pop(name, None)


def run(capsys, *arguments):
    status = main(["config", "nginx", *map(str, arguments)])
    out, err = capsys.readouterr()
    return status, out, err


@pytest.mark.parametrize("name", ["config", "application", "links", "site.xaccel", "make"])
def test_from_a_module(capsys, name):
    status, out, err = run(capsys, "--app", f"project_module:{name}")
    assert (status, err) == (0, "")
    assert 'alias "/srv/from module/";' in out


def test_from_django(project):
    """In a separate process: Django can be set up only once."""
    code = "import sys; from xaccel.cli.main import main; sys.exit(main())"
    result = subprocess.run(
        [sys.executable, "-c", code, "config", "nginx", "--settings", "project_settings"],
        capture_output=True,
        text=True,
        check=False,
        cwd=project,
    )
    assert result.returncode == 0, result.stderr
    assert 'alias "/srv/from django/";' in result.stdout


@pytest.mark.parametrize("text", ["", "[xaccel]\n", "[other]\nx = 1\n[xaccel]\n"])
def test_from_a_file(capsys, project, text):
    file = project / "settings.toml"
    file.write_text(text + 'ROOTS = { "/srv/from a file" = "/_p/" }\nFOLLOW_SYMLINKS = true\n')
    status, out, err = run(capsys, "--config", file)
    assert (status, err) == (0, "")
    assert 'alias "/srv/from a file/";' in out
    assert "disable_symlinks" not in out


@pytest.mark.parametrize(
    ("arguments", "messages"),
    [
        (["--app", "project_absent:app"], ["project_absent", "No module"]),
        (["--app", "project_broken:app"], ["project_broken", "project_absent"]),
        (["--app", "project_module:absent"], ["project_module has no 'absent'"]),
        (["--app", "project_module:nothing"], ["does not use xaccel", "XAccel(app)"]),
        (["--app", "project_module:broken"], ["broken()", "no database"]),
        (["--settings", "project_absent"], ["--settings project_absent", "No module"]),
        (["--config", "absent.toml"], ["absent.toml", "No such file"]),
        (["--config", "project_module.py"], ["is not a TOML file"]),
        (["--config", "wrong.toml"], ["wrong.toml", "'ROOT'", "did you mean 'ROOTS'"]),
    ],
)
def test_messages_name_the_problem(capsys, project, arguments, messages):
    (project / "wrong.toml").write_text("ROOT = {}")
    status, out, err = run(capsys, *arguments)
    assert (status, out) == (2, "")
    for message in messages:
        assert message in err


def test_exactly_one_option(capsys):
    for arguments in ([], ["--app", "project_module:config", "--config", "x.toml"]):
        with pytest.raises(SystemExit) as caught:
            run(capsys, *arguments)
        assert caught.value.code == 2


def test_check_compares_with_the_deployed_files(capsys, project):
    settings = project / "settings.toml"
    secret = "0123456789abcdef"
    settings.write_text(
        f'PRIVATE_URL = "/p/"\nSIGNATURE = "secure-link-md5"\nSECRET_KEYS = ["{secret}"]\n'
        'ROOTS = { "/srv/old" = "/_private/x/" }\n'
    )
    arguments = ("--config", settings, "--out", project / "deployed")
    status, out, _ = run(capsys, *arguments, "--check")
    assert status == 1
    assert "xaccel.conf does not exist" in out
    assert not (project / "deployed").exists()
    assert run(capsys, *arguments)[0] == 0
    assert run(capsys, *arguments, "--check") == (0, "", "")
    before = (project / "deployed" / "xaccel.conf").read_text()
    changed = settings.read_text().replace("/srv/old", "/srv/new").replace(secret, secret[::-1])
    settings.write_text(changed)
    status, out, _ = run(capsys, *arguments, "--check")
    assert status == 1
    assert "-        alias /srv/old/;" in out
    assert "+        alias /srv/new/;" in out
    assert "xaccel-secrets.inc is out of date" in out
    assert secret not in out
    assert secret[::-1] not in out
    assert (project / "deployed" / "xaccel.conf").read_text() == before


def test_a_directory_that_can_not_be_written(capsys, project):
    (project / "file").touch()
    for out in (project / "file", project / "file" / "below"):
        status, _, err = run(capsys, "--app", "project_module:config", "--out", out)
        assert status == 2
        assert err.startswith(f"xaccel: can't write {project}/file")


def test_full_creates_the_cache_directory(capsys, project):
    settings = project / "settings.toml"
    settings.write_text(f'THUMBNAIL_CACHE = "{project}/new/cache"\n')
    assert run(capsys, "--config", settings, "--full", "--out", project / "conf")[0] == 0
    assert (project / "new" / "cache").is_dir()


def test_check_needs_a_directory(capsys, project):
    status, _, err = run(capsys, "--app", "project_module:config", "--check")
    assert status == 2
    assert "--check needs --out" in err
