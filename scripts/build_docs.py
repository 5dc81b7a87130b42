"""Build the site of the docs, and check its links.

    scripts/build_docs.py

The pages come from docs/, from the documents in the root of this repository, and from the API
reference. The site in target/docs/site contains each page as HTML and as Markdown, and also
`llms.txt` and `llms-full.txt`. The build fetches nothing, and the pages load nothing from other
hosts.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import api_pages

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
BUILD = ROOT / "target" / "docs"
SOURCE = BUILD / "source"
SITE = BUILD / "site"
REPOSITORY = "https://github.com/xaccel/xaccel"

DOCUMENTS = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security-policy.md",
}
"""The documents outside docs/, and the names of their pages."""

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_BLOB = re.compile(rf"{re.escape(REPOSITORY)}/(?:blob|tree)/main/")
_FOREIGN = re.compile(
    r"""<(?:script|img|iframe|source|video|audio)\b[^>]*\bsrc="?(?:https?:)?//[^>]*>
    |<link\b[^>]*\brel="?(?:stylesheet|icon|preconnect|preload|dns-prefetch)\b[^>]*\bhref="?(?:https?:)?//[^>]*>
    |(?:url\(|@import\s)\s*["']?(?:https?:)?//[^)\s]*""",
    re.VERBOSE,
)
"""What makes a browser load a file from another host."""


def main() -> int:
    """Build the site. Return 1 if a link leads nowhere or a page needs another host."""
    shutil.rmtree(BUILD, ignore_errors=True)
    write_sources()
    shutil.copy(DOCS / "zensical.toml", BUILD)
    programs = Path(sys.executable).parent
    built = subprocess.run([programs / "zensical", "build", "--strict"], cwd=BUILD, check=False)
    if built.returncode:
        return 1
    links = subprocess.run(
        [
            *(programs / "lychee", "--offline", "--no-progress", "--include-fragments"),
            *("--root-dir", SITE, "--index-files", "index.html", "--exclude-path", "404.html"),
            f"{SITE}/**/*.html",
        ],
        check=False,
    )
    foreign = foreign_files()
    for line in foreign:
        print(line, file=sys.stderr)
    return 1 if links.returncode or foreign else 0


def write_sources() -> None:
    """Write the Markdown of all pages to `SOURCE`."""
    shutil.copytree(DOCS, SOURCE, ignore=shutil.ignore_patterns("*.toml"))
    places = {DOCS / path.relative_to(SOURCE): path for path in SOURCE.rglob("*") if path.is_file()}
    for document, page in DOCUMENTS.items():
        places[ROOT / document] = SOURCE / page
        shutil.copy(ROOT / document, SOURCE / page)
    for origin, place in places.items():
        if place.suffix == ".md":
            place.write_text(_with_links(place.read_text(), origin, place, places))
    (SOURCE / "api").mkdir()
    for module, text in api_pages.pages():
        (SOURCE / "api" / f"{module}.md").write_text(text)


def _with_links(text: str, origin: Path, place: Path, places: dict[Path, Path]) -> str:
    """Return a page whose links lead to other pages, or to the repository for any other file."""

    def replace(match: re.Match[str]) -> str:
        target, hash_, anchor = match[1].partition("#")
        path, count = _BLOB.subn("", target)
        if not target or (not count and re.match(r"[a-z]+:", target)):
            return match[0]
        file = (ROOT / path) if count else (origin.parent / path).resolve()
        page = places.get(file)
        if page is not None:
            target = os.path.relpath(page, place.parent)
        elif file.exists():
            kind = "tree" if file.is_dir() else "blob"
            target = f"{REPOSITORY}/{kind}/main/{file.relative_to(ROOT)}"
        return f"]({target}{hash_}{anchor})"

    return _LINK.sub(replace, text)


def foreign_files() -> list[str]:
    """Return what pages and style sheets would load from another host."""
    return [
        f"{path.relative_to(SITE)}: {match[0]}"
        for path in sorted(SITE.rglob("*"))
        if path.suffix in {".html", ".css"}
        for match in _FOREIGN.finditer(path.read_text())
    ]


if __name__ == "__main__":
    sys.exit(main())
