"""The hosts of one salon on more than one machine, as deploy/ describes them (contract §12 "proof")."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import psycopg
import yaml

from tests.chaos.house import environment
from tests.chaos.programs import until
from tests.cluster.network import HERE, Host, Network
from tests.install.debootstrap import ROOT

PACKAGES = (
    *("python3", "ca-certificates", "postgresql", "patroni", "etcd-server", "haproxy"),
    *("redis-server", "redis-sentinel"),
)
DEPLOY = ROOT / "deploy"
DATA, WEB, WORKERS = (11, 12, 13), (31, 32), (41, 42)
PROXY = 21
PASSWORD = "only-for-cluster-runs"
START_SECONDS = 180.0
NOTHING_ELSE = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}


class Cluster:
    """Three data, two web and two worker hosts, and a proxy. `system`: the Debian of what is not ours."""

    def __init__(self, network: Network, *, system: Path, folder: Path, mail: str) -> None:
        self._system = system
        self._folder = folder
        self.data = [network.host(f"data{place}", number) for place, number in enumerate(DATA, 1)]
        self.web = [network.host(f"web{place}", number) for place, number in enumerate(WEB, 1)]
        self.workers = [network.host(f"work{place}", number) for place, number in enumerate(WORKERS, 1)]
        self.proxy = network.host("proxy", PROXY)
        hosts = ",".join(f"{each.address}:5432" for each in self.data)
        sentinels = ",".join(f"{each.address}:26379" for each in self.data)
        self.database_url = f"postgres://bookings:{PASSWORD}@{hosts}/bookings"
        self.variables = environment(
            DATABASE_URL=self.database_url,
            DATABASE_REPLICA_URL=self.database_url,
            BROKER_URL=f"sentinel://{sentinels}/salon/0",
            EMAIL_URL=mail,
            PUBLIC_URL=f"http://{self.proxy.address}",
            TRUSTED_PROXIES="1",
            JOB_LEASE_SECONDS="20",
            WEB_CONCURRENCY="2",
        )

    def start(self) -> None:
        """All of it, the database migrated. Raises TimeoutError."""
        self._etcd()
        for host in self.data:
            self._patroni(host)
            self._redis(host)
        self._haproxy()
        for host in self.data:
            host.start()
        self._wait_for_writer()
        self._make_database()
        for host in self.data:
            file, url = str(host.folder / "witness.jsonl"), self._as_superuser(host)
            command = (sys.executable, "-m", "tests.cluster.witness", file, url)
            host.add("witness", *command, environment=NOTHING_ELSE).start()
        for number, host in enumerate([*self.web, *self.workers]):
            self._ours(host, number)
            host.start()
        self.proxy.start()
        self.wait_for_web()

    def writer(self) -> str:
        """The data host that takes writes; "" while there is none that says so."""
        for host in self.data:
            if self._takes_writes(host):
                return host.name
        return ""

    def is_whole(self) -> bool:
        """Whether one data host writes, two follow it, one of them in step, and all web hosts are ready."""
        return not self.missing()

    def missing(self) -> str:
        """What of that is not so, in words; "" where nothing is."""
        name = self.writer()
        writer = next((each for each in self.data if each.name == name), None)
        if writer is None:
            return "no data host takes writes"
        for host in self.web:
            if why := _refusal(f"http://{host.address}:8000/readyz"):
                return f"{host.name} is not ready: {why}"
        try:
            with psycopg.connect(self._as_superuser(writer), connect_timeout=2) as wire:
                found = wire.execute("SELECT state, sync_state FROM pg_stat_replication").fetchall()
        except psycopg.Error as error:
            return f"{name}: {error}"
        follow = [state for state, _ in found] == ["streaming"] * 2
        return "" if follow and any(sync == "sync" for _, sync in found) else f"{name} is followed by {found}"

    def wait_for_web(self) -> None:
        for _ in until(START_SECONDS, every=0.5):
            if not any(_refusal(f"http://{each.address}:8000/readyz") for each in self.web):
                return
        raise TimeoutError("the web hosts did not become ready; look at their logs")

    def _takes_writes(self, host: Host) -> bool:
        try:
            with psycopg.connect(self._as_superuser(host), connect_timeout=2) as wire:
                (stands_by,) = wire.execute("SELECT pg_is_in_recovery()").fetchone() or (True,)
                return not stands_by
        except psycopg.Error:
            return False

    def _as_superuser(self, host: Host) -> str:
        return f"postgres://postgres:{PASSWORD}@{host.address}:5432/postgres"

    def _wait_for_writer(self) -> None:
        for _ in until(START_SECONDS, every=0.5):
            if self.writer():
                return
        raise TimeoutError("no data host took writes; look at patroni's logs")

    def _make_database(self) -> None:
        hosts = ",".join(each.address for each in self.data)
        url = f"postgres://postgres:{PASSWORD}@{hosts}/postgres?target_session_attrs=read-write"
        with psycopg.connect(url, autocommit=True) as wire:
            wire.execute(f"CREATE ROLE bookings LOGIN PASSWORD '{PASSWORD}'".encode())
            wire.execute("CREATE DATABASE bookings OWNER bookings")
            wire.execute("CREATE TABLE witness (at timestamptz)")
        with psycopg.connect(url.replace("/postgres?", "/bookings?"), autocommit=True) as wire:
            for name in ("btree_gist", "pg_trgm"):
                wire.execute(f"CREATE EXTENSION IF NOT EXISTS {name}".encode())
        self.manage("migrate", "-v", "0")
        self.manage("createcachetable")

    def manage(self, *command: str) -> None:
        subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=ROOT,
            env={**self.variables, "DATA_DIR": str(self._folder / "manage")},
            check=True,
        )

    def fill(self, **wanted: Any) -> dict[str, Any]:
        done = subprocess.run(
            [sys.executable, "-m", "tests.chaos.fill", json.dumps(wanted)],
            cwd=ROOT,
            env={**self.variables, "DATA_DIR": str(self._folder / "manage")},
            check=True,
            stdout=subprocess.PIPE,
        )
        made: dict[str, Any] = json.loads(done.stdout)
        return made

    def _etcd(self) -> None:
        members = ",".join(f"{each.name}=http://{each.address}:2380" for each in self.data)
        for host in self.data:
            host.add(
                "etcd",
                "etcd",
                *("--name", host.name, "--data-dir", self._inside(host, "etcd", owner="postgres")),
                *("--listen-peer-urls", f"http://{host.address}:2380"),
                *("--initial-advertise-peer-urls", f"http://{host.address}:2380"),
                *("--listen-client-urls", f"http://{host.address}:2379"),
                *("--advertise-client-urls", f"http://{host.address}:2379"),
                *("--initial-cluster", members, "--initial-cluster-state", "new"),
                environment=NOTHING_ELSE,
                system=self._system,
                user="postgres",
            )

    def _patroni(self, host: Host) -> None:
        text = (DEPLOY / "patroni.yml").read_text().replace("change-me", PASSWORD)
        settings = yaml.safe_load(text)
        settings["name"] = host.name
        for place in ("restapi", "postgresql"):
            for key in ("listen", "connect_address"):
                settings[place][key] = settings[place][key].replace("10.77.0.11", host.address)
        settings["postgresql"]["data_dir"] = f"{self._inside(host, 'pg', owner='postgres')}/data"
        settings["postgresql"]["pgpass"] = f"{self._inside(host, 'pgpass', owner='postgres')}/file"
        settings["postgresql"]["parameters"]["unix_socket_directories"] = self._inside(
            host, "socket", owner="postgres"
        )
        file = f"{self._inside(host, 'patroni', owner='postgres')}/patroni.yml"
        (self._system / file.lstrip("/")).write_text(yaml.safe_dump(settings))
        host.add("patroni", "patroni", file, environment=NOTHING_ELSE, system=self._system, user="postgres")

    def _redis(self, host: Host) -> None:
        folder = self._inside(host, "redis", owner="redis")
        first = self.data[0].address
        follows = [] if host.address == first else ["--replicaof", first, "6379"]
        host.add(
            "redis",
            *(
                "redis-server",
                "--bind",
                host.address,
                "--protected-mode",
                "no",
                "--dir",
                folder,
                "--save",
                "",
            ),
            *follows,
            environment=NOTHING_ELSE,
            system=self._system,
            user="redis",
        )
        text = (
            DEPLOY / "sentinel.conf"
        ).read_text() + f"bind {host.address}\nprotected-mode no\ndir {folder}\n"
        config = self._system / folder.lstrip("/") / "sentinel.conf"
        config.write_text(text)
        shutil.chown(config, *_ids(self._system, "redis"))
        host.add(
            "sentinel",
            *("redis-sentinel", f"{folder}/sentinel.conf"),
            environment=NOTHING_ELSE,
            system=self._system,
            user="redis",
        )

    def _haproxy(self) -> None:
        file = f"{self._inside(self.proxy, 'haproxy', owner='root')}/haproxy.cfg"
        shutil.copy(DEPLOY / "haproxy.cfg", self._system / file.lstrip("/"))
        self.proxy.add("haproxy", "haproxy", "-db", "-f", file, environment=NOTHING_ELSE, system=self._system)

    def _ours(self, host: Host, number: int) -> None:
        variables = {**self.variables, "DATA_DIR": str(host.folder / "data"), "HOST": host.address}
        variables |= {"PORT": "8000", "ALLOWED_HOSTS": f"{self.proxy.address},{host.address}"}
        python = (sys.executable, "-m")
        if host in self.web:
            host.add(
                "web", *python, "gunicorn", "-c", "config/gunicorn.py", "config.wsgi", environment=variables
            )
            return
        flags = ("--without-gossip", "--without-mingle", "-l", "INFO", "-n", f"{host.name}@here")
        host.add(
            "worker",
            *python,
            "celery",
            "-q",
            "-A",
            "config",
            "worker",
            "-c",
            "4",
            *flags,
            environment=variables,
        )
        host.add("beat", *python, "celery", "-q", "-A", "config", "beat", "-l", "INFO", environment=variables)

    def _inside(self, host: Host, name: str, *, owner: str) -> str:
        """A fresh folder of this host's in the other Debian, as its programs see it."""
        path = f"/srv/cluster/{host.name}/{name}"
        outside = self._system / path.lstrip("/")
        shutil.rmtree(outside, ignore_errors=True)
        outside.mkdir(parents=True)
        outside.chmod(0o700)
        shutil.chown(outside, *_ids(self._system, owner))
        return path


def _ids(system: Path, user: str) -> tuple[int, int]:
    """User and group of a name of that Debian's, by their numbers."""
    for line in (system / "etc" / "passwd").read_text().splitlines():
        fields = line.split(":")
        if fields[0] == user:
            return int(fields[2]), int(fields[3])
    raise LookupError(user)


def _refusal(url: str) -> str:
    """What it says instead of 200; "" where it says that."""
    try:
        with urllib.request.urlopen(url, timeout=3):
            return ""
    except urllib.error.HTTPError as refused:
        return refused.read().decode(errors="replace")[:600]
    except OSError as error:
        return str(error)


def mail_url(port: int) -> str:
    return f"smtp://{HERE}:{port}"
