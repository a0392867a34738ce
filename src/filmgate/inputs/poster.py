"""Posts webhooks under the address rules of fetched inputs. It signs and repeats nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import httpx

from filmgate.inputs.faults import FetchFault, Reason
from filmgate.inputs.guard import Guard, Message
from filmgate.ports.webhook import Posted

ANSWER_BYTES_MAX = 64 * 2**10
"""Of an answer's body so much is read, so that the receiver may finish; then we hang up."""
RETRY_AFTER_S_MAX = 10**6


class GuardedPoster:
    """A ports.webhook.Sender on httpx."""

    def __init__(self, guard: Guard, *, total_s: float) -> None:
        """`total_s`: longest time from looking the host up to the head of its answer."""
        self._guard = guard
        self._total_s = total_s

    async def post(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> Posted:
        """See the port."""
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        status: int | None = None
        retry_after_s: float | None = None
        error: str | None = None
        message = Message(
            method="POST", headers={**headers, "Content-Type": "application/json"}, body=body
        )
        try:
            async with asyncio.timeout(self._total_s):
                async with self._guard.exchange(self._guard.locate(url), message) as answer:
                    status = answer.status_code
                    retry_after_s = _retry_after_s(answer)
                    await _drain(answer)
        except FetchFault as fault:
            error = _said(fault, self._total_s)
        except TimeoutError:
            error = f"no answer within {self._total_s:g} seconds"
        if status is not None:
            error = None if status < 300 else f"answered {status}"
        return Posted(
            status=status,
            error=error,
            took_ms=round((loop.time() - began_s) * 1000),
            retry_after_s=retry_after_s,
        )


def _said(fault: FetchFault, total_s: float) -> str:
    if fault.reason is Reason.TIMED_OUT:
        return f"no answer within {total_s:g} seconds"
    return f"the receiver must {fault.rule}"


async def _drain(answer: httpx.Response) -> None:
    """Read a little of the body; its status counts, however the rest of it goes."""
    left = ANSWER_BYTES_MAX
    try:
        async for chunk in answer.aiter_raw():
            left -= len(chunk)
            if left <= 0:
                return
    except httpx.TransportError:
        return


def _retry_after_s(answer: httpx.Response) -> float | None:
    """Return the wait that the receiver asks for, in whole seconds; dates are not read."""
    text = answer.headers.get("retry-after", "").strip()
    if not text.isascii() or not text.isdigit():
        return None
    return float(min(int(text[:9]), RETRY_AFTER_S_MAX))
