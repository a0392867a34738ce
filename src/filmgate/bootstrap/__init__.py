"""Floor 5. Decides which adapter stands behind which port, and what runs in which process.

    server      serve: the supervisor: database, migrations, first keys, and the processes below
    processes   run_gateway: HTTP          run_worker: the queue          run_studio: its child
    text_encoder  run_text_encoder: the prompts of all workers of a machine
    operator    what commands that need no HTTP give to verbs
    adapters    the adapter behind every port

Imports stand inside the functions, so that each process loads only what it needs.
"""

from filmgate.bootstrap.adapters import (
    build_deps,
    data_path,
    default_data_folder,
    load_engine,
    routes_in_force,
    signing_credential,
)
from filmgate.bootstrap.operator import operator
from filmgate.bootstrap.process import silent_logs, worker_name
from filmgate.bootstrap.processes import run_gateway, run_studio, run_worker
from filmgate.bootstrap.server import serve
from filmgate.bootstrap.text_encoder import run_text_encoder

__all__ = [
    "build_deps",
    "data_path",
    "default_data_folder",
    "load_engine",
    "operator",
    "routes_in_force",
    "run_gateway",
    "run_studio",
    "run_text_encoder",
    "run_worker",
    "serve",
    "signing_credential",
    "silent_logs",
    "worker_name",
]
