"""An ASGI app that does what its URL says, without xaccel, for tests of the server in front of it.

`/seen` answers with the request's headers, and any other path with the spelling of that path.
`/offload/HEX` sends the headers in the encoded JSON. `/events` sends one event, and a second one
after a request for `/go`. A WebSocket echoes messages.
"""

import asyncio
import json

go = asyncio.Event()


async def app(scope, receive, send):
    if scope["type"] == "websocket":
        await _echo(receive, send)
        return
    path = scope["raw_path"].decode("latin-1")
    if path == "/events":
        await _events(send)
        return
    headers, body = [], path
    if path == "/seen":
        body = json.dumps([[str(item, "latin-1") for item in pair] for pair in scope["headers"]])
    elif path == "/go":
        go.set()
    elif path.startswith("/offload/"):
        pairs = json.loads(bytes.fromhex(path.removeprefix("/offload/")))
        headers, body = [[item.encode() for item in pair] for pair in pairs], ""
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": 200, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body.encode("latin-1")})


async def _events(send):
    go.clear()
    headers = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"data: first\n\n", "more_body": True})
    await go.wait()
    await send({"type": "http.response.body", "body": b"data: second\n\n"})


async def _echo(receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})
