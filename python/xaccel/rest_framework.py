"""xaccel for Django REST framework: thumbnails in responses, and image uploads without Pillow.

A serializer declares the sizes:

    class PhotoSerializer(serializers.ModelSerializer):
        thumbnails = ThumbnailField(source="image", sizes={"small": "300x200,cover"})
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypedDict

from django.core.exceptions import ValidationError
from rest_framework import serializers

from xaccel._core import Spec
from xaccel.django import conf, fields, forms, images
from xaccel.django.functions import thumbnail_url
from xaccel.thumbnails.layout import shown_size
from xaccel.thumbnails.rows import possible_sizes

__all__ = ["ImageField", "Rendition", "ThumbnailField"]


class Rendition(TypedDict):
    """One thumbnail in a response."""

    url: str
    width: int | None
    height: int | None


class ThumbnailField(serializers.Field[Any, Any, dict[str, Any] | None, Any]):
    """A read-only field of thumbnails: `{"small": {"url": …, "width": …, "height": …}}`.

    The field needs no database query and opens no file. The only exception is `placeholder`: it
    opens an image if its database row does not contain a placeholder. URLs are absolute if the
    serializer's context contains the request, as it does in every view. The width and the height
    are in CSS pixels, as in `thumbnail_img`, or `null` if they are not known exactly. Without an
    image, the whole field is `null`.

    Args:
        sizes: A dict of thumbnails by name. Each value is the name of a preset, or a spec such as
            `"300x200,cover"`.
        placeholder: Whether to add the key `placeholder`, which contains a blurred picture as a
            `data:` URI; see the tag `placeholder`.
        kwargs: The arguments that every field accepts, such as `source`, the name of the image
            field.

    Raises:
        SpecError: A spec is invalid.
        ValueError: `sizes` is empty, or contains the name `placeholder` while `placeholder` is
            enabled.
    """

    def __init__(
        self, *, sizes: Mapping[str, str], placeholder: bool = False, **kwargs: Any
    ) -> None:
        if not sizes:
            raise ValueError("'sizes' must contain a thumbnail, such as {'small': '300x200,cover'}")
        if placeholder and "placeholder" in sizes:
            raise ValueError("'sizes' contains the name 'placeholder': choose another name")
        self.sizes = dict(sizes)
        self.placeholder = placeholder
        super().__init__(read_only=True, **kwargs)

    def to_representation(self, value: Any) -> dict[str, Any] | None:
        """Return the thumbnails as described in the class docstring."""
        made: dict[str, Any] = {}
        for name, text in self.sizes.items():
            rendition = self._rendition(value, text)
            if rendition is None:
                return None
            made[name] = rendition
        if self.placeholder:
            made["placeholder"] = conf.template_helpers().placeholder(value)
        return made

    def get_attribute(self, instance: Any) -> Any:
        """Return the image, or `None` if the field is empty."""
        return super().get_attribute(instance) or None

    def _rendition(self, image: Any, text: str) -> Rendition | None:
        spec = self._spec(text)
        options = {name: getattr(spec, name) for name in Spec.OPTIONS}
        if spec.format is None:
            del options["format"]
        request = self.context.get("request")
        url = thumbnail_url(image, spec.width, spec.height, request=request, **options)
        if url is None:
            return None
        size = shown_size(spec, possible_sizes(image))
        return Rendition(url=url, width=size.get("width"), height=size.get("height"))

    def _spec(self, text: str) -> Spec:
        presets = conf.config().thumbnail_presets
        return Spec.parse(presets.get(text, text))


class ImageField(serializers.FileField):
    """An image upload field that replaces REST framework's `ImageField`. It does not need Pillow.

    Once this module is imported, a `ModelSerializer` uses this field for every
    `xaccel.django.fields.ImageField`. It accepts the same images as
    `xaccel.django.forms.ImageField`.
    """

    default_error_messages = dict(images.MESSAGES)  # noqa: RUF012

    def to_internal_value(self, data: Any) -> Any:
        """See REST framework's `Field.to_internal_value`."""
        field = forms.ImageField(max_length=self.max_length, allow_empty_file=self.allow_empty_file)
        field.error_messages.update(self.error_messages)
        try:
            return field.clean(super().to_internal_value(data))
        except ValidationError as error:
            raise serializers.ValidationError(error.messages, code=error.code) from None


serializers.ModelSerializer.serializer_field_mapping[fields.ImageField] = ImageField

with suppress(ImportError):
    from drf_spectacular.extensions import OpenApiSerializerFieldExtension
    from drf_spectacular.settings import spectacular_settings

    class _ThumbnailSchema(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
        """The schema of a `ThumbnailField`."""

        target_class = ThumbnailField

        def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict[str, Any]:  # noqa: ARG002
            """See drf-spectacular's class."""
            return _schema(self.target, nullable=_nullable(spectacular_settings.OAS_VERSION))


def _nullable(version: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return a function that makes a schema of this OpenAPI version accept `null`."""
    if version.startswith("3.0"):
        return lambda schema: {**schema, "nullable": True}
    return lambda schema: {**schema, "type": [schema["type"], "null"]}


def _schema(
    field: ThumbnailField, *, nullable: Callable[[dict[str, Any]], dict[str, Any]]
) -> dict[str, Any]:
    """Return the OpenAPI schema of a field."""
    url = {"type": "string", "format": "uri"}
    side = nullable({"type": "integer", "minimum": 1})
    rendition = {
        "type": "object",
        "properties": {"url": url, "width": side, "height": side},
        "required": ["url", "width", "height"],
    }
    properties: dict[str, Any] = dict.fromkeys(field.sizes, rendition)
    if field.placeholder:
        properties["placeholder"] = url
    return nullable({"type": "object", "properties": properties, "required": [*properties]})
