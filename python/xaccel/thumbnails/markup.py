"""HTML elements, built so that a template engine neither escapes them nor has to trust them."""

from __future__ import annotations

import html
from collections.abc import Mapping


class Markup(str):
    """HTML that is escaped already.

    Jinja and Django know it by `__html__` (the protocol of MarkupSafe); what is made of it by
    string operations is text again, which they escape.
    """

    __slots__ = ()

    def __html__(self) -> str:
        """What to insert in a page as it is."""
        return str(self)


def element(name: str, attributes: Mapping[str, object], content: str | None = None) -> Markup:
    """An HTML element; a void one without `content`.

    Args:
        name: The element's name.
        attributes: Their values by their names; `None` and `False` leave one out, `True` is
            one without a value.
        content: HTML.
    """
    words = [name]
    for key, value in attributes.items():
        if value is True:
            words.append(key)
        elif value is not None and value is not False:
            words.append(f'{key}="{_attribute_value(value)}"')
    tag = f"<{' '.join(words)}>"
    return Markup(tag if content is None else f"{tag}{content}</{name}>")


def _attribute_value(value: object) -> str:
    safe = getattr(value, "__html__", None)
    if safe is None:
        return html.escape(str(value))
    # Escaped text keeps its character references; markup in it would end the attribute.
    # A plain str: MarkupSafe's own would escape what it is to be replaced by.
    return str(safe()).replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")
