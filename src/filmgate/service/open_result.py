"""Find a file that a task made, for its owner: the film or one of its stills. A key is the
permission here; signed links are service/open_file.py's.
"""

from __future__ import annotations

from filmgate.domain.api_key import ApiKey
from filmgate.domain.errors import FileGone, FileNotFound
from filmgate.domain.task import Status
from filmgate.service.deps import Deps
from filmgate.service.open_file import OpenFile
from filmgate.service.read_task import own_task


async def open_result(task_id: str, *, name: str | None, key: ApiKey, deps: Deps) -> OpenFile:
    """Return the film, or with a name such as THUMBNAIL the file of that name beside it.

    Raises InvalidTaskId, FileNotFound while there is no such file, FileGone when its time is over.
    """
    task = await own_task(task_id, key=key, deps=deps)
    if task.status is not Status.COMPLETED or task.result_key is None:
        state = "has no video" if task.is_final else "is not ready yet"
        raise FileNotFound(f"{task.id} {state}: it is {task.status}")
    gone = FileGone(f"the files of {task.id} have expired; make the video again")
    now = deps.clock.now()
    if task.expires_at is not None and task.expires_at <= now:
        raise gone
    folder = task.result_key.rpartition("/")[0]
    storage_key = task.result_key if name is None else f"{folder}/{name}"
    asset, stored = await deps.store.asset(storage_key), await deps.storage.head(storage_key)
    if asset is None or stored is None:
        if name is None:
            raise gone
        raise FileNotFound(f"{task.id} has no {name}")
    if asset.expires_at is not None and asset.expires_at <= now:
        raise gone
    return OpenFile(asset=asset, stored=stored)
