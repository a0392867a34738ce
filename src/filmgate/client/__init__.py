"""filmgate's own Python client: Client, AsyncClient and what they give. It runs no server.

flows      what is done: requests, answers, retries        blocking      performs it, sync
task       what comes back, as frozen values               asynchronous  performs it, async
"""

from __future__ import annotations

from filmgate.client.asynchronous import AsyncClient, AsyncTask
from filmgate.client.blocking import Client, Task
from filmgate.client.task import Film, Model, TaskError, TaskFacts
from filmgate.client.webhook import verify_webhook

__all__ = [
    "AsyncClient",
    "AsyncTask",
    "Client",
    "Film",
    "Model",
    "Task",
    "TaskError",
    "TaskFacts",
    "verify_webhook",
]
