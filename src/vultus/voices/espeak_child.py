"""The process in which espeak-ng runs: requests in, answers out, until its input ends.

Standard library only. Each request is a line of JSON on standard input; each answer on standard output is a line of
JSON and then as many bytes of sound (mono, 16 bit, little-endian) as that says. The library is loaded once, and every
request is answered by a fork that dies with it: espeak-ng's state would otherwise change how the same text sounds.
Where there is no fork (Windows) the process answers once. The structures are those of espeak-ng's ``speak_lib.h``,
version 1.50 and later.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from typing import Any

_RETRIEVAL, _PHONEME_EVENTS, _IPA = 2, 1, 2
_UTF8, _PHONEMES = 1, 0x100
_PHONEME, _END = 7, 0
_SPEED, _PITCH = 1, 3


class _Id(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int), ("unique", ctypes.c_uint), ("text", ctypes.c_int), ("length", ctypes.c_int),
        ("audio", ctypes.c_int), ("sample", ctypes.c_int), ("user", ctypes.c_void_p), ("id", _Id),
    )  # fmt: skip


class _Voice(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p), ("languages", ctypes.c_char_p), ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte), ("age", ctypes.c_ubyte), ("variant", ctypes.c_ubyte), ("x", ctypes.c_ubyte),
        ("score", ctypes.c_int), ("spare", ctypes.c_void_p),
    )  # fmt: skip


def main() -> int:
    """Answer the requests on standard input."""
    opened: tuple[Any, int] | dict[str, Any] | None = None
    for line in sys.stdin.buffer:
        asked = json.loads(line)
        opened = opened or _open(asked)
        if isinstance(opened, dict):
            answer, sound = opened, b""
        elif hasattr(os, "fork"):
            answer, sound = _apart(opened, asked)
        else:
            answer, sound = _answer(opened, asked)
        answer = {**answer, "bytes": len(sound), "worked": sum(os.times()[:4])}
        sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n" + sound)
        sys.stdout.buffer.flush()
        if not hasattr(os, "fork"):
            break
    return 0


def _apart(opened: tuple[Any, int], asked: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Answer in a fork of this process, which may crash or hang without harm."""
    source, sink = os.pipe()
    child = os.fork()
    if not child:
        signal.alarm(asked["seconds"])
        os.close(source)
        answer, sound = _answer(opened, asked)
        with os.fdopen(sink, "wb") as pipe:
            pipe.write(json.dumps(answer).encode() + b"\n" + sound)
        os._exit(0)
    os.close(sink)
    with os.fdopen(source, "rb") as pipe:
        head, _, sound = pipe.read().partition(b"\n")
    status = os.waitpid(child, 0)[1]
    if status:
        late = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM
        return {"error": f"it took longer than {asked['seconds']} s" if late else "it crashed"}, b""
    return json.loads(head), sound


def _open(asked: dict[str, Any]) -> tuple[Any, int] | dict[str, Any]:
    """The library, ready to speak, and its sampling rate; or what is wrong."""
    path = asked["library"]
    if not path:
        from ctypes.util import find_library  # slow, and mostly not needed

        path = find_library("espeak-ng") or ""
    try:
        library = ctypes.CDLL(path) if path else None
    except OSError:
        library = None
    if library is None:
        return {"error": "the library is not installed", "absent": True}
    library.espeak_Info.restype = ctypes.c_char_p
    library.espeak_Synth.argtypes = (
        ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int, ctypes.c_uint, ctypes.c_uint,
        ctypes.c_void_p, ctypes.c_void_p,
    )  # fmt: skip
    data = asked["data"].encode() or None
    rate = library.espeak_Initialize(_RETRIEVAL, 500, data, _PHONEME_EVENTS | _IPA)
    if rate <= 0:
        return {"error": "its data are not found", "absent": True}
    return library, rate


def _answer(opened: tuple[Any, int], asked: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    library, rate = opened
    return _list(library) if asked["do"] == "list" else _speak(library, rate, asked)


def _list(library: Any) -> tuple[dict[str, Any], bytes]:
    where = ctypes.c_char_p()
    version = library.espeak_Info(ctypes.byref(where)).decode()
    folder = os.path.join((where.value or b"").decode(), "voices", "!v")  # noqa: PTH118
    variants = [name for name in os.listdir(folder) if not name.startswith(".")] if os.path.isdir(folder) else []  # noqa: PTH208, PTH112
    return {"version": version, "languages": _files(library), "variants": sorted(variants)}, b""


def _files(library: Any) -> dict[str, str]:
    """The file of each language's voice: only by its file can a voice be asked for with a variant."""
    library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
    found, i = library.espeak_ListVoices(None), 0
    files: dict[str, str] = {}
    while found[i]:
        voice = found[i].contents
        # A priority, a name, "\0", and so on; voices of other engines (mbrola) need files that are not there.
        if not voice.identifier.startswith(b"mb"):
            files.setdefault(
                voice.languages[1:].decode("ascii", "replace"), voice.identifier.decode("utf-8", "replace")
            )
        i += 1
    return files


def _speak(library: Any, rate: int, asked: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    sound, events = bytearray(), list[tuple[int, str]]()

    def hear(samples: Any, count: int, event: Any) -> int:
        if samples and count > 0:
            sound.extend(ctypes.string_at(samples, 2 * count))
        i = 0
        while event[i].type != _END:
            if event[i].type == _PHONEME:
                name = bytes(event[i].id.string).split(b"\0")[0]
                events.append((event[i].sample, name.decode("utf-8", "ignore")))
            i += 1
        return 0

    # It seeds its breath with the time of day. From 1.52 on its chances are its own, before those of the C library.
    if hasattr(library, "espeak_ng_SetRandSeed"):
        library.espeak_ng_SetRandSeed(ctypes.c_long(1))
    ctypes.CDLL("ucrtbase" if sys.platform == "win32" else None).srand(1)
    kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(_Event))
    callback = kind(hear)
    library.espeak_SetSynthCallback(callback)
    if library.espeak_SetVoiceByName(asked["voice"].encode()) != 0:
        return {"error": f"it has no voice {asked['voice']}"}, b""
    library.espeak_SetParameter(_SPEED, asked["words"], 0)
    library.espeak_SetParameter(_PITCH, asked["pitch"], 0)
    text = asked["text"].encode("utf-8", "replace")
    flags = _UTF8 | (_PHONEMES if asked["phonemes"] else 0)
    if library.espeak_Synth(text, len(text) + 1, 0, 0, 0, flags, None, None) != 0:
        return {"error": "it refuses the text"}, b""
    return {"rate": rate, "events": events}, bytes(sound)


if __name__ == "__main__":
    sys.exit(main())
