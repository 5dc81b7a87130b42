"""Call WSGI and ASGI apps as a server does."""

import asyncio
import io
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator


def call_wsgi(app, path="/", method="GET", headers=(), *, validate=True, **environ):
    """Call a WSGI app, wrapped in the standard library's validator.

    The validator requires a content type in each response, even without content. To disable it,
    pass `validate=False`.
    """
    path, _, query = path.partition("?")
    environ = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "wsgi.input": io.BytesIO(),
        **environ,
    }
    setup_testing_defaults(environ)
    for name, value in dict(headers).items():
        environ["HTTP_" + name.upper().replace("-", "_")] = value
    started = []

    def start_response(status, headers, exc_info=None):
        started.append((int(status[:3]), dict(headers)))
        return written.append

    written = []
    body = (validator(app) if validate else app)(environ, start_response)
    try:
        content = b"".join(body)
    finally:
        if hasattr(body, "close"):
            body.close()
    ((status, headers),) = started
    return status, headers, b"".join(written) + content


def call_asgi(app, path="/", method="GET", headers=(), *, extensions=(), **scope):
    """Call an ASGI app. If the content is sent by path, return the path as a `str`."""
    path, _, query = path.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(k.lower().encode(), v.encode()) for k, v in dict(headers).items()],
        "extensions": {key: {} for key in extensions},
        **scope,
    }
    messages = []

    async def call():
        asked, answered = [{"type": "http.request"}], asyncio.Event()

        async def receive():
            if asked:
                return asked.pop()
            await answered.wait()
            return {"type": "http.disconnect"}

        async def send(message):
            messages.append(message)

        await app(scope, receive, send)
        answered.set()

    asyncio.run(call())
    start, *rest = messages
    assert start["type"] == "http.response.start"
    # Django's names are not in lower case.
    headers = {name.lower().decode(): value.decode() for name, value in start["headers"]}
    assert len(headers) == len(start["headers"])
    if rest[0]["type"] == "http.response.pathsend":
        assert len(rest) == 1
        return start["status"], headers, rest[0]["path"]
    assert all(message["type"] == "http.response.body" for message in rest)
    assert [message.get("more_body", False) for message in rest] == [True] * (len(rest) - 1) + [
        False
    ]
    return start["status"], headers, b"".join(message.get("body", b"") for message in rest)
