"""What a backtest of churn models writes: every measure of every model, of all customers and by group.

One table in long form, so that a measure, a group or a rival that joins later changes no column.
"""

from features.tables import Column, Table

ALL = "all"  # of `cutoff`: several together; of `grouping` and `group_name`: everybody
GROUPINGS = (ALL, "segment", "region", "language", "tenure")

CHURN_BACKTEST = Table(
    "churn_backtest", "cutoff x horizon x group x model x compared model x measure",
    ("cutoff", "horizon_days", "grouping", "group_name", "model", "compared_with", "measure"),
    (
        Column("cutoff", "text", "as-of date of the scores, ISO; `all`: the mean over those of this backtest", True),
        Column("horizon_days", "integer", "left within so many days", True, at_least=1),
        Column("grouping", "text", "by what the customers are parted", True, words=GROUPINGS),
        Column("group_name", "text", "which part; `all` where they are not parted", True),
        Column("customer_count", "integer", "customers judged; over several cutoffs customer x cutoff", at_least=0),
        Column("leaver_count", "integer", "of them, those who left", at_least=0),
        Column("model", "text", "whose probabilities", True),
        Column("compared_with", "text", "empty: the model's own figure; else whose figure is taken away", True),
        Column("measure", "text", "auc, average_precision, log_loss (natural), brier, calibration_slope, "
               "observed_over_expected, top_observed_over_expected and top_lift (in the tenth with the greatest "
               "probability), expected_maximum_profit (per customer, standard values of Verbraken et al. 2013)", True),
        Column("value", "number", "the figure; empty where it cannot be computed, such as an AUC without a leaver"),
        Column("low", "number", "lower end of its 95 % interval (bootstrap by account); empty where there is none"),
        Column("high", "number", "upper end"),
    ),
)  # fmt: skip
