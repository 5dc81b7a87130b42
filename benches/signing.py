"""Compare the time to sign and to verify a URL with peers, in microseconds.

The contestants take many short turns, so that other load on the machine affects all of them alike.
The figures are medians of the turns.
"""

import base64
import hashlib
import statistics
import time
import timeit
from collections.abc import Callable
from functools import partial
from hmac import digest

import itsdangerous
import jinja2
from django.conf import settings
from django.core import signing as django_signing
from libthumbor.crypto import CryptoURL
from libthumbor.url_signers.base64_hmac_sha1 import UrlSigner
from xaccel import Config, jinja as xaccel_jinja
from xaccel.signing import Signer
from xaccel.thumbnails.helpers import TemplateHelpers

TURNS = 400
SECONDS_A_TURN = 0.0005
SECRET = "0123456789abcdef"
PATH = "/t/300x200/photos/2026/cat.jpg"
IMAGE = "photos/2026/cat.jpg"
EXPIRES = int(time.time()) + 3600

settings.configure(SECRET_KEY=SECRET)


def by_hand(filename: str, width: int, height: int) -> str:
    """Sign as a web developer would for nginx's secure_link: MD5, base64 and `replace`."""
    uri = f"/t/{width}x{height}/{filename}"
    hashed = hashlib.md5(f"{uri} {SECRET}".encode()).digest()
    key = base64.b64encode(hashed).decode().replace("+", "-").replace("/", "_").rstrip("=")
    return f"{uri}?key={key}"


# The part that no contestant can avoid, computed by OpenSSL.
digest_alone = partial(digest, SECRET.encode(), PATH.encode(), "sha256")

hmac = Signer(SECRET)
md5 = Signer(SECRET, algorithm="secure-link-md5")
crypto_url, url_signer = CryptoURL(SECRET), UrlSigner(SECRET)
dangerous, django = itsdangerous.Signer(SECRET), django_signing.Signer()

signed, signed_until = hmac.sign(PATH), hmac.sign(PATH, expires=EXPIRES)
signed_md5 = md5.sign(PATH)
dangerous_signed, django_signed = dangerous.sign(PATH), django.sign(PATH)
thumbor_path = f"300x200/{IMAGE}"
thumbor_signature = url_signer.signature(thumbor_path)

config = Config(secret_keys=[SECRET], thumbnail_source="/photos")
environment, escaping = jinja2.Environment(), jinja2.Environment(autoescape=True)
for each in (environment, escaping):
    xaccel_jinja.install(each, TemplateHelpers(config))
    each.globals["libthumbor_url"] = crypto_url.generate
paths = [f"/t/300x200/photos/2026/{number}.jpg" for number in range(100)]


def loop(jinja: jinja2.Environment, expression: str) -> Callable[[], str]:
    """Return a function that generates the URLs for a page with a hundred images."""
    source = f"{{% for path in paths %}}{{{{ {expression} }}}}{{% endfor %}}"
    return partial(jinja.from_string(source).render, paths=paths)


OURS, OURS_AS_FILTER = "thumbnail_url(path, 300, 200)", "path|thumbnail_url(300, 200)"
THEIRS = "libthumbor_url(image_url=path, width=300, height=200)"
ours, ours_escaped = loop(environment, OURS), loop(escaping, OURS)
ours_as_filter = loop(escaping, OURS_AS_FILTER)
theirs, theirs_escaped = loop(environment, THEIRS), loop(escaping, THEIRS)


def report(title: str, statements: dict[str, float]) -> None:
    """Time the statements, each with the target for its ratio to the first one (0: no target)."""
    timers = {statement: timeit.Timer(statement, globals=globals()) for statement in statements}
    loops = {}
    for statement, timer in timers.items():
        count, seconds = timer.autorange()
        loops[statement] = max(1, int(SECONDS_A_TURN * count / seconds))
    turns: dict[str, list[float]] = {statement: [] for statement in statements}
    for _ in range(TURNS):
        for statement, timer in timers.items():
            turns[statement].append(timer.timeit(loops[statement]) / loops[statement])
    medians = {statement: statistics.median(seconds) for statement, seconds in turns.items()}
    ours = next(iter(medians.values()))
    print(f"\n{title}")
    for statement, target in statements.items():
        line = f"  {statement:62}{medians[statement] * 1e6:8.2f} µs"
        if target:
            ratio = medians[statement] / ours
            verdict = "ok" if ratio >= target else "MISSED"
            line += f"{ratio:7.1f}x  (at least {target:g}x: {verdict})"
        print(line)


def main() -> None:
    report(
        "Sign one path",
        {
            "hmac.sign(PATH)": 0,
            "hmac.sign(PATH, expires=EXPIRES)": 0,
            "hmac.sign(PATH, expires_in=3600)": 0,
            "crypto_url.generate(width=300, height=200, image_url=IMAGE)": 8,
            "dangerous.sign(PATH)": 8,
            "django.sign(PATH)": 8,
            "digest_alone()": 0,
        },
    )
    report("Sign for secure_link", {"md5.sign(PATH)": 0, "by_hand(IMAGE, 300, 200)": 5})
    report(
        "Verify one URL",
        {
            "hmac.verify(signed)": 0,
            "hmac.verify(signed_until)": 0,
            "md5.verify(signed_md5)": 0,
            "url_signer.validate(thumbor_signature, thumbor_path)": 8,
            "dangerous.unsign(dangerous_signed)": 8,
            "django.unsign(django_signed)": 8,
        },
    )
    for name in ("hmac", "md5"):
        for options in ("", ", expires_in=3600"):
            report(
                f"Sign 100 paths with {name}",
                {
                    f"{name}.sign_many(paths{options})": 0,
                    f"[{name}.sign(path{options}) for path in paths]": 1.5,
                },
            )
    report("A Jinja loop of 100 thumbnails", {"ours()": 0, "theirs()": 4})
    report("The same with autoescape", {"ours_escaped()": 0, "theirs_escaped()": 4})
    report("The same, ours as a filter", {"ours_as_filter()": 0, "theirs_escaped()": 4})


if __name__ == "__main__":
    main()
