"""Serves moto, with the patches of this folder, on a free port of the loopback interface; prints the port.

python -m tests.clouds.emulator        (with a Python that has moto)
"""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path

os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"  # moto reads it when it is imported

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from tests.clouds.emulator.answers import Application


def main() -> None:
    for patches in sorted(Path(__file__).parent.glob("[a-z]*.py")):
        import_module(f"tests.clouds.emulator.{patches.stem}")
    application = Application(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, application, threaded=True)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
