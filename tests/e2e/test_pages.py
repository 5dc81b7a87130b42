"""The pages, as Chromium sees them."""

from __future__ import annotations

import base64

import pytest

# For each image of the page: what the browser chose, and the chosen file's own size.
MEASURE = """
async () => {
  for (const image of document.images) image.loading = "eager";
  return Promise.all([...document.images].map(async image => {
    await image.decode();
    const file = new Image();
    file.src = image.currentSrc;
    await file.decode();
    const candidates = Object.fromEntries(image.srcset.split(", ").map(candidate => {
      const [url, descriptor] = candidate.trim().split(" ");
      return [new URL(url, document.baseURI).href, descriptor];
    }));
    return {
      alt: image.alt,
      complete: image.complete,
      descriptor: candidates[image.currentSrc],
      shown: image.clientWidth,
      attributes: [Number(image.getAttribute("width")), Number(image.getAttribute("height"))],
      natural: [image.naturalWidth, image.naturalHeight],
      file: [file.naturalWidth, file.naturalHeight],
    };
  }));
}
"""

# The mean difference, 0 to 255, between a picture on the page and another, and the same
# with the other one upside down, both seen at 32 by 48 pixels.
COMPARE = """
async ([alt, url]) => {
  const pixels = (image, flip) => {
    const context = new OffscreenCanvas(32, 48).getContext("2d");
    context.imageSmoothingQuality = "high";
    if (flip) context.setTransform(-1, 0, 0, -1, 32, 48);
    context.drawImage(image, 0, 0, 32, 48);
    return context.getImageData(0, 0, 32, 48).data;
  };
  const difference = (a, b) => a.reduce((sum, v, i) => sum + Math.abs(v - b[i]), 0) / a.length;
  const shown = document.querySelector(`img[alt="${alt}"]`);
  const original = new Image();
  original.src = url;
  await Promise.all([shown.decode(), original.decode()]);
  return [false, true].map(flip => difference(pixels(shown, false), pixels(original, flip)));
}
"""


@pytest.mark.parametrize("dpr", [1, 2])
@pytest.mark.parametrize("path", ["/", "/photo/1", "/photo/2", "/photo/4"])
def test_every_thumbnail_has_loaded_at_its_natural_size(site, new_context, path, dpr):
    page = new_context(device_scale_factor=dpr, viewport={"width": 1280, "height": 900}).new_page()
    failures, messages, answers = [], [], []
    page.on("requestfailed", lambda request: failures.append(request.url))
    page.on("console", lambda message: messages.append(message.text))
    page.on("response", lambda a: answers.append((a.url, a.status, a.headers)))
    page.goto(path)
    images = page.evaluate(MEASURE)

    assert (failures, messages) == ([], [])
    assert {status for _, status, _ in answers} == {200}
    types = {headers["content-type"] for url, _, headers in answers if "/t/" in url}
    assert types <= {"image/jpeg", "image/png", "image/webp"}
    assert len(images) >= 9
    for image in images:
        width, height = image["file"]
        assert image["complete"]
        if image["descriptor"].endswith("w"):
            assert image["descriptor"] == f"{width}w", image
        else:
            assert image["descriptor"] == f"{dpr}x", image
            assert width == image["attributes"][0] * dpr, image
        ratio = image["attributes"][0] / image["attributes"][1]
        assert height == pytest.approx(width / ratio, abs=1), image
        assert min(image["natural"]) > 0
        sharp_enough = min(image["shown"] * dpr * 0.9, image["attributes"][0])
        assert width >= sharp_enough, image


def test_a_dense_screen_gets_larger_files(site, new_context):
    chosen = {}
    for dpr in (1, 2):
        page = new_context(device_scale_factor=dpr).new_page()
        page.goto("/")
        chosen[dpr] = sum(image["file"][0] for image in page.evaluate(MEASURE))
    assert chosen[2] > 1.3 * chosen[1]


def test_a_photo_with_an_exif_orientation_stands_upright(site, new_context):
    original = (site.directory / "photos" / "puppies.jpg").read_bytes()
    page = new_context().new_page()
    page.goto("/photo/2")
    # Chromium itself turns the original by its EXIF orientation.
    url = "data:image/jpeg;base64," + base64.b64encode(original).decode()
    upright, upside_down = page.evaluate(COMPARE, ["Puppies", url])
    assert upright < 5
    assert upside_down > 20


def test_alpha_stays_transparent(site, new_context):
    page = new_context().new_page()
    page.goto("/photo/4")
    corner, centre = page.evaluate(
        """async () => {
          const image = document.querySelector('img[alt="Half a fig"]');
          await image.decode();
          const context = new OffscreenCanvas(100, 100).getContext("2d");
          context.drawImage(image, 0, 0, 100, 100);
          return [[0, 0], [50, 50]].map(([x, y]) => context.getImageData(x, y, 1, 1).data[3]);
        }"""
    )
    assert (corner, centre) == (0, 255)
