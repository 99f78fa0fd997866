import pandas as pd

from features.backtests import ALL, CHURN_BACKTEST
from models.churn.evaluation import OURS, RIVALS
from models.churn.logbook import flat_metrics


def test_metrics_carry_horizon_or_rival_in_their_names() -> None:
    rival, plain = RIVALS
    rows = [
        (ALL, 30, OURS, "", 0.8), (ALL, 90, OURS, "", 0.7), (ALL, 90, rival, "", 0.6), (ALL, 90, plain, "", 0.65),
        (ALL, 90, OURS, rival, 0.1), (ALL, 90, OURS, plain, None), ("segment", 90, OURS, "", 0.5),
    ]  # fmt: skip
    columns = ["grouping", "horizon_days", "model", "compared_with", "value"]
    table = pd.DataFrame(rows, columns=columns).assign(measure="auc").reindex(columns=CHURN_BACKTEST.names)
    loss = table.tail(3).head(1).assign(measure="log_loss", value=-0.02)
    slope = loss.assign(measure="calibration_slope")
    table = pd.concat([table, loss, slope])
    assert flat_metrics(table, 90) == {
        "auc_30d": 0.8, "auc_90d": 0.7, "auc_rival": 0.6, "auc_plain": 0.65, "auc_gain_over_rival": 0.1,
        "log_loss_gain_over_rival": 0.02,
    }  # fmt: skip
