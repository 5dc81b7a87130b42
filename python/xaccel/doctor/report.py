"""What a check reports: that all is well, a finding with its fix, or why it was skipped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Status: TypeAlias = Literal["ok", "finding", "skipped"]


@dataclass(frozen=True)
class Result:
    """The result of a check. Texts are whole sentences."""

    check: str
    status: Status
    text: str
    remedy: str = ""


def ok(check: str, text: str) -> Result:
    """All is well."""
    return Result(check, "ok", text)


def finding(check: str, cause: str, consequence: str, fix: str) -> Result:
    """Something is wrong: what, what it does to the site, and how to fix it; a sentence each."""
    return Result(check, "finding", f"{cause} {consequence}", fix)


def skipped(check: str, reason: str) -> Result:
    """The check can't be done here."""
    return Result(check, "skipped", reason)
