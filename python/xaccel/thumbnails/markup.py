"""HTML elements that template engines insert without escaping them a second time."""

from __future__ import annotations

import html
from collections.abc import Mapping


class Markup(str):
    """HTML that is already escaped.

    Jinja and Django recognise it by its `__html__` method, which is the protocol of MarkupSafe.
    Other string operations than `strip()` return a plain `str`, which the template engines escape.
    """

    __slots__ = ()

    def __html__(self) -> str:
        """Return the HTML to insert in a page."""
        return self

    def __str__(self) -> str:
        """Return the same object, as `SafeString` does. Django's admin calls `str()` on values."""
        return self

    def strip(self, chars: str | None = None, /) -> str:
        """Return HTML that stays safe, if only spaces are removed, as Django's admin does."""
        stripped = super().strip(chars)
        return Markup(stripped) if chars is None else stripped


def element(name: str, attributes: Mapping[str, object], content: str | None = None) -> Markup:
    """Return an HTML element.

    Args:
        name: The name of the element.
        attributes: The values of the attributes, by name. `None` and `False` omit an attribute;
            `True` writes it without a value.
        content: The HTML inside the element; `None` for a void element.
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
    # Character references stay as they are. Quotes and angle brackets are escaped, because they
    # would end the attribute. The text is a plain str, since MarkupSafe's `Markup.replace` would
    # escape the replacement.
    return str(safe()).replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")
