"""Messages as bytes on the pipe: msgpack with a 4-byte length before it."""

import struct

import msgspec

from urial_tui.engine.protocol.events import AnyEvent, Event
from urial_tui.engine.protocol.requests import AnyRequest, Request

MAX_FRAME = 256 * 1024 * 1024
"""Longest accepted message in bytes; a longer one means that the two ends are out of step."""

_request_encoder = msgspec.msgpack.Encoder()
_request_decoder: msgspec.msgpack.Decoder[AnyRequest] = msgspec.msgpack.Decoder(AnyRequest)
_event_decoder: msgspec.msgpack.Decoder[AnyEvent] = msgspec.msgpack.Decoder(AnyEvent)


def frame(message: Request | Event) -> bytes:
    """The message as it goes on the pipe."""
    body = _request_encoder.encode(message)
    return struct.pack("<I", len(body)) + body


def read_length(header: bytes) -> int:
    """Body length from the 4 header bytes. Raises ValueError when it cannot be right."""
    (length,) = struct.unpack("<I", header)
    if length > MAX_FRAME:
        raise ValueError(f"a message of {length} bytes is not possible")
    return int(length)


def decode_request(body: bytes) -> AnyRequest:
    return _request_decoder.decode(body)


def decode_event(body: bytes) -> AnyEvent:
    return _event_decoder.decode(body)
