"""A private video in a bucket plays and seeks behind nginx."""

import contextlib

import pytest
from xaccel import Config
from xaccel.servers.deployment import Deployment
from xaccel.servers.nginx import configuration as nginx
from xaccel.wsgi import XAccel

from tests.support.example_gallery import EXAMPLE, FILM, PATIENCE
from tests.support.servers.nginx import nginx as run_nginx
from tests.support.servers.process import HOST
from tests.support.servers.s3 import s3_server
from tests.support.servers.threaded import serving_app

PAGE = b"<!doctype html><title>Film</title><video src=/film preload=metadata></video>"
FILMS = "s3://vault/films/"


@pytest.fixture
def film_site(tmp_path):
    """The URL of a site whose film is in a bucket, and the port of the bucket's server."""
    with contextlib.ExitStack() as stack:
        (tmp_path / "s3").mkdir()
        store = stack.enter_context(s3_server(tmp_path / "s3"))
        store.create("vault")
        store.put(FILMS + FILM, (EXAMPLE / "private" / FILM).read_bytes())
        config = Config.from_mapping(
            {"SERVER": "nginx", "S3": store.settings, "REMOTES": {FILMS: "/_remote/films/"}}
        )
        xaccel = XAccel(config)

        def app(environ, start_response):
            if environ["PATH_INFO"] == "/film":
                return xaccel.send_private_file(FILMS + FILM)(environ, start_response)
            start_response("200 OK", [("Content-Type", "text/html")])
            return [PAGE]

        port = stack.enter_context(serving_app(app))
        deployment = Deployment(upstream=f"{HOST}:{port}", listen="ADDRESS")
        text = nginx.site(config, deployment).replace("ADDRESS", "$ADDRESS")
        (tmp_path / "nginx").mkdir()
        front = stack.enter_context(run_nginx(tmp_path / "nginx", text))
        yield f"http://{HOST}:{front.port}", store.port


def test_it_plays_and_seeks(film_site, chromium):
    url, store_port = film_site
    context = chromium.new_context(base_url=url)
    context.set_default_timeout(PATIENCE * 1000)
    answers = []
    context.on("response", lambda a: answers.append((a.url, a.status, a.headers)))
    with contextlib.closing(context):
        page = context.new_page()
        page.goto("/")
        video = "document.querySelector('video')"
        page.wait_for_function(f"{video}.readyState >= 1")
        assert page.evaluate(f"{video}.duration") == pytest.approx(8, abs=0.1)
        page.evaluate(f"{video}.currentTime = 6")
        page.wait_for_function(f"v = {video}, !v.seeking && v.readyState >= 2")
        assert page.evaluate(f"{video}.currentTime") == pytest.approx(6)
        page.evaluate(f"v = {video}, v.muted = true, v.play()")
        page.wait_for_function(f"{video}.currentTime > 6.2")
        assert page.evaluate(f"{video}.error") is None
    films = [(status, headers) for asked, status, headers in answers if asked.endswith("/film")]
    assert films
    assert {status for status, _ in films} == {206}
    assert films[0][1]["content-type"] == "video/mp4"
    shown = str(answers).lower()
    for hidden in ("vault", "signature", "x-amz", "x-accel", str(store_port)):
        assert hidden not in shown
