"""Why an upstream did not do what it was asked. Which one it is decides what may follow.

UpstreamFault
  UpstreamBusy, UpstreamAway    nothing was taken; later, or elsewhere
  UpstreamRefused               nothing was taken; elsewhere, and the operator must act
  UpstreamUnfit                 nothing was asked; elsewhere
  UpstreamSilent                not known whether it was taken
"""

from __future__ import annotations

from filmgate.domain.errors import FilmgateError


class UpstreamFault(FilmgateError):
    """A provider did not get its upstream to do what was asked. Nothing says that it charged."""

    code = "upstream_fault"
    http_status = 502


class UpstreamBusy(UpstreamFault):
    """The upstream took nothing, and asks for patience."""

    code = "upstream_busy"
    may_retry = True


class UpstreamAway(UpstreamFault):
    """The upstream was not reached: it cannot have taken anything."""

    code = "upstream_away"
    may_retry = True


class UpstreamRefused(UpstreamFault):
    """The upstream took nothing and will not: key, arrears, model. Its operator must act."""

    code = "upstream_refused"


class UpstreamUnfit(UpstreamFault):
    """The upstream makes no such films, and is well: another engine must be asked."""

    code = "upstream_unfit"


class UpstreamSilent(UpstreamFault):
    """The request was sent and no usable answer came: whether it was taken is unknown."""

    code = "upstream_silent"
    may_retry = True
