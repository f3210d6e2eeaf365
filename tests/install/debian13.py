"""`make test-debian13`: installs and tests this work tree under Debian 13 and its Python 3.13, on SQLite.

    python -m tests.install.debian13 [--suite trixie] [--mirror URL] [arguments of tests.run]

Debootstrap makes the system once, in `.venv/debian13/`, from the mirror of this machine's own Debian. In
it run `make test` on a copy of the work tree, uncommitted changes and all. How packages are fetched (pip's
configuration, certificates, proxies, name servers) is taken from this machine as it is at that moment.
Mounts and processes are in namespaces of their own and go with the run, however it ends. Needs root.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from tests.install.debootstrap import (
    ROOT,
    Missing,
    copy_what_reaches_the_registries,
    passed_on_variables,
    system,
)

PACKAGES = ("python3", "python3-venv", "make", "git", "curl", "ca-certificates")
INSIDE = "srv/bookings"
ENTER = """
mount --rbind /dev "$0/dev" && mount -t proc proc "$0/proc" &&
exec chroot "$0" /bin/sh -c 'cd "$0" && python3 --version && exec make test' "$1"
"""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--suite", default="trixie")
    parser.add_argument("--mirror", help="where Debian comes from, if not from where apt's sources say")
    chosen, passed_on = parser.parse_known_args(arguments)
    try:
        made = system("debian13", suite=chosen.suite, packages=PACKAGES, mirror=chosen.mirror)
    except Missing as missing:
        border = "!" * 100
        print(
            f"{border}\n!!! Nothing was run under Debian {chosen.suite}: {missing}\n{border}", file=sys.stderr
        )
        return 1
    copy_what_reaches_the_registries(made)
    _copy_work_tree(made / INSIDE)
    return _run(made, shlex.join(["--only", "sqlite", *passed_on]))


def _copy_work_tree(target: Path) -> None:
    """Every file that git tracks or would: a clone with the changes of the day."""
    shutil.rmtree(target, ignore_errors=True)
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)


def _run(made: Path, arguments: str) -> int:
    """`make test` in there; the status it ended with."""
    environment = dict(passed_on_variables())
    environment |= {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "PIP_CACHE_DIR": "/var/cache/pip",
    }
    environment |= {name: os.environ[name] for name in ("REQUIRE_ALL", "TERM") if name in os.environ}
    environment["ARGS"] = arguments
    enter = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "/bin/sh", "-c"]
    enter += [ENTER, str(made), "/" + INSIDE]
    print(f"=== make test ARGS='{arguments}' in {made}", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with subprocess.Popen(enter, env=environment) as running:
        try:
            return running.wait()
        finally:
            running.kill()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
