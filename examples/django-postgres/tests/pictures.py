from io import BytesIO

from PIL import Image


def picture(size=(1200, 800), colour="teal", kind="JPEG", **options):
    return encode(Image.new("RGB", size, colour), kind, **options)


def large_picture():
    """Some megabytes, since noise is hard to compress without loss."""
    return encode(Image.effect_noise((2400, 2400), 10), "PNG")


def encode(image, kind, **options):
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
