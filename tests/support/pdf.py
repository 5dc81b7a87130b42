"""Small PDF documents, written by hand."""


def pdf(*pages, contents=None, trailer=b"", rotate=0):
    """Return a document whose pages have these sizes in points: blue on the left, red on the right.

    Args:
        pages: The width and the height of each page.
        contents: The drawing of each page; by default, its left half is blue and the rest red.
        trailer: More entries of the trailer.
        rotate: The clockwise rotation of the pages.
    """
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>"]
    kids = b" ".join(b"%d 0 R" % (3 + 2 * number) for number in range(len(pages)))
    objects.append(b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, len(pages)))
    for number, (width, height) in enumerate(pages):
        drawing = contents or (
            f"1 0 0 rg 0 0 {width} {height} re f 0 0 1 rg 0 0 {width / 2} {height} re f".encode()
        )
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %s %s] /Rotate %d /Contents %d 0 R >>"
            % (str(width).encode(), str(height).encode(), rotate, 4 + 2 * number)
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawing), drawing))
    body, places = b"%PDF-1.7\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return body + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R %s >>\n"
        b"startxref\n%d\n%%%%EOF\n"
    ) % (len(objects) + 1, table, len(objects) + 1, trailer, len(body))
