# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Cuts this process and its children off the network, for good."""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
from pathlib import Path

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 0x1

# Where namespaces are not permitted: what asks through a proxy is refused at once.
REFUSING_PROXY: dict[str, str] = dict.fromkeys(
    ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"),
    "http://127.0.0.1:9",  # the port of "discard", which nobody serves
)


def cut_network() -> bool:
    """Moves this process to a network namespace that has nothing but a loopback of its own.

    Call it before any thread is started.

    Returns:
        Whether the system permits that; if not, only proxies are set, which pip, uv and Conan
        heed.
    """
    os.environ.update(REFUSING_PROXY)
    os.environ.pop("no_proxy", None)
    os.environ.pop("NO_PROXY", None)
    user, group = os.geteuid(), os.getegid()
    unshare = ctypes.CDLL(None, use_errno=True).unshare
    if unshare(_CLONE_NEWNET):
        if unshare(_CLONE_NEWUSER | _CLONE_NEWNET):
            return False
        # Stay who we are: the files that are written belong to the same user as ever.
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    _raise_loopback()
    return True


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sh14x", b"lo", 0)
        answer = fcntl.ioctl(control, _SIOCGIFFLAGS, request)
        (flags,) = struct.unpack_from("h", answer, 16)
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | _IFF_UP))
