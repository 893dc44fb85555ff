"""A static file, and how browsers are to take it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from hashlib import md5
from mimetypes import MimeTypes
from pathlib import Path

HASHED = "public, max-age=31536000, immutable"
OTHER = "public, max-age=60"

TYPES = {
    ".avif": "image/avif",
    ".ico": "image/x-icon",
    ".js": "text/javascript",
    ".json": "application/json",
    ".map": "application/json",
    ".md": "text/markdown",
    ".mjs": "text/javascript",
    ".otf": "font/otf",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".xml": "application/xml",
}
"""What Python's own table has in some releases only, or otherwise."""

BYTES = "application/octet-stream"

# Not those of the system: the same files have the same types on every image.
TABLE = MimeTypes(filenames=())


@dataclass(frozen=True)
class StaticFile:
    """A file as the bucket is to have it."""

    name: str
    path: Path
    is_hashed: bool
    """Whether another content would have another name."""

    @cached_property
    def etag(self) -> str:
        """What the bucket says of an object with this content."""
        return md5(self.path.read_bytes(), usedforsecurity=False).hexdigest()

    @property
    def cache_control(self) -> str:
        return HASHED if self.is_hashed else OTHER

    @property
    def content_type(self) -> str:
        extension = Path(self.name).suffix.lower()
        guessed, encoding = TABLE.guess_type(self.name)
        kind = TYPES.get(extension) or (not encoding and guessed) or BYTES
        return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
