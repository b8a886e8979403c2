# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What recipes of revisions that have no release archive share: `fetch`."""

import re
import shutil
import subprocess
from pathlib import Path

from conan import ConanFile
from conan.errors import ConanException

required_conan_version = ">=2.0"

UPSTREAM = "https://github.com/"


class PinnedGitConan(ConanFile):
    name = "pinned-git"
    version = "1.0"
    description = "Fetches one revision of a git repository and proves that it is that one"
    license = "Apache-2.0 WITH LLVM-exception"
    package_type = "python-require"


def fetch(conanfile, folder, pin):
    """Puts the files of one revision into a folder, without their history.

    A commit's hash covers every file below it and the revisions of its submodules, so the pin
    itself says what must arrive. All objects are hashed again, and what was checked out is
    compared with them.

    Args:
        conanfile: The recipe that asks; its conf `user.fairway:git_mirror` is the address
            that stands in for https://github.com/.
        folder: Where the files go; what it held is removed.
        pin: An entry of conandata.yml: `repository` below the mirror, `revision` with all its
            40 digits and, if some are needed, the `submodules` by their folders.

    Raises:
        ConanException: The revision cannot be had, or what came is not it.
    """
    folder = Path(folder)
    revision, repository = str(pin["revision"]), pin["repository"]
    if not re.fullmatch("[0-9a-f]{40}", revision):
        raise ConanException(f"{repository}: '{revision}' is no full revision (40 hex digits)")
    mirror = conanfile.conf.get("user.fairway:git_mirror", default=UPSTREAM, check_type=str)
    mirror = mirror.rstrip("/") + "/"
    options = ["-c", "core.autocrlf=false"]
    if mirror != UPSTREAM:
        options += ["-c", f"url.{mirror}.insteadOf={UPSTREAM}"]
    if mirror.startswith("file://"):
        options += ["-c", "protocol.file.allow=always"]  # git refuses it for submodules otherwise

    def git(*arguments):
        try:
            done = subprocess.run(
                ["git", *options, "-C", str(folder), *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
            )
        except FileNotFoundError:
            raise ConanException(f"{repository}: git is not installed") from None
        if done.returncode:
            raise ConanException(f"git {arguments[0]}: {done.stderr.strip()[-1500:]}")
        return done.stdout

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    conanfile.output.info(f"fetching {repository} at {revision}")
    try:
        git("init", "--quiet")
        git("fetch", "--quiet", "--depth=1", f"{UPSTREAM}{repository}", revision)
    except ConanException as error:
        raise ConanException(
            f"{conanfile.ref}: revision {revision} of {repository} cannot be fetched from "
            f"{mirror}\n{error}\n"
            "Where that address cannot be reached, name one that has the repository:\n"
            "  -c user.fairway:git_mirror=ADDRESS   (ADDRESS replaces https://github.com, for "
            f"example file:///mirrors with a clone in /mirrors/{repository})"
        ) from None
    git("checkout", "--quiet", "--detach", "FETCH_HEAD")
    submodules = pin.get("submodules", [])
    if submodules:
        git("submodule", "--quiet", "update", "--init", "--depth=1", "--", *submodules)
    _check(git, repository, revision, submodules)
    for leftover in [folder / ".git", *(folder / name / ".git" for name in submodules)]:
        shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()


def _check(git, repository, revision, submodules):
    """Proves that the files are the pinned revision's."""
    found = git("rev-parse", "HEAD").strip()
    if found != revision:
        raise ConanException(f"{repository}: came as revision {found}, the pin says {revision}")
    for where in ([], *(["-C", name] for name in submodules)):
        git(*where, "fsck", "--full", "--no-dangling", "--no-progress")
    changed = git("status", "--porcelain", "--ignored").strip()
    if changed:
        raise ConanException(f"{repository}: files differ from revision {revision}:\n{changed}")
