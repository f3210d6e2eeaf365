"""A Debian of another release, or with other packages, in a folder: made once by debootstrap."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
COPIED = (
    "/etc/pip.conf",
    "/etc/xdg/pip",
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/ssl/certs/ca-certificates.crt",
)


class Missing(Exception):
    """What this machine lacks to do it; the message says what would help."""


def system(name: str, *, suite: str, packages: Sequence[str], mirror: str | None = None) -> Path:
    """The folder `.venv/<name>/<suite>`, made if it is not there. Raises Missing."""
    if os.geteuid() != 0:
        raise Missing("it takes root, for chroot.")
    for program in ("debootstrap", "unshare", "chroot"):
        if shutil.which(program) is None:
            raise Missing(f"there is no {program} (apt-get install debootstrap util-linux).")
    found = ROOT / ".venv" / name / suite
    if not found.exists():
        unfinished = found.with_suffix(".part")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        command = ["debootstrap", "--variant=minbase", f"--include={','.join(packages)}", suite]
        command += [str(unfinished), mirror or _mirror()]
        if subprocess.run(command, check=False).returncode != 0:
            raise Missing(f"debootstrap failed; its log is in {unfinished}/debootstrap.")
        unfinished.rename(found)
    return found


def copy_what_reaches_the_registries(target: Path) -> None:
    """How this machine fetches packages: pip's configuration, certificates, name servers."""
    own = [Path.home() / ".config" / "pip" / "pip.conf", Path.home() / ".pip" / "pip.conf"]
    named = [Path(value) for name, value in passed_on_variables() if Path(value).is_file()]
    for source in [*map(Path, COPIED), *own, *named]:
        copied = target / source.relative_to("/")
        if source.is_dir():
            shutil.copytree(source, copied, dirs_exist_ok=True)
        elif source.exists():
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copied)


def passed_on_variables() -> Iterator[tuple[str, str]]:
    """The variables that go with it: pip's, proxies, certificates."""
    for name, value in os.environ.items():
        upper = name.upper()
        if upper.startswith("PIP_") or upper.endswith(
            ("_PROXY", "_CERT", "CERT_FILE", "CERT_DIR", "CA_BUNDLE")
        ):
            yield name, value


def _mirror() -> str:
    """Where this machine's apt gets Debian from."""
    command = ["apt-get", "indextargets", "--format", "$(LABEL) $(REPO_URI)", "Created-By: Packages"]
    listed = (
        subprocess.run(command, capture_output=True, text=True, check=False)
        if shutil.which("apt-get")
        else None
    )
    for line in listed.stdout.splitlines() if listed else ():
        label, _, address = line.partition(" ")
        if label == "Debian":
            return address
    raise Missing("apt's sources name no Debian here (apt-get update, or --mirror URL).")
