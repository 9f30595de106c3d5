"""AWS on this machine: moto, with what terraform's AWS provider needs and moto lacks (see emulator/).

The server lives as long as a `with` block, on a free port of the loopback interface, and knows nothing of an earlier
one. Everything that AWS clients read from the environment is set, and the server is their proxy too: names that begin
with an account's number reach it, and nothing reaches the real AWS.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.clouds.tools import HOME, needed

ROOT = Path(__file__).parents[2]
_PROVIDER = re.compile(r'^provider\s+"aws"', re.MULTILINE)
_CLIENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
}


def used_by(infrastructure: Path) -> bool:
    """Whether a configuration has the AWS provider."""
    return any(_PROVIDER.search(p.read_text(encoding="utf-8")) for p in infrastructure.rglob("*.tf"))


@contextmanager
def emulator(log: Path) -> Iterator[Mapping[str, str]]:
    """Gives the environment that a client needs to reach it; what the server says goes to `log`.

    Raises FileNotFoundError if moto is not installed, RuntimeError with the server's words if it does not start.
    """
    needed("moto")
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [str(HOME / "tools" / "bin" / "python"), "-B", "-m", "tests.clouds.emulator"]
    with log.open("w", encoding="utf-8") as errors:
        server = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, stdin=subprocess.DEVNULL, text=True
        )
    assert server.stdout is not None
    try:
        port = server.stdout.readline().strip()
        if not port:
            raise RuntimeError(f"The emulator did not start: {log.read_text(encoding='utf-8')[-2000:]}")
        here = f"http://127.0.0.1:{port}"
        yield {**_CLIENT, "AWS_ENDPOINT_URL": here, "HTTP_PROXY": here, "HTTPS_PROXY": here, "NO_PROXY": "127.0.0.1"}
    finally:
        server.terminate()
        server.wait(timeout=20)
