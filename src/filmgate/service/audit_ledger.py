"""Compare every account's balance with the sum of its entries. It mends nothing."""

from __future__ import annotations

import structlog

from filmgate.ports.store import LedgerFault
from filmgate.service.deps import Deps

log = structlog.get_logger()


async def audit_ledger(*, deps: Deps) -> list[LedgerFault]:
    """Return the accounts that do not add up, and log each as an error."""
    faults = await deps.store.audit()
    for fault in faults:
        log.error(
            "ledger.fault",
            account_id=fault.account_id,
            stored_available=fault.stored.available,
            summed_available=fault.summed.available,
            stored_held=fault.stored.held,
            summed_held=fault.summed.held,
            stored_captured=fault.stored.captured,
            summed_captured=fault.summed.captured,
        )
    return faults
