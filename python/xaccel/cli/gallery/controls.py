"""The controls of the playground: a form field for each option of a thumbnail."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from xaccel.exceptions import SpecError
from xaccel.thumbnails.markup import element

EXCLUDED = frozenset({"version", "watermark"})
"""Options without a control: the playground has no watermarks, and adds the version itself."""

_COMPASS = ("n", "ne", "e", "se", "s", "sw", "w", "nw")
_SIDES = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")


@dataclass(frozen=True)
class Control:
    """A form field.

    The browser sends only fields whose value is not the default.
    """

    name: str
    label: str
    attributes: Mapping[str, object] = field(default_factory=dict)
    """The attributes of the `<input>`."""
    choices: Sequence[tuple[str, str]] = ()
    """The values and labels of a `<select>`, the default first."""

    def html(self) -> str:
        """Return the field with its label."""
        identifier = f"option-{self.name}"
        common = {"id": identifier, "name": self.name, "data-default": self.default}
        label = element("label", {"for": identifier}, html.escape(self.label))
        if self.choices:
            options = (
                element("option", {"value": value}, html.escape(text))
                for value, text in self.choices
            )
            return _row(label + element("select", common, "".join(options)))
        shown = {**common, **self.attributes, "value": self.attributes.get("value", "")}
        if self.attributes["type"] == "checkbox":
            return _row(element("input", {**shown, "value": "1"}) + label, "switch")
        number = ""
        if self.attributes["type"] == "range":
            # Screen readers already announce the value of the slider.
            hidden = {"data-value-of": identifier, "aria-hidden": "true"}
            number = element("span", hidden, html.escape(self.default))
        return _row(label + number + element("input", shown))

    @property
    def default(self) -> str:
        """The value that leaves the option out."""
        return self.choices[0][0] if self.choices else str(self.attributes.get("value", ""))


def _row(content: str, css_class: str | None = None) -> str:
    return element("div", {"class": css_class}, content)


def _range(name: str, label: str, bounds: tuple[float, float, float], value: float) -> Control:
    lowest, highest, step = bounds
    return Control(
        name,
        label,
        {"type": "range", "min": lowest, "max": highest, "step": step, "value": f"{value:g}"},
    )


def _number(name: str, label: str, lowest: int, highest: int, value: object = "") -> Control:
    return Control(
        name, label, {"type": "number", "min": lowest, "max": highest, "value": str(value)}
    )


def _switch(name: str, label: str) -> Control:
    return Control(name, label, {"type": "checkbox"})


GROUPS: tuple[tuple[str, tuple[Control, ...]], ...] = (
    (
        "Size",
        (
            _number("width", "Width", 1, 4096, 480),
            _number("height", "Height", 1, 4096, 320),
            Control(
                "fit", "Fit", choices=[(fit, fit) for fit in ("contain", "cover", "fill", "pad")]
            ),
            _switch("upscale", "Enlarge small images"),
            Control(
                "dpr", "Pixels per CSS pixel", choices=[(n, n) for n in ("1", "1.5", "2", "3")]
            ),
        ),
    ),
    (
        "Crop",
        (
            Control(
                "gravity",
                "Part that cover keeps",
                choices=[
                    ("", "centre"),
                    ("smart", "the most important part"),
                    ("focal", "a focal point"),
                    *zip(_COMPASS, _SIDES, strict=True),
                ],
            ),
            _range("focal_x", "Focal point, horizontal", (0, 1, 0.01), 0.5),
            _range("focal_y", "Focal point, vertical", (0, 1, 0.01), 0.5),
            _range("crop_x", "Crop, left", (0, 0.9, 0.01), 0),
            _range("crop_y", "Crop, top", (0, 0.9, 0.01), 0),
            _range("crop_width", "Crop, width", (0.05, 1, 0.01), 1),
            _range("crop_height", "Crop, height", (0.05, 1, 0.01), 1),
            _number("trim", "Trim, tolerance", 0, 255),
            Control("rotate", "Rotate", choices=[(n, f"{n}°") for n in ("0", "90", "180", "270")]),
            Control(
                "flip", "Flip", choices=[("", "no"), ("h", "left to right"), ("v", "top to bottom")]
            ),
            _number("page", "Page of a document", 1, 9999),
            _number("frame", "Frame of an animation", 1, 9999),
            Control("at", "Second of a film", {"type": "number", "min": 0, "step": "any"}),
        ),
    ),
    (
        "Colour and effects",
        (
            _range("brightness", "Brightness", (0, 3, 0.05), 1),
            _range("contrast", "Contrast", (0, 3, 0.05), 1),
            _range("saturation", "Saturation", (0, 3, 0.05), 1),
            _switch("grayscale", "Shades of gray"),
            _range("pixelate", "Pixelate", (0, 64, 1), 0),
            _range("blur", "Blur", (0, 20, 0.5), 0),
            _switch("detail", "Enhance detail"),
            _range("sharpen", "Sharpen", (0, 5, 0.1), 0),
            _range("radius", "Rounded corners", (0, 240, 1), 0),
            Control(
                "background",
                "Background",
                {"type": "text", "placeholder": "white, or ff8800", "autocomplete": "off"},
            ),
        ),
    ),
    (
        "File",
        (
            Control(
                "format",
                "Format",
                choices=[
                    ("", "as the original"),
                    *((name, name) for name in ("jpeg", "png", "webp", "avif", "gif", "auto")),
                ],
            ),
            _range("quality", "Quality, 0 for the default", (0, 100, 1), 0),
            _switch("quality_auto", "Automatic quality"),
            _number("max_bytes", "Maximum size in bytes", 1, 100_000_000),
            _switch("keep_icc", "Keep wide colours"),
            _switch("keep_copyright", "Keep the creator and the rights"),
            Control(
                "progressive",
                "JPEG scans",
                choices=[("", "by size"), ("true", "progressive"), ("false", "baseline")],
            ),
            Control(
                "subsampling",
                "JPEG colour",
                choices=[("", "4:2:0"), ("422", "4:2:2"), ("444", "4:4:4")],
            ),
        ),
    ),
)
"""The controls, by the legend of their group."""

_BY_NAME = {control.name: control for _, controls in GROUPS for control in controls}
_FLAGS = {
    name for name, control in _BY_NAME.items() if control.attributes.get("type") == "checkbox"
}
_NUMBERS = {"dpr", "rotate"} | {
    name
    for name, control in _BY_NAME.items()
    if control.attributes.get("type") in {"number", "range"}
}
_CROP = ("x", "y", "width", "height")
_COMPOSED = {
    "focal_x": "gravity",
    "focal_y": "gravity",
    **{f"crop_{part}": "crop" for part in _CROP},
    "quality_auto": "quality",
}
"""The option to which each of these fields contributes."""

OFFERED = frozenset({_COMPOSED.get(name, name) for name in _BY_NAME} - {"width", "height"})
"""The options that have a control."""


def form() -> str:
    """Return the content of the form."""
    return "".join(
        element(
            "fieldset",
            {},
            element("legend", {}, html.escape(legend))
            + "".join(control.html() for control in controls),
        )
        for legend, controls in GROUPS
    )


def options_of(fields: Mapping[str, str]) -> dict[str, Any]:
    """Return the arguments of `thumbnail_url()` for the fields of the form.

    Raises:
        SpecError: A field does not exist, or a numeric field does not contain a number.
    """
    try:
        return _options_of(fields)
    except ValueError as error:
        raise SpecError(f"a field of the form is invalid: {error}") from None


def _options_of(fields: Mapping[str, str]) -> dict[str, Any]:
    unknown = fields.keys() - _BY_NAME.keys()
    if unknown:
        raise SpecError(f"the form has no field {min(unknown)!r}")
    values = {name: control.default for name, control in _BY_NAME.items()} | dict(fields)
    options: dict[str, Any] = {
        name: _value(name, values[name])
        for name in _BY_NAME
        if name not in _COMPOSED and values[name] != _default_of_option(name)
    }
    if options.get("gravity") == "focal":
        options["gravity"] = (float(values["focal_x"]), float(values["focal_y"]))
    x, y, width, height = (float(values[f"crop_{part}"]) for part in _CROP)
    # The sliders are independent, so a part may extend beyond the image.
    crop = (x, y, round(min(width, 1 - x), 4), round(min(height, 1 - y), 4))
    if crop != (0, 0, 1, 1):
        options["crop"] = crop
    if values["quality_auto"]:
        options["quality"] = "auto"
    return options


def _default_of_option(name: str) -> str:
    # The form starts with a size, but these options have no default.
    return "" if name in {"width", "height"} else _BY_NAME[name].default


def _value(name: str, text: str) -> object:
    if name in _FLAGS:
        return True
    if name == "progressive":
        return text == "true"
    if name not in _NUMBERS:
        return text
    return float(text) if "." in text else int(text)
