"""SVG files for the tests."""

import base64

from PIL import Image

from tests.support.thumbnail_images import encoded

HEAD = (
    "<svg xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink' "
    "width='{width}' height='{height}'>"
)

RED = "<rect width='100%' height='100%' fill='red'/>"


def svg(content, width=20, height=10):
    """Return an SVG file with these elements."""
    return (HEAD.format(width=width, height=height) + content + "</svg>").encode()


def data_uri(content, kind="image/png"):
    """Return a `data:` URI."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def drawing():
    """Return a file with most kinds of elements."""
    photo = data_uri(encoded(Image.new("RGB", (4, 4), "blue"), "PNG"))
    return svg(
        "<style>.a { fill: url(#g); stroke: #124 } #u > rect { opacity: .5 }</style>"
        "<defs><linearGradient id='g'><stop stop-color='#f80'/><stop offset='1'/></linearGradient>"
        "<pattern id='p' width='3' height='3' patternUnits='userSpaceOnUse'>"
        "<circle r='1'/></pattern><clipPath id='c'><circle cx='9' cy='5' r='4'/></clipPath>"
        "<mask id='m'><rect width='9' height='9' fill='#888'/></mask>"
        "<filter id='f'><feGaussianBlur stdDeviation='1'/><feOffset dx='1'/></filter>"
        "<marker id='k' markerWidth='2' markerHeight='2'><circle r='1'/></marker></defs>"
        "<path class='a' marker-mid='url(#k)' stroke-dasharray='2 1' d='M1 1C2 3 4 5 6 7L9 9z'/>"
        "<g id='u' clip-path='url(#c)'><rect width='8' height='6' fill='url(#p)'/></g>"
        "<use href='#u' transform='rotate(20)'/><text x='3' y='9' font-size='6'>Ab<tspan>c</tspan>"
        "</text><rect width='5' height='5' mask='url(#m)' filter='url(#f)'/>"
        f"<image href='{photo}' x='12' width='8' height='8'/>"
    )
