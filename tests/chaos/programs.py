"""Processes of a fault run: started in groups of their own, ended by their own id, gone with the run."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from config.processes import end_with_parent

ROOT = Path(__file__).resolve().parent.parent.parent
END_SECONDS = 40.0


class Program:
    """One command in a process group of its own; `start` and `kill` may alternate.

    To be started from the main thread only: the kernel ends it when the thread that started it ends.
    """

    def __init__(
        self,
        name: str,
        command: list[str],
        *,
        environment: Mapping[str, str],
        log: Path,
        folder: Path = ROOT,
    ) -> None:
        self.name = name
        self.log = log
        self._command, self._folder = command, folder
        self._environment = dict(environment)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        if self._process is None:
            raise ProcessLookupError(f"{self.name} is not running")
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                cwd=self._folder,
                start_new_session=True,
                preexec_fn=_end_with_us,
            )

    def kill(self) -> None:
        """-9 to the whole group."""
        if self._process is not None:
            self._signal(signal.SIGKILL)
            self._process.wait()

    def end(self) -> int | None:
        """SIGTERM, and -9 when it has not gone after END_SECONDS. Its status."""
        if self._process is None:
            return None
        if self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(END_SECONDS)
        status = self._process.poll()
        self.kill()
        return status

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def children(self) -> list[int]:
        """The process ids of its direct children (Linux)."""
        found = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [int(each) for each in found.split()]

    def said(self, *words: str) -> list[str]:
        """The lines of its log with any of these words."""
        if not self.log.exists():
            return []
        lines = self.log.read_text(errors="replace").splitlines()
        return [line for line in lines if any(word in line for word in words)]

    def _signal(self, how: signal.Signals) -> None:
        # The group is ours alone (start_new_session) and may already be gone.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, how)


def threads_of(pid: int) -> int:
    """How many threads a process has; 0 when it is gone."""
    try:
        return len(os.listdir(f"/proc/{pid}/task"))
    except FileNotFoundError:
        return 0


def processor_seconds(pids: list[int]) -> float:
    """What these processes have used of the processor so far; those that are gone count nothing."""
    total = 0
    for pid in pids:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def kill_child(pid: int) -> bool:
    """-9 to one child of a program of ours; False when it had gone."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def until(seconds: float, every: float = 0.1) -> Iterator[float]:
    """Yields the seconds passed until that many have: the bound of every wait here."""
    began = time.monotonic()
    while (passed := time.monotonic() - began) < seconds:
        yield passed
        time.sleep(every)


def _end_with_us() -> None:
    end_with_parent(signal.SIGKILL)
