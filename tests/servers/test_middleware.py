"""The server sends the file responses of frameworks, if there is a server.

Apps with the `Sendfile` middleware: `flask.send_file()`, Starlette's and Django's `FileResponse`.
"""

import pytest

from tests.support.servers.cases import SENT_BY_THE_APP, date
from tests.support.servers.files import MODIFIED, NAMES, content

WITH_MIDDLEWARE = ("flask", "starlette", "django-asgi")


@pytest.mark.parametrize("framework", WITH_MIDDLEWARE)
# Names that are not UTF-8, or have control characters, are too much for the frameworks themselves.
@pytest.mark.parametrize("name", ["plain", "percent", "emoji"])
def test_a_file_response(site, front, framework, name):
    path = NAMES[name]
    whole = content(path)

    def ask(method="GET", **headers):
        headers = {key.replace("_", "-"): value for key, value in headers.items()}
        return site(front, framework).file(path, method, headers, view="response")

    reply = ask()
    assert (reply.status, reply.body) == (200, whole)
    assert reply.sender == ("app" if name in SENT_BY_THE_APP[front] else "server")
    assert reply.headers.get_all("Content-Length") == [str(len(whole))]
    assert reply.headers.get_all("Last-Modified") == [date()]
    head = ask("HEAD")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Length"] == str(len(whole))
    ranged = ask(Range="bytes=10-19")
    assert (ranged.status, ranged.body) == (206, whole[10:20])
    assert ranged.sender == reply.sender
    assert ask(Range="bytes=10-19", If_Range='"other"').status == 200
    assert ask(If_None_Match=reply.headers["ETag"]).status == 304
    assert ask(If_Modified_Since=date()).status == 304
    assert ask(If_Match='"other"').status == 412
    assert ask(If_Unmodified_Since=date(MODIFIED - 1)).status == 412
