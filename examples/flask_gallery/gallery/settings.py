"""The settings, from environment variables.

`XACCEL_SERVER`     the web server in front: `direct` (none, the default), `nginx`, …
`XACCEL_SIGNATURE`  how thumbnail URLs are signed; behind nginx `secure-link-md5`, so that
                    nginx can check them itself and serve cached thumbnails without the app
`GALLERY_DATA`      directory for keys and finished thumbnails
"""

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent.parent
PHOTOS = HERE / "photos"
PRIVATE = HERE / "private"


def from_environment(*, default_data: Path) -> dict[str, Any]:
    """Return Flask's configuration."""
    data = Path(os.environ.get("GALLERY_DATA", default_data)).resolve()
    data.mkdir(parents=True, exist_ok=True)
    server = os.environ.get("XACCEL_SERVER", "direct")
    signature = "secure-link-md5" if server == "nginx" else "hmac-sha256"
    return {
        "SECRET_KEY": _key(data / "session.key"),
        "SESSION_COOKIE_SAMESITE": "Lax",
        "XACCEL": {
            "SERVER": server,
            "ROOTS": {str(PRIVATE): "/_private/files/"},
            # This is not Flask's SECRET_KEY, because nginx has to know this key.
            "SECRET_KEYS": [_key(data / "url.key")],
            "SIGNATURE": os.environ.get("XACCEL_SIGNATURE", signature),
            "THUMBNAIL_SOURCE": str(PHOTOS),
            "THUMBNAIL_CACHE": str(data / "thumbnails"),
        },
    }


def _key(path: Path) -> str:
    """Read a secret key, or create it. Several workers may do so at the same time."""
    if not path.exists():
        with tempfile.NamedTemporaryFile(dir=path.parent) as file:  # readable by the owner only
            file.write(secrets.token_urlsafe(32).encode())
            file.flush()
            with suppress(FileExistsError):
                os.link(file.name, path)
    return path.read_text(encoding="ascii")
