"""Hosts that are network namespaces of this machine, on one bridge: to be killed, frozen and cut off."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.chaos.programs import Program, until

BRIDGE = "salonbr"
NETWORK = "10.77.0"
HERE = f"{NETWORK}.1"
"""This machine itself: whoever drives the run, and the mail server."""

GONE_SECONDS = 10.0
FORWARDING, DISABLED = "3", "0"
"""States of a port of a bridge: one that is disabled drops what comes, both ways, and tells nobody."""

IN_SYSTEM = """
mount --rbind /dev "$0/dev" && mount -t proc proc "$0/proc" && user=$1 && shift &&
exec chroot --userspec="$user" "$0" "$@"
"""


class Host:
    """One namespace with one address; `programs` are started again together after a kill."""

    def __init__(self, name: str, number: int, *, folder: Path) -> None:
        self.name = name
        self.address = f"{NETWORK}.{number}"
        self.folder = folder / name
        self.folder.mkdir()
        self.programs: list[Program] = []
        self._namespace = f"salon-{name}"
        self._port = f"salon{number}"

    def make(self) -> None:
        inside = ["ip", "-n", self._namespace]
        _do("ip", "netns", "add", self._namespace)
        _do("ip", "link", "add", self._port, "type", "veth", "peer", "name", "eth0", "netns", self._namespace)
        _do("ip", "link", "set", self._port, "master", BRIDGE, "up")
        _do(*inside, "address", "add", f"{self.address}/24", "dev", "eth0")
        _do(*inside, "link", "set", "eth0", "up")
        _do(*inside, "link", "set", "lo", "up")

    def add(
        self,
        name: str,
        *command: str,
        environment: Mapping[str, str],
        system: Path | None = None,
        user: str = "root",
    ) -> Program:
        """A program of this host: of this machine, or of the Debian in the folder `system`."""
        inside = ["ip", "netns", "exec", self._namespace]
        if system is not None:
            inside += ["unshare", "--mount", "sh", "-c", IN_SYSTEM, str(system), user]
        program = Program(name, [*inside, *command], environment=environment, log=self.folder / f"{name}.log")
        self.programs.append(program)
        return program

    def start(self) -> None:
        for program in self.programs:
            program.start()

    def kill(self) -> None:
        """-9 to everything that runs on it."""
        for _ in until(GONE_SECONDS, every=0.05):
            if not self._signal(signal.SIGKILL):
                break
        for program in self.programs:
            program.kill()

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def cut(self) -> None:
        """No packet reaches it or leaves it; nobody is told."""
        _do("bridge", "link", "set", "dev", self._port, "state", DISABLED)

    def heal(self) -> None:
        _do("bridge", "link", "set", "dev", self._port, "state", FORWARDING)

    def remove(self) -> None:
        self.kill()
        # The kernel takes a namespace apart in its own time, and its cable with it.
        for command in (["ip", "link", "delete", self._port], ["ip", "netns", "delete", self._namespace]):
            subprocess.run(command, check=False, stderr=subprocess.DEVNULL)

    def _signal(self, how: signal.Signals) -> int:
        """To how many processes it went. Only what runs in this namespace, which is ours."""
        found = subprocess.run(
            ["ip", "netns", "pids", self._namespace], capture_output=True, text=True, check=False
        ).stdout.split()
        for pid in map(int, found):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, how)
        return len(found)


class Network:
    """The bridge and its hosts; nothing of it stays."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.hosts: list[Host] = []

    def __enter__(self) -> Self:
        _do("ip", "link", "add", BRIDGE, "type", "bridge")
        _do("ip", "address", "add", f"{HERE}/24", "dev", BRIDGE)
        _do("ip", "link", "set", BRIDGE, "up")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for host in self.hosts:
            host.remove()
        _do("ip", "link", "delete", BRIDGE)

    def host(self, name: str, number: int) -> Host:
        host = Host(name, number, folder=self._folder)
        self.hosts.append(host)
        host.make()
        return host


def _do(*command: str) -> None:
    subprocess.run(command, check=True)
