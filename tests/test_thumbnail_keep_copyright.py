"""The option `keep_copyright`. Oracles: Pillow, ExifTool and libvips."""

import json
import struct
import subprocess
import xml.etree.ElementTree as ET
import zlib
from pathlib import Path

import pytest
import pyvips
from PIL import Image
from xaccel import thumbnail

from tests.support.thumbnail_images import display_p3_profile, encoded, opened, photo

FORMATS = ["jpeg", "png", "webp", "avif"]
NAMESPACES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "xmpRights": "http://ns.adobe.com/xap/1.0/rights/",
}
XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:exif="http://ns.adobe.com/exif/1.0/"
 xmlns:xmpRights="http://ns.adobe.com/xap/1.0/rights/"
 xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
 xmp:CreatorTool="SecretCamera 1.0" exif:GPSLatitude="52,30.5N" photoshop:City="SecretCity"
 photoshop:Credit="Agency &amp; Sons" xmpRights:WebStatement="https://example.org/rights">
<dc:creator><rdf:Seq><rdf:li>Ann Lee</rdf:li><rdf:li>Zoë Özil</rdf:li></rdf:Seq></dc:creator>
<dc:rights><rdf:Alt><rdf:li xml:lang="x-default">© 2024 Ann Lee</rdf:li></rdf:Alt></dc:rights>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">SecretTitle</rdf:li></rdf:Alt></dc:title>
<xmpRights:UsageTerms><rdf:Alt><rdf:li xml:lang="x-default">CC BY 4.0</rdf:li></rdf:Alt>
</xmpRights:UsageTerms>
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>""".encode()
FULL = {
    "dc:creator": ["Ann Lee", "Zoë Özil"],
    "dc:rights": ["© 2024 Ann Lee"],
    "photoshop:Credit": ["Agency & Sons"],
    "xmpRights:WebStatement": ["https://example.org/rights"],
    "xmpRights:UsageTerms": ["CC BY 4.0"],
}


def exif(artist="Exif Artist", rights="Exif Rights", orientation=1):
    data = Image.Exif()
    data[0x010F] = "SecretMaker"
    data[0x0112] = orientation
    data[0x013B] = artist
    data[0x8298] = rights
    data[0x0132] = "2024:01:02 03:04:05"
    data.get_ifd(0x8825)[1] = "N"
    data.get_ifd(0x8825)[2] = (52.0, 30.0, 0.0)
    return data.tobytes()


def iptc(**fields):
    numbers = {"creator": 80, "credit": 110, "rights": 116, "city": 90}
    data = b"".join(
        struct.pack(">BBBH", 0x1C, 2, numbers[name], len(text.encode())) + text.encode()
        for name, text in fields.items()
    )
    return b"8BIM\x04\x04\0\0" + struct.pack(">I", len(data)) + data + bytes(len(data) % 2)


def notice(made):
    """Return the properties in the XMP data of a thumbnail."""
    picture = opened(made)
    data = picture.info.get("xmp") or picture.info.get("XML:com.adobe.xmp")
    if data is None:
        return {}
    text = data if isinstance(data, str) else data.decode()
    root = ET.fromstring(text[text.index("<x:xmpmeta") : text.index("<?xpacket end")])
    (description,) = root.iter(f"{{{NAMESPACES['rdf']}}}Description")
    prefixes = {uri: prefix for prefix, uri in NAMESPACES.items()}
    found = {}
    for child in description:
        uri, _, name = child.tag[1:].partition("}")
        items = list(child.iter(f"{{{NAMESPACES['rdf']}}}li")) or [child]
        found[f"{prefixes[uri]}:{name}"] = [item.text for item in items]
    assert set(description.attrib) == {f"{{{NAMESPACES['rdf']}}}about"}
    return found


def artist_and_rights(made):
    """Return all EXIF tags of a thumbnail, except the size that Pillow adds."""
    data = Image.Exif()
    data.load(opened(made).info.get("exif", b""))
    assert not data.get_ifd(0x8825)
    # Pillow decodes as Latin-1.
    return {
        tag: value.encode("latin-1").decode() if isinstance(value, str) else value
        for tag, value in data.items()
    }


def has_no_secret(made):
    return b"Secret" not in made.data and b"2024:01" not in made.data


@pytest.mark.parametrize("kind", FORMATS)
def test_creators_and_rights_are_kept_and_nothing_else(kind):
    content = encoded(photo(), "JPEG", xmp=XMP, exif=exif(), icc_profile=display_p3_profile())
    made = thumbnail(content, 90, keep_copyright=True, format=kind)
    assert notice(made) == FULL
    assert artist_and_rights(made) == {0x013B: "Ann Lee; Zoë Özil", 0x8298: "© 2024 Ann Lee"}
    assert has_no_secret(made)
    assert "icc_profile" not in opened(made).info
    plain = thumbnail(content, 90, format=kind)
    assert opened(made).tobytes() == opened(plain).tobytes()
    assert len(made.data) - len(plain.data) < 1600


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("keep_icc", [False, True])
def test_exiftool_finds_them(kind, keep_icc, tmp_path):
    content = encoded(photo(), "JPEG", xmp=XMP, exif=exif(), icc_profile=display_p3_profile())
    options = {"keep_copyright": True, "keep_icc": keep_icc, "format": kind}
    path = tmp_path / f"a.{kind}"
    path.write_bytes(thumbnail(content, 90, **options).data)
    shown = ["-json", "-G1", "-a", "-validate", "-warning", "-all"]
    command = ["exiftool", *shown, "-charset", "exif=utf8", path]
    (found,) = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    # EXIF requires further tags in a JPEG, which JFIF makes unnecessary.
    # ExifTool 13 names another one of them first than ExifTool 12.
    warning = found.get("ExifTool:Warning", "")
    resolution, position = "0x011a XResolution", "0x0213 YCbCrPositioning"
    missing = {f"Missing required JPEG IFD0 tag {tag}" for tag in (resolution, position)}
    assert warning in (missing if kind == "jpeg" else {""})
    texts = {key: value for key, value in found.items() if key.startswith(("IFD0", "XMP"))}
    assert texts == {
        "IFD0:Artist": "Ann Lee; Zoë Özil",
        "IFD0:Copyright": "© 2024 Ann Lee",
        "XMP-dc:Creator": ["Ann Lee", "Zoë Özil"],
        "XMP-dc:Rights": "© 2024 Ann Lee",
        "XMP-photoshop:Credit": "Agency & Sons",
        "XMP-xmpRights:WebStatement": "https://example.org/rights",
        "XMP-xmpRights:UsageTerms": "CC BY 4.0",
    }
    assert ("ICC_Profile:ProfileDescription" in found) is keep_icc


@pytest.mark.parametrize("kind", ["jpeg", "webp", "avif"])
def test_libvips_finds_them(kind):
    content = encoded(photo(), "JPEG", xmp=XMP)
    made = thumbnail(content, 90, keep_copyright=True, format=kind)
    image = pyvips.Image.new_from_buffer(made.data, "")
    assert b"Ann Lee" in image.get("xmp-data")
    assert image.get("exif-ifd0-Artist").startswith("Ann Lee; Zo")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
def test_every_format_of_sources(kind):
    xmp = {"tiffinfo": {700: XMP}} if kind == "TIFF" else {"xmp": XMP}
    if kind == "PNG":
        content = encoded(photo(), kind)
        text = b"XML:com.adobe.xmp\0\0\0\0\0" + XMP
        crc = struct.pack(">I", zlib.crc32(b"iTXt" + text))
        content = content[:33] + struct.pack(">I", len(text)) + b"iTXt" + text + crc + content[33:]
    else:
        content = encoded(photo(), kind, **xmp)
    assert notice(thumbnail(content, 90, keep_copyright=True, format="png")) == FULL
    content = encoded(photo(), kind, exif=exif())
    made = thumbnail(content, 90, keep_copyright=True, format="png")
    assert notice(made) == {"dc:creator": ["Exif Artist"], "dc:rights": ["Exif Rights"]}
    assert has_no_secret(made)


def jpeg_with(resources):
    content = encoded(photo(), "JPEG")
    segment = b"Photoshop 3.0\0" + resources
    return content[:2] + struct.pack(">HH", 0xFFED, len(segment) + 2) + segment + content[2:]


def test_iptc_data():
    fields = iptc(creator="Bo", credit="Agency", rights="© Bo", city="SecretCity")
    made = thumbnail(jpeg_with(fields), 90, keep_copyright=True)
    expected = {"dc:creator": ["Bo"], "dc:rights": ["© Bo"], "photoshop:Credit": ["Agency"]}
    assert notice(made) == expected
    assert has_no_secret(made)
    tiff = encoded(photo(), "TIFF", tiffinfo={34377: fields})
    assert notice(thumbnail(tiff, 90, keep_copyright=True, format="png")) == expected


def test_metadata_that_imagemagick_wrote():
    profiles = {"exif": b"Exif\0\0" + exif()[6:], "iptc": iptc(credit="Agency")}
    content = encoded(photo(), "PNG")
    for name, data in profiles.items():
        text = f"Raw profile type {name}\0\n{name}\n{len(data):8}\n{data.hex()}\n".encode()
        crc = struct.pack(">I", zlib.crc32(b"tEXt" + text))
        content = content[:33] + struct.pack(">I", len(text)) + b"tEXt" + text + crc + content[33:]
    assert notice(thumbnail(content, 90, keep_copyright=True)) == {
        "dc:creator": ["Exif Artist"],
        "dc:rights": ["Exif Rights"],
        "photoshop:Credit": ["Agency"],
    }


def test_metadata_of_jpeg_xl():
    content = (Path(__file__).parent / "images" / "lossy.jxl").read_bytes()
    if content.startswith(b"\xff\x0a"):
        content = (
            b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl \0\0\0\0jxl "
            + struct.pack(">I4s", len(content) + 8, b"jxlc")
            + content
        )
    for name, data in ((b"Exif", b"\0\0\0\0" + exif()[6:]), (b"xml ", XMP)):
        boxed = content + struct.pack(">I4s", len(data) + 8, name) + data
        made = thumbnail(boxed, 30, keep_copyright=True)
        assert artist_and_rights(made)[0x013B] == (
            "Exif Artist" if name == b"Exif" else "Ann Lee; Zoë Özil"
        )


def test_animations():
    frames = [photo(120, 90, "RGBA").rotate(40 * index) for index in range(3)]
    moving = {"save_all": True, "append_images": frames[1:], "duration": 70, "loop": 2}
    icc = display_p3_profile()
    content = encoded(frames[0], "WEBP", xmp=XMP, icc_profile=icc, lossless=True, **moving)
    made = thumbnail(content, 60, keep_copyright=True, keep_icc=True, format="webp")
    picture = opened(made)
    assert (picture.n_frames, picture.info["loop"]) == (3, 2)
    assert picture.info["icc_profile"] == icc
    assert notice(made) == FULL
    trimmed = thumbnail(content, 60, trim=0, keep_copyright=True, format="webp")
    assert notice(trimmed) == FULL


def test_the_orientation_is_not_copied():
    content = encoded(photo(80, 40), "JPEG", exif=exif(orientation=6))
    made = thumbnail(content, 20, keep_copyright=True)
    assert (made.width, made.height) == (20, 40)
    assert set(artist_and_rights(made)) == {0x013B, 0x8298}


@pytest.mark.parametrize("kind", [*FORMATS, "gif"])
def test_sources_without_a_notice_and_gif_have_the_default_file(kind):
    plain = encoded(photo(), "JPEG")
    with_notice = encoded(photo(), "JPEG", xmp=XMP)
    content = with_notice if kind == "gif" else plain
    made = thumbnail(content, 90, keep_copyright=True, format=kind)
    assert made.data == thumbnail(content, 90, format=kind).data
    if kind != "gif":
        made = thumbnail(with_notice, 90, format=kind)
        assert made.data == thumbnail(plain, 90, format=kind).data


@pytest.mark.parametrize("damage", [b"<x:xmpmeta>", b"\xff" * 40, XMP[:700], b""])
def test_damaged_metadata_is_ignored(damage):
    content = encoded(photo(), "JPEG", xmp=damage, exif=exif()[:40])
    made = thumbnail(content, 90, keep_copyright=True)
    assert made.data == thumbnail(encoded(photo(), "JPEG"), 90).data


@pytest.mark.parametrize("kind", FORMATS)
def test_the_limit_of_bytes_includes_the_notice(kind):
    content = encoded(photo(), "JPEG", xmp=XMP)
    options = {"keep_copyright": True, "format": kind, "max_bytes": 4500}
    made = thumbnail(content, 160, **options)
    assert notice(made) == FULL
    assert kind == "png" or len(made.data) <= 4500


@pytest.mark.parametrize("kind", FORMATS)
def test_the_longest_notice(kind):
    long = "&" * 2000
    xmp = XMP.replace(b"Ann Lee</rdf:li><rdf:li>Zo", b"&amp;" * 2000 + b"</rdf:li><rdf:li>Zo")
    content = encoded(photo(), "JPEG", xmp=xmp.replace(b"CC BY 4.0", b"&amp;" * 2000))
    made = thumbnail(content, 90, keep_copyright=True, format=kind)
    found = notice(made)
    assert found["dc:creator"] == [long[:1000], "Zoë Özil"]
    assert found["xmpRights:UsageTerms"] == [long[:1000]]


@pytest.mark.parametrize("options", [{}, {"trim": 0}])
def test_the_copyright_of_a_frame(options):
    first, *others = (Image.new("RGB", (40, 30), color) for color in ("red", "lime", "blue"))
    content = encoded(
        first, "WEBP", save_all=True, append_images=others, lossless=True, exif=exif(), xmp=XMP
    )
    made = thumbnail(content, 20, frame=2, keep_copyright=True, format="png", **options)
    assert notice(made) == FULL
    assert opened(made).convert("RGB").getpixel((10, 7)) == (0, 255, 0)
