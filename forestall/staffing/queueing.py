"""What waits, abandonment and service level a number of servers gives: Erlang B, C and A.

Everything takes and returns arrays, all intervals at once, and stays accurate from one server to
many thousands, for any load and any patience: ratios of Poisson terms and incomplete gamma functions
are formed in logarithms, and by continued fraction where the functions themselves underflow.
The module evaluates given servers; how many are needed is for `requirement`.

Erlang A is the queue M/M/n+M of C. Palm (1957): arrivals are Poisson, handle times and patience
exponential. Notation and formulas follow Mandelbaum and Zeltyn, "Service engineering in action: the
Palm/Erlang-A queue" (2007). Erlang C is its limit for endless patience.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Floats = NDArray[np.float64]
Formula = Literal["answered_in_standard_over_offered", "answered_in_standard_over_handled"]

# Below this an incomplete gamma function has lost digits: the continued fraction takes over. So far out
# (more than 30 standard deviations) a dozen levels of it give full precision.
_TINY = 1e-250
_LEVELS = 16


@dataclass(frozen=True)
class Performance:
    """What customers and agents meet; arrays of one shape.

    Attributes:
        p_wait: probability that a contact has to wait.
        service_level: by the formula that was asked for.
        asa_s: mean wait in seconds over all contacts, also those that give up.
        abandonment: share of contacts that give up.
        occupancy: share of time that a server is busy.
    """

    p_wait: Floats
    service_level: Floats
    asa_s: Floats
    abandonment: Floats
    occupancy: Floats


def erlang_b(servers: ArrayLike, load: ArrayLike) -> Floats:
    """Probability that all servers are busy where nobody waits (loss system).

    Args:
        servers: whole numbers of 0 or more.
        load: offered load in erlangs.

    Worked: 14 servers, 10 erlangs: 0.0568.
    """
    n, a = np.broadcast_arrays(np.asarray(servers, float), np.asarray(load, float))
    return np.exp(-_log_poisson_ratio(n, a))


def erlang_c(servers: ArrayLike, load: ArrayLike) -> Floats:
    """Probability of having to wait where nobody gives up; 1 where the load reaches the servers.

    Worked: 14 servers, 10 erlangs: 0.17413 (CRAN ErlangC).
    """
    n, a = np.broadcast_arrays(np.asarray(servers, float), np.asarray(load, float))
    b = erlang_b(n, a)
    with np.errstate(divide="ignore", invalid="ignore"):
        waits = n * b / (n - a * (1 - b))
    return np.where(a >= n, np.where(a > 0, 1.0, 0.0), waits)


def evaluate(
    servers: ArrayLike,
    arrivals_per_s: ArrayLike,
    handle_time_s: ArrayLike,
    patience_s: ArrayLike,
    threshold_s: ArrayLike,
    short_abandon_s: ArrayLike = 0.0,
    formula: Formula = "answered_in_standard_over_offered",
) -> Performance:
    """Steady state of one skill with the given servers; all arguments broadcast.

    Args:
        servers: whole numbers of 0 or more; where an agent serves several at once, their sum.
        arrivals_per_s: contacts a second.
        handle_time_s: mean seconds that a contact holds a server; positive.
        patience_s: mean patience in seconds; `inf` for Erlang C.
        threshold_s: a contact is in standard if it waits no longer.
        short_abandon_s: who gives up sooner does not count as offered.
        formula: what the answered in standard are divided by.

    Returns:
        Arrays of the broadcast shape. Without arrivals nobody waits and the level is 1; an Erlang C
        queue without enough servers never settles: level 0, endless wait. NaN where an argument is NaN.

    Worked: 100 calls in 30 min of 3 min each, patience 5 min, 14 servers: P(wait) 0.14526,
    abandonment 0.013984, occupancy 0.7043, mean wait 4.2 s (pyworkforce).
    """
    n, arrivals, handle, patience, threshold, short = (
        np.asarray(array, float)
        for array in np.broadcast_arrays(
            servers, arrivals_per_s, handle_time_s, patience_s, threshold_s, short_abandon_s
        )
    )
    load = arrivals * handle
    is_known = ~np.isnan(n + arrivals + handle + patience + threshold + short)
    parts = np.full((4, *n.shape), np.nan)
    is_served = (arrivals > 0) & (n > 0) & is_known
    for mask, model in ((is_served & np.isinf(patience), _settle_c), (is_served & np.isfinite(patience), _settle_a)):
        if mask.any():
            parts[:, mask] = model(
                n[mask], arrivals[mask], load[mask], patience[mask], threshold[mask], short[mask], formula
            )
    # Without servers everybody who can gives up; without arrivals there is nobody to wait.
    is_alone = (arrivals > 0) & (n == 0)
    endless = np.isinf(patience)
    parts[:, is_alone] = np.stack([np.ones_like(n), np.zeros_like(n), patience, np.where(endless, 0.0, 1.0)])[
        :, is_alone
    ]
    parts[:, arrivals <= 0] = np.array([0.0, 1.0, 0.0, 0.0])[:, None]
    parts[:, ~is_known] = np.nan
    with np.errstate(divide="ignore", invalid="ignore"):
        busy = np.where(n > 0, load * (1 - parts[3]) / n, np.where(load > 0, 1.0, 0.0))
    busy = np.where(is_known, busy, np.nan)
    p_wait, level, asa, abandonment = parts
    return Performance(p_wait, level, asa, abandonment, np.minimum(busy, 1.0))


def _settle_c(
    n: Floats, arrivals: Floats, load: Floats, _patience: Floats, threshold: Floats, _short: Floats, _formula: Formula
) -> Floats:
    """P(wait), service level, mean wait, abandonment of M/M/n: nobody gives up, so both formulas are one."""
    p_wait = erlang_c(n, load)
    is_stable = load < n
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        drain_per_s = (n - load) * arrivals / load
        level = np.where(is_stable, 1 - p_wait * np.exp(-drain_per_s * threshold), 0.0)
        asa = np.where(is_stable, p_wait / drain_per_s, np.inf)
    return np.stack([p_wait, level, asa, np.zeros_like(n)])


def _settle_a(
    n: Floats, arrivals: Floats, load: Floats, patience: Floats, threshold: Floats, short: Floats, formula: Formula
) -> Floats:
    """P(wait), service level, mean wait, abandonment of M/M/n+M.

    With the rates in units of patience, eta = arrivals and c = n servers' work: of every contact
    that finds all busy, `_log_tail` gives how many wait longer than t (offered wait), and
    the same with c + 1 how many of those are answered in the end. All relative to the number
    that finds a server free.
    """
    eta = arrivals * patience
    c = n * eta / load
    log_free = _log_poisson_ratio(n - 1, load)
    log_waits = _log_tail(c, eta, 0.0, 0)
    p_free = special.expit(log_free - log_waits)
    p_wait = special.expit(log_waits - log_free)

    def share(log_of: Floats) -> Floats:
        """Of all contacts, from a logarithm relative to those that find a server free."""
        return np.exp(log_of - np.logaddexp(log_free, log_waits))

    answered_waiting = share(_log_tail(c, eta, 0.0, 1))
    answered = p_free + answered_waiting
    abandoned = np.clip(p_wait - answered_waiting, 0.0, 1.0)
    in_standard = answered - share(_log_tail(c, eta, threshold / patience, 1))
    gave_up_late = share(_log_tail(c, eta, short / patience, 0)) * np.exp(-short / patience) - share(
        _log_tail(c, eta, short / patience, 1)
    )
    short_abandoned = np.clip(abandoned - gave_up_late, 0.0, 1.0)
    base = answered if formula == "answered_in_standard_over_handled" else 1 - short_abandoned
    with np.errstate(divide="ignore", invalid="ignore"):
        level = np.where(base > 0, in_standard / base, 0.0)
    return np.stack([p_wait, np.clip(level, 0.0, 1.0), abandoned * patience, abandoned])


def _log_tail(c: Floats, eta: Floats, t: Floats | float, answered: Literal[0, 1]) -> Floats:
    """Log of lambda * integral from t of exp(-answered * u) exp(eta (1 - e^-u) - c u) du, in units of patience.

    That is Mandelbaum and Zeltyn's lambda J(t); with y = eta e^-u it is an incomplete gamma function.
    """
    c = c + answered
    rest = eta * np.exp(-t)
    return np.log(eta / c) + (-eta * np.expm1(-t) - c * t) + _log_gamma_ratio(c, rest)


def _log_gamma_ratio(c: Floats, x: Floats) -> Floats:
    """Log of P(c, x) / (x^c e^-x / Gamma(c + 1)), P the regularised lower incomplete gamma function."""
    lower = special.gammainc(c, x)
    with np.errstate(divide="ignore"):
        direct = np.asarray(np.log(lower) - _log_poisson(c, x))
    is_tiny = lower < _TINY
    if is_tiny.any():
        direct[is_tiny] = np.log(_lower_fraction(c[is_tiny], x[is_tiny]))
    return direct


def _log_poisson_ratio(n: Floats, a: Floats) -> Floats:
    """Log of P(N <= n) / P(N = n), N Poisson with mean a: of 1 / Erlang B."""
    upper = special.gammaincc(n + 1, a)
    with np.errstate(divide="ignore"):
        direct = np.asarray(np.log(upper) - _log_poisson(n, a))
    is_tiny = upper < _TINY
    if is_tiny.any():
        direct[is_tiny] = np.log(_upper_fraction(n[is_tiny], a[is_tiny]))
    return direct


def _log_poisson(k: Floats, mean: Floats) -> Floats:
    """Log of mean^k e^-mean / Gamma(k + 1), without the cancellation of the plain formula (C. Loader, 2000)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        stirling = np.where(
            k > 15,
            1 / (12 * k) - 1 / (360 * k**3) + 1 / (1260 * k**5) - 1 / (1680 * k**7),
            special.gammaln(k + 1) - (k + 0.5) * np.log(k) + k - 0.5 * np.log(2 * np.pi),
        )
        log_p = -special.kl_div(k, mean) - stirling - 0.5 * np.log(2 * np.pi * k)
    return np.where(k == 0, -mean, log_p)


def _lower_fraction(c: Floats, x: Floats) -> Floats:
    """The ratio of `_log_gamma_ratio` by continued fraction, for x far below c (DLMF 8.9.1)."""
    tail = np.zeros_like(x)
    for k in range(_LEVELS, 0, -1):
        tail = (c + k - 1) * x / (c + 2 * k - 1 + k * x / (c + 2 * k - tail))
    return 1 / (1 - tail / c)


def _upper_fraction(n: Floats, a: Floats) -> Floats:
    """The ratio of `_log_poisson_ratio` by continued fraction, for n far below a (DLMF 8.9.2)."""
    tail = np.zeros_like(a)
    for k in range(_LEVELS, 0, -1):
        tail = (k - 1 - n) / (1 + k / (a + tail))
    return a / (a + tail)
