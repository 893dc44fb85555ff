"""The ways in which a container connects: by what libpq reads, or by a DATABASE_URL without password.
To a server that takes encrypted connections only, as a cluster's may, and to the local one.
"""

import os
import pathlib
import subprocess
import sys
from urllib.parse import quote

import pytest
import trustme

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[2]
CACHE = ROOT / "node_modules" / ".cache" / "local-cloud"
VERSION = "18"

# As in _database.ts.
DATABASE = 'shop "2"'
USER = "shop-owner"
PASSWORD = 'it\'s "secret" \\ here'

DRIVERS = ["psycopg", "psycopg2"]
URLS = ["dj-database-url", "django-environ"]
every_way = pytest.mark.parametrize("way", [*DRIVERS, *URLS])


class Server:
    """A local PostgreSQL with its data in a folder."""

    def __init__(self, directory: pathlib.Path) -> None:
        command = ["node", "run.mjs", "test/local-cloud/postgres/_serve.ts"]
        self.process = subprocess.Popen(
            [*command, CACHE, VERSION, directory], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        self.port = self.process.stdout.readline().strip()
        if not self.port and not os.environ.get("CI"):
            # A laptop may have no PostgreSQL and no network; in CI it is an error.
            pytest.skip(f"PostgreSQL {VERSION} is neither on this machine nor could it be fetched")
        assert self.port, f"PostgreSQL {VERSION} did not start, and this is CI."

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("local") / "postgres")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def ca(authority, tmp_path_factory):
    file = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(file)
    return str(file)


@pytest.fixture(scope="module")
def encrypted(authority, tmp_path_factory):
    """The same with TLS, and with nothing else."""
    directory = tmp_path_factory.mktemp("encrypted") / "postgres"
    Server(directory).stop()
    certificate = authority.issue_cert("localhost")
    certificate.cert_chain_pems[0].write_to_path(directory / "server.crt")
    certificate.private_key_pem.write_to_path(directory / "server.key")
    (directory / "server.key").chmod(0o600)
    with (directory / "postgresql.conf").open("a") as settings:
        settings.write("ssl = on\n")
    (directory / "pg_hba.conf").write_text("hostssl all all 127.0.0.1/32 scram-sha-256\n")
    server = Server(directory)
    yield server
    server.stop()


def ask(way: str, server: Server, host: str = "localhost", **more: str) -> str:
    """What the server says, or the last line of the client's error."""
    environment = {"PGPASSWORD": PASSWORD, **more}
    if way in DRIVERS:
        environment |= {"PGHOST": host, "PGPORT": server.port}
        environment |= {"PGUSER": USER, "PGDATABASE": DATABASE}
    else:
        path = f"{USER}@{host}:{server.port}/{quote(DATABASE)}"
        environment["DATABASE_URL"] = f"postgresql://{path}"
    result = subprocess.run(
        [sys.executable, HERE / "ask.py", way],
        env={"HOME": str(HERE), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return result.stdout.strip() or result.stderr.strip().splitlines()[-1]


@every_way
def test_local(way, local):
    assert ask(way, local) == f"{USER} False"


@every_way
def test_encrypted(way, encrypted):
    assert ask(way, encrypted, PGSSLMODE="require") == f"{USER} True"


@every_way
def test_encrypted_and_verified(way, encrypted, ca):
    assert ask(way, encrypted, PGSSLMODE="verify-full", PGSSLROOTCERT=ca) == f"{USER} True"


@every_way
def test_not_encrypted(way, encrypted):
    assert "no encryption" in ask(way, encrypted, PGSSLMODE="disable")


@every_way
def test_of_another_authority(way, encrypted, tmp_path):
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    answer = ask(way, encrypted, PGSSLMODE="verify-full", PGSSLROOTCERT=str(tmp_path / "ca.pem"))
    assert "certificate verify failed" in answer


@every_way
def test_of_another_name(way, encrypted, ca):
    answer = ask(way, encrypted, "127.0.0.1", PGSSLMODE="verify-full", PGSSLROOTCERT=ca)
    assert 'does not match host name "127.0.0.1"' in answer
