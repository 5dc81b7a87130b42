"""`xaccel doctor`: look at a running deployment from outside, as a visitor does.

Each check asks the server something and gives findings: what is wrong, and how to mend it. What
only the settings know (prefixes, keys, directories) is checked when there are settings.
"""

from __future__ import annotations

import contextlib
import email.utils
import http.client
import itertools
import os
import secrets
import shutil
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias
from urllib.parse import SplitResult, quote, urlsplit

from xaccel._core import Spec
from xaccel.config import Config
from xaccel.delivery.files import Delivery
from xaccel.exceptions import ConfigError
from xaccel.servers import dialects
from xaccel.servers.dialects import Dialect, is_offload_header
from xaccel.thumbnails import engines

Status: TypeAlias = Literal["ok", "finding", "skipped"]

_TIMEOUT = 20.0
_REFUSAL_TIMEOUT = 5.0
_MOST_SKEW = 5
_HUGE = 1 << 50
_SERVER_ERROR = 500
_IMAGES = (".jpg", ".jpeg", ".png", ".webp", ".gif")
_LOOKED_AT = 1000


_FILE_PROBLEMS = {
    403: (
        "a link that the app signed is refused (403)",
        (
            "install the secrets of the present keys: `xaccel config … --out DIR`, and reload; if "
            "they are, let the server's user read the directory"
        ),
    ),
    404: (
        "the server does not find a file that the app offloads (404)",
        (
            "compare the server's directory for the internal prefix with XACCEL['ROOTS'], which "
            "`xaccel config … --check` does; in containers both must see it at the same path"
        ),
    ),
    410: (
        "a link that does not expire has expired (410)",
        "set the clocks by NTP, and install what `xaccel config` writes",
    ),
}


@dataclass(frozen=True)
class Result:
    """What came out of a check."""

    check: str
    status: Status
    text: str
    remedy: str = ""


@dataclass(frozen=True)
class Answer:
    """What the server said."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes
    stays_open: bool
    asked: float
    """When it was asked for, in seconds since the epoch."""
    received: float
    """When all of it was there."""


@dataclass
class Deployment:
    """The server that is looked at.

    Args:
        url: The address of the site, or of a file that the app offloads there.
        config: The app's settings, if they are at hand.
        headers: Headers of each request, such as a cookie of somebody who may see the file.

    Raises:
        ConfigError: The address is none.
    """

    url: str
    config: Config | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self._parts.scheme not in {"http", "https"} or not self._parts.hostname:
            raise ConfigError(f"{self.url!r} is no address such as 'https://example.org/'")

    @property
    def _parts(self) -> SplitResult:
        return urlsplit(self.url)

    @property
    def target(self) -> str:
        """The path and the query of the address."""
        return (self._parts.path or "/") + (f"?{self._parts.query}" if self._parts.query else "")

    def connect(self, timeout: float = _TIMEOUT) -> http.client.HTTPConnection:
        """A new connection."""
        host = self._parts.hostname or ""
        if self._parts.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(
                host, self._parts.port, timeout=timeout, context=context
            )
        return http.client.HTTPConnection(host, self._parts.port, timeout=timeout)

    def ask(self, target: str, method: str = "GET", **headers: str) -> Answer:
        """Ask for a target, exactly as it is spelt, on a connection of its own."""
        with contextlib.closing(self.connect()) as connection:
            fields = {name.replace("_", "-"): value for name, value in headers.items()}
            asked = time.time()
            connection.request(method, target, headers={**self.headers, **fields})
            response = connection.getresponse()
            stays_open, body = not response.will_close, response.read()
            return Answer(response.status, response.headers, body, stays_open, asked, time.time())


def examine(deployment: Deployment) -> list[Result]:
    """Do all checks that can be done."""
    try:
        first = deployment.ask(deployment.target)
    except (OSError, http.client.HTTPException) as error:
        return [_no_answer(error)]
    if first.status in {502, 503, 504}:
        return [
            Result(
                "app",
                "finding",
                f"the server answers {first.status}: it does not reach the app",
                "start the app, and compare its address with --upstream of `xaccel config`; for a "
                "Unix socket, let the server's user write to it",
            )
        ]
    results = [Result("app", "ok", f"the site answers, with {first.status}")]
    for check in _CHECKS:
        try:
            results += check(deployment, first)
        except (OSError, http.client.HTTPException) as error:
            results.append(_no_answer(error))
    return results


def _no_answer(error: Exception) -> Result:
    return Result(
        "app",
        "finding",
        f"no answer: {type(error).__name__}: {error}",
        "start the web server, and look into its error log; for TLS, compare the certificate's "
        "names with the address",
    )


def _check_header(_: Deployment, first: Answer) -> Iterator[Result]:
    leaked = sorted(name for name in first.headers if is_offload_header(name))
    if leaked:
        yield _leaked(first, leaked)
    else:
        yield Result("header", "ok", "visitors see none of the headers that offload files")


def _leaked(answer: Answer, names: list[str]) -> Result:
    told, dialect = ", ".join(names), _dialect_of(answer)
    if dialect is not None and not any(
        name.lower().startswith(dialect.header_prefixes) for name in names
    ):
        remedy = f"set XACCEL['SERVER'] to {dialect.name!r} where the app runs, and start it again"
    else:
        remedy = (
            "install what `xaccel config` writes for this server; Apache also needs mod_xsendfile "
            "and `XSendFile On`"
        )
    return Result("header", "finding", f"the server passes {told} on to visitors", remedy)


def _dialect_of(answer: Answer) -> Dialect | None:
    """The dialect of the server that has answered, by its own words."""
    told = (answer.headers["Server"] or "").lower()
    servers = (each for each in dialects.DIALECTS.values() if each.offloads)
    return next((dialect for dialect in servers if dialect.name in told), None)


def _configured(deployment: Deployment) -> Dialect | None:
    return None if deployment.config is None else dialects.named(deployment.config.server)


def _check_internal(deployment: Deployment, _: Answer) -> Iterator[Result]:
    if deployment.config is None:
        yield _skipped("internal", "the internal prefixes are in the settings")
        return
    for directory, prefix in deployment.config.served_roots.items():
        found = _first_file(directory)
        if found is None:
            yield _skipped("internal", f"there is no file to ask for under {prefix}")
            continue
        content, name = found.read_bytes(), found.relative_to(directory).as_posix()
        targets = (
            f"{prefix}{name}",
            f"{prefix[:-1]}../{Path(directory).name}/{name}",
            f"/{prefix}{name}",
        )
        opened = [
            target for target in map(quote, targets) if _same(deployment.ask(target), content)
        ]
        if opened:
            yield Result(
                "internal",
                "finding",
                f"everybody can read {opened[0]}, without asking the app",
                f"put `internal;` into nginx's `location ^~ {prefix}`, and end both it and its "
                "`alias` with a slash; Apache, lighttpd and Caddy must not serve the directory",
            )
        else:
            yield Result("internal", "ok", f"{prefix} is closed")


def _same(answer: Answer, content: bytes) -> bool:
    return answer.status in {200, 206} and bool(content) and answer.body == content


def _check_file(deployment: Deployment, first: Answer) -> Iterator[Result]:
    """Ranges, HEAD, 304 and so on, of a signed link or of the address that was given."""
    config = deployment.config
    files = map(_first_file, config.roots) if config is not None else iter(())
    found = next((file for file in files if file is not None), None)
    target, size = deployment.target, None
    if config is not None and config.private_url is not None and found is not None:
        target, size = Delivery(config).private_url(found), found.stat().st_size
    elif first.status != http.HTTPStatus.OK or not _is_file(first):
        yield _skipped(
            "file", "give the address of a file that the app offloads, or settings with PRIVATE_URL"
        )
        return
    answer = deployment.ask(target)
    wrong = _file_problem(answer, size)
    if wrong is not None:
        yield wrong
        return
    yield Result("file", "ok", "the server sends the file")
    yield _range(deployment, target, answer)
    yield _head(deployment, target, answer)
    yield _not_modified(deployment, target, answer)


def _is_file(answer: Answer) -> bool:
    kind = answer.headers.get_content_type()
    return answer.headers["Content-Length"] == "0" or kind not in {"text/html", "application/json"}


def _file_problem(answer: Answer, size: int | None) -> Result | None:
    leaked = sorted(name for name in answer.headers if is_offload_header(name))
    if leaked:
        return _leaked(answer, leaked)
    if answer.status == http.HTTPStatus.OK:
        if answer.body or size == 0:
            return None
        return Result(
            "file",
            "finding",
            "the file arrives empty: the server removes the app's header, and does not act on it",
            "remove X-Accel-Redirect from nginx's `proxy_ignore_headers`; behind a second proxy, "
            "only the one that has the files may remove it",
        )
    problem, remedy = _FILE_PROBLEMS.get(
        answer.status,
        (
            f"the server answers {answer.status} for a file",
            "look into the server's error log, and the app's",
        ),
    )
    return Result("file", "finding", problem, remedy)


def _range(deployment: Deployment, target: str, answer: Answer) -> Result:
    part = deployment.ask(target, Range="bytes=0-0")
    if part.status == http.HTTPStatus.PARTIAL_CONTENT and part.body == answer.body[:1]:
        return Result("ranges", "ok", "parts of the file can be had")
    return Result(
        "ranges",
        "finding",
        f"asked for the first byte, the server answers {part.status} with {len(part.body)} bytes: "
        "videos can't be wound forward, downloads not be resumed",
        "remove `max_ranges 0;` from nginx, and whatever removes Range or Accept-Ranges: a filter "
        "(gzip, sub_filter, SSI) or a proxy before the server",
    )


def _head(deployment: Deployment, target: str, answer: Answer) -> Result:
    head = deployment.ask(target, "HEAD")
    length = str(len(answer.body))
    if head.status == answer.status and head.headers["Content-Length"] == length:
        return Result("head", "ok", "HEAD tells the file's size")
    return Result(
        "head",
        "finding",
        f"HEAD answers {head.status} with Content-Length {head.headers['Content-Length']}, GET "
        f"{answer.status} with {length} bytes",
        "let the view answer HEAD as it does GET (Flask and Django do), and let no filter change "
        "the file's length",
    )


def _not_modified(deployment: Deployment, target: str, answer: Answer) -> Result:
    etag, modified = answer.headers["ETag"], answer.headers["Last-Modified"]
    statuses = [
        deployment.ask(target, **{name: value}).status
        for name, value in (("If_None_Match", etag), ("If_Modified_Since", modified))
        if value is not None
    ]
    if statuses and set(statuses) == {http.HTTPStatus.NOT_MODIFIED}:
        return Result("304", "ok", "an unchanged file is not sent again")
    return Result(
        "304",
        "finding",
        "an unchanged file is sent again to those who have it"
        if statuses
        else "the file has neither ETag nor Last-Modified",
        "remove `etag off;` and `if_modified_since off;` from nginx, and `expires`/`add_header` "
        "lines for ETag and Last-Modified",
    )


def _check_connection(_: Deployment, first: Answer) -> Iterator[Result]:
    if first.stays_open:
        yield Result("keep-alive", "ok", "connections stay open")
        return
    yield Result(
        "keep-alive",
        "finding",
        "the server closes the connection after each request",
        "remove `keepalive_timeout 0;` (nginx) or `KeepAlive Off` (Apache)",
    )


def _check_clock(_: Deployment, first: Answer) -> Iterator[Result]:
    date = first.headers["Date"]
    try:
        told = email.utils.parsedate_to_datetime(date or "").timestamp()
    except ValueError:
        yield _skipped("clock", "the server tells no date")
        return
    # A slow answer is none of the clock's faults.
    skew = told - min(max(told, first.asked), first.received)
    if abs(skew) <= _MOST_SKEW:
        yield Result("clock", "ok", "the server's clock agrees with this one")
        return
    yield Result(
        "clock",
        "finding",
        f"the server's clock is {abs(skew):.0f} seconds {'ahead' if skew > 0 else 'behind'}",
        "set both clocks by NTP: links would expire at the wrong time",
    )


def _check_uploads(deployment: Deployment, first: Answer) -> Iterator[Result]:
    status = None
    with contextlib.closing(deployment.connect(_REFUSAL_TIMEOUT)) as connection:
        connection.putrequest("POST", "/")
        for name, value in {**deployment.headers, "Content-Length": str(_HUGE)}.items():
            connection.putheader(name, value)
        connection.endheaders()
        with contextlib.suppress(TimeoutError):
            status = connection.getresponse().status
    if status == http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        yield Result("uploads", "ok", "an upload that is too large is refused")
    elif status is None and any(
        dialect is not None and dialect.answers_uploads_late
        for dialect in (_dialect_of(first), _configured(deployment))
    ):
        yield _skipped("uploads", "this server refuses an upload only after reading that much")
    elif status is not None and status >= _SERVER_ERROR:
        yield Result(
            "uploads",
            "finding",
            f"an upload that is too large is answered {status}, as if the site were broken",
            "set the server's own limit, which answers 413, below the app's: "
            "`client_max_body_size` (nginx), `LimitRequestBody` (Apache)",
        )
    else:
        yield Result(
            "uploads",
            "finding",
            "nothing refuses an upload of any size",
            "set `client_max_body_size` in nginx to the size that the app takes, and not to 0; "
            "`LimitRequestBody` in Apache",
        )


def _check_thumbnails(deployment: Deployment, _: Answer) -> Iterator[Result]:
    config = deployment.config
    if config is None or not config.has_thumbnails or config.thumbnail_engine_url:
        yield _skipped("thumbnails", "no settings of thumbnails on this site")
        return
    if config.thumbnail_cache is not None and config.has_thumbnail_endpoint:
        problem = _cache_problem(Path(config.thumbnail_cache))
        yield problem or Result("cache", "ok", "the app can write to the cache")
        if problem is not None:
            return
    source = config.thumbnail_source
    picture = _first_file(source, _IMAGES) if source and source.startswith("/") else None
    if source is None or picture is None:
        yield _skipped("thumbnails", "there is no picture in a directory to ask for")
        return
    name = picture.relative_to(source).as_posix()
    yield from _thumbnail(deployment, config, name)


def _thumbnail(deployment: Deployment, config: Config, name: str) -> Iterator[Result]:
    presets = list(config.thumbnail_presets.values())
    url_of = engines.get(config).url
    url = url_of(name, presets[0] if config.thumbnail_only_presets else "32x-")
    answers = [deployment.ask(url) for _ in range(2)]
    last = answers[-1]
    if last.status != http.HTTPStatus.OK:
        remedy = {
            403: "install the secrets of the present keys (`xaccel config … --out DIR`, reload); "
            "if they are, let the server's user read THUMBNAIL_CACHE and enter the directories "
            "above it",
            404: "let the server pass THUMBNAIL_URL on to the app, and the app have the endpoint",
        }.get(last.status, "look into the logs of the app and of the server")
        yield Result("thumbnails", "finding", f"a good URL is answered {last.status}", remedy)
        return
    yield Result("thumbnails", "ok", "the site makes thumbnails")
    if not config.thumbnail_only_presets:
        yield _tampering(deployment, url)
    yield _hits(deployment, config, name, last)
    negotiates = config.thumbnail_formats and not config.thumbnail_only_presets
    if config.has_thumbnail_endpoint and negotiates:
        yield _negotiation(deployment, url_of(name, "32x-,auto"))


def _tampering(deployment: Deployment, url: str) -> Result:
    answer = deployment.ask(url.replace("/32x-", "/33x-", 1))
    if answer.status == http.HTTPStatus.FORBIDDEN:
        return Result("signature", "ok", "a URL that was changed is refused")
    return Result(
        "signature",
        "finding",
        f"a URL that was changed is answered {answer.status}: visitors can have any thumbnail made",
        "check the signature where the server answers itself: install what `xaccel config` writes",
    )


def _hits(deployment: Deployment, config: Config, name: str, last: Answer) -> Result:
    if config.thumbnail_engine == "image-filter":
        hit = last.headers["X-Cache-Status"] == "HIT"
    elif config.thumbnail_cache is None or not dialects.named(config.server).sends_thumbnails:
        return _skipped("hits", "only nginx, with THUMBNAIL_CACHE, sends hits without the app")
    else:
        cache = Path(config.thumbnail_cache)
        hit = not config.thumbnail_only_presets and _finds_marker(deployment, config, cache)
        if not hit:
            elsewhere = next(filter(None, map(_first_file, config.roots)), None)
            if elsewhere is None:
                return _skipped("hits", "it takes a file in one of ROOTS to see who sends hits")
            hit = _follows_link(deployment, config, name, cache, elsewhere)
    if hit:
        return Result("hits", "ok", "finished thumbnails come without the app")
    return Result(
        "hits",
        "finding",
        "finished thumbnails come by way of the app",
        "install what `xaccel config nginx` writes for THUMBNAIL_URL: a location with "
        "THUMBNAIL_CACHE as its `root` (image-filter: with `proxy_cache`), and let no other "
        "location come before it; let the server's user read THUMBNAIL_CACHE",
    )


def _finds_marker(deployment: Deployment, config: Config, cache: Path) -> bool:
    """Whether the server finds a file in the cache that the app does not know how to name.

    It does when it checks signatures itself.
    """
    name, content = f"doctor-{secrets.token_hex(8)}", secrets.token_bytes(16)
    path = f"{config.thumbnail_url}{name}/marker"
    directory = cache / path.lstrip("/").removesuffix("/marker")
    try:
        directory.mkdir(parents=True)
        (directory / "marker").write_bytes(content)
        return deployment.ask(config.signer().sign_path(path)).body == content
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _follows_link(
    deployment: Deployment, config: Config, name: str, cache: Path, elsewhere: Path
) -> bool:
    """Whether the server finds a link out of the cache, which the app would not follow.

    The link takes the place of a thumbnail that nobody else asks for: where the server asks the
    app, this is for each URL, and once.
    """
    if config.thumbnail_only_presets:
        spec, name = next(iter(config.thumbnail_presets.values())), f"doctor-{secrets.token_hex(8)}"
    else:
        spec = f"32x-,v-{secrets.token_urlsafe(6)}"
    url = engines.get(config).url(name, spec)
    link = cache / f"{config.thumbnail_url}{spec}/{name}".lstrip("/")
    image_format = Spec.parse(spec).format
    if image_format is not None:
        link = link.with_name(f"{link.name}.{image_format}")
    try:
        deployment.ask(url)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(elsewhere.resolve())
        return deployment.ask(url).body == elsewhere.read_bytes()
    finally:
        link.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            link.parent.rmdir()


def _negotiation(deployment: Deployment, url: str) -> Result:
    # Whichever comes first, a cache that ignores Accept would give it to the other, too.
    plain = deployment.ask(url, Accept="image/png,image/jpeg")
    modern = deployment.ask(url, Accept="image/webp,image/*")
    kinds = [answer.headers.get_content_type() for answer in (modern, plain)]
    varies = all("accept" in (answer.headers["Vary"] or "").lower() for answer in (modern, plain))
    if kinds[0] == "image/webp" and kinds[1] != "image/webp" and varies:
        return Result("accept", "ok", "each browser gets the format that it takes")
    return Result(
        "accept",
        "finding",
        f"a browser that takes WebP gets {kinds[0]}, another {kinds[1]}"
        + ("" if varies else ", and caches are not told of it"),
        "let the server and any cache before it pass the header Accept on to the app, and keep "
        "`Vary: Accept`; remove `proxy_set_header Accept …`",
    )


def _cache_problem(cache: Path) -> Result | None:
    there = next(path for path in (cache, *cache.parents) if path.exists())
    # Of a directory in /proc and the like os.access() says what is not so.
    if there.is_dir() and os.access(there, os.W_OK | os.X_OK) and _can_make(cache):
        return None
    return Result(
        "cache",
        "finding",
        f"the app can't write to THUMBNAIL_CACHE {str(cache)!r}: each thumbnail is made each time",
        "make the directory, owned by the app's user and readable by the server's "
        "(and run `xaccel doctor` as the app's user)",
    )


def _can_make(cache: Path) -> bool:
    try:
        cache.mkdir(parents=True, exist_ok=True)
        probe = cache / f".doctor-{secrets.token_hex(8)}"
        probe.touch()
        probe.unlink()
    except OSError:
        return False
    return True


def _first_file(directory: str | None, endings: tuple[str, ...] = ("",)) -> Path | None:
    """A file to try things with that is not empty; not looked for without end."""
    paths = itertools.islice(Path(directory or "/nonexistent").rglob("*"), _LOOKED_AT)
    with contextlib.suppress(OSError):
        for path in paths:
            if (
                path.name.lower().endswith(endings)
                and path.is_file()
                and not path.is_symlink()
                and not path.name.startswith(".")
                and path.stat().st_size
            ):
                return path
    return None


def _skipped(check: str, text: str) -> Result:
    return Result(check, "skipped", text)


_CHECKS: tuple[Callable[[Deployment, Answer], Iterator[Result]], ...] = (
    _check_header,
    _check_internal,
    _check_file,
    _check_connection,
    _check_clock,
    _check_uploads,
    _check_thumbnails,
)
