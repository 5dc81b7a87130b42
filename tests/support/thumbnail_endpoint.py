"""Requests to the thumbnail endpoint, without a framework."""

from dataclasses import dataclass
from urllib.parse import unquote

from xaccel.delivery.request import Request
from xaccel.delivery.response import FileBody


@dataclass
class Answer:
    status: int
    headers: dict
    data: bytes


def read(response):
    """Read a response to the end."""
    body = response.body
    data = b"".join(body) if isinstance(body, FileBody) else body
    assert len({name.lower() for name, _ in response.headers}) == len(response.headers)
    return Answer(response.status, dict(response.headers), data)


def request(method="GET", **headers):
    fields = {name.replace("_", "-").title(): value for name, value in headers.items()}
    return Request.from_headers(method, fields.get)


def get(thumbnails, url, method="GET", **headers):
    """Request a URL, percent-encoded as a browser sends it."""
    path, _, query = url.partition("?")
    return read(thumbnails.respond(unquote(path), query, request(method, **headers)))
