"""The spec as Python sees it; the grammar itself is tested in Rust."""

import ast
import inspect
import pickle
from pathlib import Path

import pytest
import xaccel
from django.utils.safestring import SafeString
from xaccel._core import Spec, thumbnail
from xaccel.exceptions import SpecError

from tests.support.thumbnail_images import photo_file

FULL = (
    "300x200,pad,upscale,g-0.3-0.7,page-3,frame-2,at-2.5,trim-20,crop-0-0.25-1-0.5,rot-90,flip-h,brightness-1.2,"
    "contrast-0,saturation-10,grayscale,pixelate-8,blur-2.5,detail,sharpen-0.5,radius-12,bg-00ff7f,wm-Logo_2,dpr-1.5,q-80,"
    "keep-icc,keep-copyright,webp,v-aZ09_-aZ"
)


def test_keywords_and_text_meet():
    spec = Spec(
        300,
        200,
        fit="pad",
        upscale=True,
        gravity=(0.3, 0.7),
        page=3,
        frame=2,
        at=2.5,
        trim=20,
        crop=(0, 0.25, 1, 0.5),
        rotate=90,
        flip="h",
        brightness=1.2,
        contrast=0,
        saturation=10.0,
        grayscale=True,
        pixelate=8,
        watermark="Logo_2",
        blur=2.5,
        detail=True,
        sharpen=0.5,
        radius=12,
        background="#00FF7F",
        dpr=1.5,
        quality=80,
        keep_icc=True,
        keep_copyright=True,
        format="webp",
        version="aZ09_-aZ",
    )
    assert str(spec) == FULL
    assert spec == Spec.parse(FULL)
    assert hash(spec) == hash(Spec.parse(FULL))
    assert spec != Spec(300, 200)
    assert pickle.loads(pickle.dumps(spec)) == spec
    assert repr(spec) == f"Spec.parse('{FULL}')"


def test_attributes_are_read_only():
    spec = Spec.parse(FULL)
    assert (spec.width, spec.height, spec.fit, spec.upscale) == (300, 200, "pad", True)
    assert (spec.gravity, spec.crop) == ((0.3, 0.7), (0.0, 0.25, 1.0, 0.5))
    assert (spec.rotate, spec.flip, spec.blur, spec.sharpen) == (90, "h", 2.5, 0.5)
    assert (spec.trim, spec.grayscale, spec.detail, spec.radius) == (20, True, True, 12)
    assert (spec.brightness, spec.contrast, spec.saturation) == (1.2, 0, 10)
    assert (spec.pixelate, spec.keep_icc, spec.keep_copyright) == (8, True, True)
    assert spec.watermark == "Logo_2"
    assert (spec.background, spec.dpr, spec.quality) == ("00ff7f", 1.5, 80)
    assert (spec.format, spec.version) == ("webp", "aZ09_-aZ")
    with pytest.raises(AttributeError):
        spec.width = 1


def test_defaults_are_left_out():
    assert str(Spec()) == "-x-"
    assert str(Spec(300)) == "300x-"
    assert str(Spec(height=200)) == "-x200"
    assert str(Spec(9, 9, fit="cover", upscale=False, gravity="c", dpr=1)) == "9x9,cover"
    assert str(Spec(9, 9, brightness=1, contrast=1.0, saturation=1.001)) == "9x9"
    assert str(Spec(9, 9, keep_icc=False, keep_copyright=False)) == "9x9"
    assert str(Spec(9, 9, trim=False, grayscale=False, detail=False, radius=None)) == "9x9"
    assert str(Spec(9, 9, gravity=(0.5, 0.5), crop=(0, 0, 1, 1))) == "9x9"
    assert str(Spec(9, 9, gravity="0.25-1", crop="0-0-0.5-1")) == "9x9,g-0.25-1,crop-0-0-0.5-1"


def test_replace_changes_only_the_given_options():
    spec = Spec.parse(FULL)
    assert spec.replace() == spec
    assert str(Spec(300, 200, fit="cover").replace(width=600, dpr=2)) == "600x200,cover,dpr-2"
    assert spec.replace(format=None).format is None
    with pytest.raises(TypeError, match="widht"):
        spec.replace(widht=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"width": 0}, "1 to 65535 pixels, not 0"),
        ({"fit": "covered"}, 'contain, cover, fill or pad, not "covered"'),
        ({"gravity": "up"}, "focal point"),
        ({"gravity": (0.5, float("nan"))}, "focal point"),
        ({"crop": (0.5, 0, 0.6, 1)}, "stay within"),
        ({"rotate": 45}, "90, 180 or 270"),
        ({"flip": "x"}, "h or v"),
        ({"blur": 101}, "0.01 to 100"),
        ({"sharpen": -1}, "0.01 to 10"),
        ({"page": 0}, "1 to 65535"),
        ({"page": 65536}, "1 to 65535"),
        ({"frame": 0}, "1 to 65535"),
        ({"at": -1}, "0 to 86400"),
        ({"at": 86400.01}, "0 to 86400"),
        ({"at": float("nan")}, "0 to 86400"),
        ({"trim": 256}, "0 to 255"),
        ({"radius": 0}, "1 to 65535"),
        ({"radius": 65536}, "1 to 65535"),
        ({"brightness": -0.1}, "factor from 0 to 10"),
        ({"contrast": 10.01}, "factor from 0 to 10"),
        ({"saturation": float("nan")}, "factor from 0 to 10"),
        ({"pixelate": 0}, "1 to 65535"),
        ({"watermark": "a b"}, "the name of a watermark"),
        ({"watermark": "a" * 33}, "the name of a watermark"),
        ({"background": "whiteish"}, "six hexadecimal"),
        ({"dpr": 9}, "0.1 to 8"),
        ({"quality": 0}, "1 to 100"),
        ({"max_bytes": 0}, "bytes from 1 to 4294967295"),
        ({"max_bytes": 2**32}, "bytes from 1 to 4294967295"),
        ({"format": "bmp"}, "jpeg, png"),
        ({"version": "1"}, "eight characters"),
    ],
)
def test_a_wrong_value_names_the_right_one(options, message):
    with pytest.raises(SpecError, match=message):
        Spec(**options)


def test_a_wrong_text_names_the_right_one():
    with pytest.raises(SpecError, match="canonical spelling is '300x200,cover,q-80'"):
        Spec.parse("300x200,q-80,cover")
    assert SpecError.status_code == 404


def test_output_format():
    assert Spec(9).output_format("a.JPG") == "jpeg"
    assert Spec(9).output_format("a/b.webp") == "webp"
    assert Spec(9).output_format("a.tif") == "jpeg"
    assert Spec(9).output_format("a.SVG") == Spec(9).output_format("a.svgz") == "png"
    assert Spec(9, format="png").output_format("a.jpg") == "png"
    assert Spec(9, format="auto").output_format("a.jpg") == "auto"


def stub_class(name):
    stub = Path(xaccel.__file__).with_name("_core.pyi")
    body = ast.parse(stub.read_text(encoding="utf-8")).body
    return next(node for node in body if isinstance(node, ast.ClassDef) and node.name == name)


def test_the_stub_lists_the_options():
    functions = [node for node in stub_class("Spec").body if isinstance(node, ast.FunctionDef)]
    new = next(function for function in functions if function.name == "__new__")
    assert tuple(keyword.arg for keyword in new.args.kwonlyargs) == Spec.OPTIONS
    defaults = [ast.literal_eval(default) for default in new.args.kw_defaults]
    assert defaults == [getattr(Spec(), option) for option in Spec.OPTIONS]
    attributes = [function.name for function in functions if function.decorator_list]
    assert [name for name in attributes if name in Spec.OPTIONS] == list(Spec.OPTIONS)


def test_the_stub_lists_the_options_of_a_thumbnail():
    fields = [node.target.id for node in stub_class("_Options").body]
    # The functions take the watermark itself, in an argument of their own.
    own = {"version", "watermark"}
    assert fields == [option for option in Spec.OPTIONS if option not in own]


def test_every_option_is_an_attribute():
    for option in Spec.OPTIONS:
        assert isinstance(inspect.getattr_static(Spec, option), property)
        with pytest.raises(AttributeError):
            setattr(Spec(), option, None)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fit": 1}, "fit must be contain, cover, fill or pad"),
        ({"fit": None}, "fit must be contain"),
        ({"upscale": "yes"}, "upscale must be True or False"),
        ({"gravity": (0.5,)}, "gravity must be"),
        ({"crop": 1}, "crop must be x-y-w-h"),
        ({"rotate": 90.0}, "rotate must be 90"),
        ({"blur": "2"}, "blur must be a sigma"),
        ({"trim": "10"}, "trim must be a tolerance"),
        ({"grayscale": 1}, "grayscale must be True or False"),
        ({"radius": True}, "radius must be a whole number"),
        ({"brightness": True}, "brightness must be a factor"),
        ({"pixelate": 1.5}, "pixelate must be a whole number"),
        ({"quality": 80.5}, "quality must be a whole number"),
        ({"quality": "best"}, "quality must be a whole number from 1 to 100, or auto"),
        ({"max_bytes": "9k"}, "max_bytes must be a whole number"),
        ({"qualty": 80}, "unexpected keyword argument 'qualty'"),
    ],
)
def test_a_wrong_type_is_a_type_error(options, message):
    with pytest.raises(TypeError, match=message):
        Spec(**options)


def test_the_first_page_is_the_default():
    assert str(Spec(9, 9, page=2)) == "9x9,page-2"
    assert Spec.parse("9x9,page-2").page == 2
    assert Spec(9, 9, page=1) == Spec(9, 9)
    assert Spec(9, 9).page is None


def test_the_first_frame_is_not_the_default():
    assert str(Spec(9, 9, frame=1)) == "9x9,frame-1"
    assert str(Spec(9, 9, at=0)) == "9x9,at-0"
    assert str(Spec(9, 9, at=7.25, frame=2, page=3)) == "9x9,page-3,frame-2,at-7.25"
    assert (Spec(9, 9, at=2).at, Spec(9, 9, frame=2).frame) == (2.0, 2)
    assert (Spec(9, 9).at, Spec(9, 9).frame) == (None, None)


def test_trim_has_a_usual_tolerance():
    assert str(Spec(9, 9, trim=True)) == "9x9,trim-10"
    assert str(Spec(9, 9, trim=0)) == "9x9,trim-0"
    assert Spec(9, 9, trim=True).replace(trim=False) == Spec(9, 9)


def test_the_size_with_trim_is_not_known():
    with pytest.raises(SpecError, match="'trim' depends on the pixels"):
        Spec(9, 9, trim=True).output_size(100, 100)


def test_plain_words_for_values():
    spec = Spec(9, 9, fit="cover", gravity="center", background="White", format="JPG")
    assert str(spec) == "9x9,cover,bg-ffffff,jpeg"
    assert str(Spec(9, 9, background="rebeccapurple", format="WebP")) == "9x9,bg-663399,webp"
    for text in ("9x9,bg-white", "9x9,cover,g-center", "9x9,jpg", "9x9,JPEG"):
        with pytest.raises(SpecError):
            Spec.parse(text)


def rendered(*sides):
    return thumbnail(photo_file("PNG", 40, 30), *sides)


@pytest.mark.parametrize("make", [Spec, rendered])
@pytest.mark.parametrize(
    ("sides", "message"),
    [
        ((-1,), "'width' must be a whole number of pixels from 1 to 65535"),
        ((0,), "1 to 65535 pixels, not 0"),
        ((2**40,), "'width' must be a whole number"),
        ((2**70,), "'width' must be a whole number"),
        ((9, 2**70), "'height' must be a whole number"),
        ((9, -1), "'height' must be a whole number"),
        (("nine",), "'width' must be a whole number"),
        (("-9",), "'width' must be a whole number"),
        (("300x200x100",), "'width' must be a whole number"),
        (("300x200", 9), "a number, because a height is given"),
        ((float("nan"),), "width must be a whole number"),
        ((True,), "width must be a whole number"),
        ((9, False), "height must be a whole number"),
        ((1.5,), "width must be a whole number"),
        ((object(),), "width must be a whole number"),
        ((10**5000,), "width must be a whole number"),
    ],
)
def test_a_wrong_side_is_explained(make, sides, message):
    with pytest.raises((SpecError, TypeError), match=message) as raised:
        make(*sides)
    is_value = isinstance(sides[-1], int | str) and not isinstance(sides[-1], bool)
    assert isinstance(raised.value, SpecError) == (is_value and sides[-1] != 10**5000)


@pytest.mark.parametrize(
    ("sides", "text"),
    [
        (("300",), "300x-"),
        ((300.0, "200"), "300x200"),
        ((None, " 200 "), "-x200"),
        (("300x200",), "300x200"),
        (("300x",), "300x-"),
        (("x200", None), "-x200"),
        ((SafeString("300x-"),), "300x-"),
    ],
)
def test_sides_may_be_text(sides, text):
    assert str(Spec(*sides)) == text


def test_a_thumbnail_takes_a_box_as_text():
    made = rendered("20x20")
    assert (made.width, made.height) == (20, 15)
    made = thumbnail(photo_file("PNG", 40, 30), "20", format=SafeString("JPG"))
    assert (made.width, made.format) == (20, "jpeg")


@pytest.mark.parametrize(
    "options",
    [
        {"quality": 10**400},
        {"gravity": ("a", "b")},
        {"fit": object()},
        {"blur": [1]},
        {"format": b"jpeg"},
        {"crop": ((0, 0), 1)},
    ],
)
def test_any_other_type_is_explained_too(options):
    (name,) = options
    with pytest.raises(TypeError, match=f"{name} must be"):
        Spec(**options)


def test_a_list_is_as_good_as_a_tuple():
    assert Spec(9, 9, gravity=[0.3, 0.7]) == Spec(9, 9, gravity=(0.3, 0.7))
