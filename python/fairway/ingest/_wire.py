# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Messages between Fairway and its lowering worker: a JSON header and raw bytes.

One message is: length of the header and of the body as two little-endian 64-bit
integers, the header as UTF-8 JSON, the body.
"""

from __future__ import annotations

import json
import struct
from typing import IO, Any

__all__ = ["read_message", "write_message"]

_LENGTHS = struct.Struct("<QQ")


def write_message(stream: IO[bytes], header: dict[str, Any], body: bytes = b"") -> None:
    """Writes one message and flushes."""
    encoded = json.dumps(header).encode()
    stream.write(_LENGTHS.pack(len(encoded), len(body)))
    stream.write(encoded)
    stream.write(body)
    stream.flush()


def read_message(stream: IO[bytes]) -> tuple[dict[str, Any], bytes] | None:
    """Reads one message; `None` when the stream ends before it is complete."""
    lengths = stream.read(_LENGTHS.size)
    if len(lengths) < _LENGTHS.size:
        return None
    header_size, body_size = _LENGTHS.unpack(lengths)
    header, body = stream.read(header_size), stream.read(body_size)
    if len(header) < header_size or len(body) < body_size:
        return None
    return json.loads(header), body
