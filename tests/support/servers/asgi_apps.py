"""The views in each ASGI framework, mounted at `/django-asgi/`, `/starlette/` and `/bare-asgi/`."""

from pathlib import Path

from django.core.asgi import get_asgi_application
from starlette.applications import Starlette
from starlette.responses import FileResponse, PlainTextResponse
from starlette.routing import Route
from xaccel import ConfigError
from xaccel.asgi import Sendfile, XAccel
from xaccel.starlette import XAccel as StarletteXAccel

from tests.support.servers import django_pages
from tests.support.servers.apps import ADDED, CONFIG, arguments, sender, stray


def encoded(headers):
    return [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]


def django_app():
    django_pages.configure("xaccel.django.middleware.SendfileMiddleware")
    return get_asgi_application()


def starlette_app():
    xaccel = StarletteXAccel(CONFIG)

    async def file(request):
        path, options = arguments(request.url.query)
        response = xaccel.send_private_file(path, **options)
        response.headers.update(ADDED)
        return response

    async def response(request):
        path, options = arguments(request.url.query)
        return FileResponse(Path(options["root"]) / path)

    async def stray_header(request):
        return PlainTextResponse(*stray(request.url.query))

    app = Starlette(
        routes=[
            Route("/starlette/file", file, methods=["GET", "POST"]),
            Route("/starlette/response", response),
            Route("/starlette/stray", stray_header),
        ]
    )
    return Sendfile(app, CONFIG)


def bare_app():
    xaccel = XAccel(CONFIG)

    async def app(scope, receive, send):
        async def send_added(message):
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *encoded(ADDED)]
            await send(message)

        if scope["path"] == "/bare-asgi/stray":
            await stray_app(scope, receive, send)
            return
        path, options = arguments(scope["query_string"].decode())
        await xaccel.send_private_file(path, **options)(scope, receive, send_added)

    async def stray_header(scope, receive, send):
        body, status, headers = stray(scope["query_string"].decode())
        await answer(send, status, body.encode(), headers)

    stray_app = Sendfile(stray_header, CONFIG)
    return app


async def answer(send, status, body, headers=()):
    headers = encoded({"Content-Length": str(len(body)), **dict(headers)})
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def dispatcher():
    apps = {"django-asgi": django_app(), "starlette": starlette_app(), "bare-asgi": bare_app()}
    connections = set()

    async def app(scope, receive, send):
        connections.add(scope["client"])
        first = scope["path"].split("/")[1]
        if first == "connections":
            body = str(len(connections)).encode()
            connections.clear()
            await answer(send, 200, body)
            return
        if first not in apps:
            await answer(send, 404, b"not a page\n")
            return

        started = False

        async def send_with_cookie(message):
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                cookie = sender(name.decode() for name, _ in message["headers"])
                message["headers"] = [*message["headers"], (b"set-cookie", cookie.encode())]
            await send(message)

        try:
            await apps[first](scope, receive, send_with_cookie)
        except ConfigError:
            # Uvicorn would hang up, which a server may notice only at its next request.
            if not started:
                await answer(send, 500, b"error")

    return app
