"""Makes a small picture of a large one."""

from io import BytesIO

from PIL import Image, ImageOps

SIZE = (480, 480)
FORMATS = ["JPEG", "PNG", "WEBP"]
MAX_PIXELS = 50_000_000
"""In memory each takes four bytes, and there are copies while it is turned."""


class Unreadable(Exception):
    """No thumbnail can be made of these bytes, however often it is tried."""


def make_thumbnail(data):
    """The middle of a picture, upright, as WebP."""
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise Unreadable(f"{image.width} by {image.height} pixels are too many.")
            return encode(ImageOps.fit(ImageOps.exif_transpose(image).convert("RGBA"), SIZE))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        # What Pillow raises for files that are cut off or were never pictures.
        raise Unreadable("This file is not a picture, or only a part of one.") from error


def encode(image):
    buffer = BytesIO()
    image.save(buffer, "WEBP", quality=80)
    return buffer.getvalue()
