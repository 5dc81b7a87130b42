"""One signature and one check, in microseconds, beside the peers'.

Every contestant runs in turn in every round, so that what else the machine does hits all of
them alike; the figures are medians of the rounds, the ratios medians of each round's ratio.
"""

import base64
import hashlib
import statistics
import time
import timeit
from collections.abc import Callable

import itsdangerous
from django.conf import settings
from django.core import signing as django_signing
from libthumbor.crypto import CryptoURL
from libthumbor.url_signers.base64_hmac_sha1 import UrlSigner
from xaccel.signing import Signer

ROUNDS = 25
SECONDS_A_ROUND = 0.02
SECRET = "a secret of 16 bytes or more"
PATH = "/t/300x200/photos/2026/cat.jpg"
THUMBOR_PATH = "300x200/photos/2026/cat.jpg"

settings.configure(SECRET_KEY=SECRET)

Call = Callable[[], object]


def by_hand(filename: str, width: int, height: int) -> str:
    """As a web developer writes it for nginx's secure_link: MD5, base64 and `replace`."""
    uri = f"/t/{width}x{height}/{filename}"
    digest = hashlib.md5(f"{uri} {SECRET}".encode()).digest()
    key = base64.b64encode(digest).decode().replace("+", "-").replace("/", "_").rstrip("=")
    return f"{uri}?key={key}"


def measure(calls: dict[str, Call]) -> dict[str, list[float]]:
    """Seconds a call, one figure a round."""
    timers = {name: timeit.Timer(call) for name, call in calls.items()}
    loops = {}
    for name, timer in timers.items():
        timer.timeit(100)
        loops[name] = max(1, int(SECONDS_A_ROUND / (timer.timeit(1000) / 1000)))
    figures: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, timer in timers.items():
            figures[name].append(timer.timeit(loops[name]) / loops[name])
    return figures


def report(title: str, calls: dict[str, Call], targets: dict[str, float]) -> None:
    """Print the figures; the first call is ours, a target is how many times faster it should be."""
    figures = measure(calls)
    ours, *peers = figures
    print(f"\n{title}\n  {ours:44}{statistics.median(figures[ours]) * 1e6:9.2f} µs")
    for peer in peers:
        ratio = statistics.median(
            theirs / own for theirs, own in zip(figures[peer], figures[ours], strict=True)
        )
        line = f"  {peer:44}{statistics.median(figures[peer]) * 1e6:9.2f} µs {ratio:7.1f}x"
        if peer in targets:
            verdict = "ok" if ratio >= targets[peer] else "MISSED"
            line += f"  (at least {targets[peer]:g}x: {verdict})"
        print(line)


def main() -> None:
    hmac = Signer(SECRET)
    md5 = Signer(SECRET, algorithm="secure-link-md5")
    thumbor, thumbor_signer = CryptoURL(SECRET), UrlSigner(SECRET)
    dangerous, django = itsdangerous.Signer(SECRET), django_signing.Signer()
    expires = int(time.time()) + 3600

    report(
        "Sign one path, HMAC-SHA256",
        {
            "xaccel Signer.sign": lambda: hmac.sign(PATH),
            "xaccel, with an expiry": lambda: hmac.sign(PATH, expires=expires),
            "xaccel, with a lifetime": lambda: hmac.sign(PATH, expires_in=3600),
            "libthumbor CryptoURL.generate": lambda: thumbor.generate(
                width=300, height=200, image_url="photos/2026/cat.jpg"
            ),
            "itsdangerous Signer.sign": lambda: dangerous.sign(PATH),
            "django.core.signing Signer.sign": lambda: django.sign(PATH),
        },
        {
            "libthumbor CryptoURL.generate": 8,
            "itsdangerous Signer.sign": 8,
            "django.core.signing Signer.sign": 8,
        },
    )
    report(
        "Sign one thumbnail, secure_link MD5",
        {
            "xaccel Signer.sign": lambda: md5.sign(PATH),
            "hashlib, base64 and replace": lambda: by_hand("photos/2026/cat.jpg", 300, 200),
        },
        {"hashlib, base64 and replace": 5},
    )

    signed, signed_md5, expiring = hmac.sign(PATH), md5.sign(PATH), hmac.sign(PATH, expires=expires)
    dangerous_signed, django_signed = dangerous.sign(PATH), django.sign(PATH)
    signature = thumbor_signer.signature(THUMBOR_PATH)
    report(
        "Verify one URL, HMAC-SHA256",
        {
            "xaccel Signer.verify": lambda: hmac.verify(signed),
            "xaccel, with an expiry": lambda: hmac.verify(expiring),
            "xaccel, secure_link MD5": lambda: md5.verify(signed_md5),
            "libthumbor UrlSigner.validate": lambda: thumbor_signer.validate(
                signature, THUMBOR_PATH
            ),
            "itsdangerous Signer.unsign": lambda: dangerous.unsign(dangerous_signed),
            "django.core.signing Signer.unsign": lambda: django.unsign(django_signed),
        },
        {
            "libthumbor UrlSigner.validate": 8,
            "itsdangerous Signer.unsign": 8,
            "django.core.signing Signer.unsign": 8,
        },
    )

    paths = [f"/t/300x200/photos/2026/{number}.jpg" for number in range(100)]
    for signer in (hmac, md5):
        report(
            f"Sign 100 paths, {signer.algorithm}",
            {
                "xaccel Signer.sign_many": lambda signer=signer: signer.sign_many(paths),
                "100 times Signer.sign": lambda signer=signer: [
                    signer.sign(path) for path in paths
                ],
                "100 times Signer.sign with a lifetime": lambda signer=signer: [
                    signer.sign(path, expires_in=3600) for path in paths
                ],
            },
            {"100 times Signer.sign": 1.5},
        )


if __name__ == "__main__":
    main()
