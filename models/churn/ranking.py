"""Who comes first: bands of risk, and the order in which a list would take customers."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.churn.params import BANDS, BandParams
from models.metrics import Numbers


def risk_bands(probability: Numbers, bands: BandParams) -> npt.NDArray[np.object_]:
    """low, medium, high or very_high for each probability of the main horizon; a limit opens its band."""
    limits = [bands.medium, bands.high, bands.very_high]
    return np.array(BANDS, dtype=object)[np.searchsorted(limits, probability, side="right")]


def known_margins(rows: pd.DataFrame) -> Numbers:
    """`monthly_margin` of each row; the mean where it is unknown, 1 where nobody's is known."""
    margins = pd.to_numeric(rows["monthly_margin"]) if "monthly_margin" in rows else pd.Series(np.nan, rows.index)
    usual = float(margins.mean()) if margins.notna().any() else 1.0
    return margins.fillna(usual).to_numpy(dtype=np.float64)


def listing_order(probability: Numbers, margin: Numbers) -> npt.NDArray[np.int64]:
    """Positions by probability x margin, greatest first; ties by position."""
    return np.argsort(-probability * margin, kind="stable")
