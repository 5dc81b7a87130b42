"""Numbers that are out of range: the error names the argument and the valid numbers."""

import pytest
from xaccel import Limits, Signer, Spec, probe, thumbhash, thumbnail, thumbnail_many
from xaccel._core import (
    Cache,
    CloudflareSigner,
    ImgproxySigner,
    StreamedSource,
    ThumborSigner,
    render,
)
from xaccel.exceptions import ConfigError, ImageTooLarge

from tests.support.thumbnail_images import encoded, photo

SECRET = "0123456789abcdef"
HEXADECIMAL = "00" * 16
PICTURE = encoded(photo(40, 30), "PNG")


def signed(number):
    return Signer(SECRET).verify_parts("/a?key=b&expires=9", now=number)


FUNCTIONS = {
    "width": lambda number: Spec(9).output_size(number, 9),
    "height": lambda number: Spec(9).output_size(9, number),
    "max_memory": lambda number: Limits(max_memory=number),
    "max_pixels": lambda number: Limits(max_pixels=number),
    "max_bytes": lambda number: Limits(max_bytes=number),
    "max_frames": lambda number: Limits(max_frames=number),
    "max_side": lambda number: Limits(max_side=number),
    "timeout": lambda number: Limits(timeout=number),
    "colors": lambda number: thumbnail(PICTURE, 9, colors=number),
    "threads": lambda number: thumbnail_many([PICTURE], 9, threads=number),
    "quality": lambda number: render(PICTURE, Spec(9), format="jpeg", quality={"jpeg": number}),
    "capacity": StreamedSource,
    "length": lambda number: ThumborSigner(SECRET, length=number),
    "source_size": lambda number: ThumborSigner(SECRET).url("a", Spec(9), source_size=(number, 9)),
    "size": lambda number: ImgproxySigner(HEXADECIMAL, HEXADECIMAL, size=number),
    "ttl": lambda number: CloudflareSigner(SECRET, ttl=number),
    "number": lambda number: Cache("/absent").try_lock(number),
    "queue": lambda number: Cache("/absent").try_enqueue(number),
    "renders": lambda number: Cache("/absent").try_admit(number),
    "max_size": lambda number: Cache("/absent").sweep(max_size=number, inactive=9),
    "inactive": lambda number: Cache("/absent").sweep(max_size=9, inactive=number),
}
TIMES = {
    "now": signed,
    "modified": lambda number: Cache("/absent").publish("/a", b"", modified=number),
}


@pytest.mark.parametrize(
    "number",
    [-1, 2**64, 2**70, 10**400, 10**5000],
    ids=["-1", "2**64", "2**70", "10**400", "10**5000"],
)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_is_a_value_error_that_names_the_argument(name, number):
    with pytest.raises(ValueError, match=rf"\b{name} must be .*, not ") as raised:
        FUNCTIONS[name](number)
    assert len(str(raised.value)) < 600


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**400])
@pytest.mark.parametrize("name", TIMES)
def test_times_have_64_bits(name, number):
    with pytest.raises(ValueError, match=f"{name} must be a whole number of 64 bits, not "):
        TIMES[name](number)


@pytest.mark.parametrize("name", ["length", "size", "ttl"])
def test_of_a_configuration_is_a_configuration_error(name):
    for number in (-1, 2**70):
        with pytest.raises(ConfigError):
            FUNCTIONS[name](number)


@pytest.mark.parametrize("name", [*FUNCTIONS, *TIMES])
@pytest.mark.parametrize("value", ["many", object(), [1]])
def test_another_type_is_a_type_error(name, value):
    with pytest.raises(TypeError):
        (FUNCTIONS | TIMES)[name](value)


@pytest.mark.parametrize("size", [(0, 9), (9, 0), (-1, -1), (2**32, 9)])
def test_the_size_of_a_source_is_explained(size):
    with pytest.raises(ValueError, match="whole number of pixels from 1 to 4294967295, not "):
        Spec(9, 9, fit="cover").output_size(*size)


def test_the_largest_size_of_a_source_is_valid():
    assert Spec(9, 9).output_size(2**32 - 1, 2**32 - 1) == (9, 9)
    with pytest.raises(ImageTooLarge):
        Spec().output_size(2**32 - 1, 9)


@pytest.mark.parametrize("seconds", [-0.1, float("nan"), float("inf"), 1e300])
def test_a_time_limit_is_a_number_of_seconds(seconds):
    with pytest.raises(ValueError, match=r"timeout must be a number of seconds from 0 to .*, not "):
        Limits(timeout=seconds)


def test_no_thread_is_too_few():
    with pytest.raises(ValueError, match="threads must be a whole number, at least 1, not 0"):
        thumbnail_many([PICTURE], 9, threads=0)


@pytest.mark.parametrize("quality", [0, 101, 255])
def test_qualities_of_formats_are_1_to_100(quality):
    with pytest.raises(ValueError, match="quality must be a number from 1 to 100 for each format"):
        FUNCTIONS["quality"](quality)


def test_limits_of_nothing_are_valid():
    limits = Limits(max_memory=0, max_pixels=0, max_bytes=0, max_frames=0, max_side=0, timeout=0)
    for use in (probe, thumbhash, thumbnail):
        with pytest.raises(ImageTooLarge):
            use(PICTURE, limits=limits)
