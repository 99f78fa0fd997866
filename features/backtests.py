"""What backtests write.

Of churn models every measure of every model, of all customers and by group, in long form: a measure, a group or a rival
that joins later changes no column. Of outreach one row a week that a policy was lived through.
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

OUTREACH_BACKTEST = Table(
    "outreach_backtest", "seed x world x policy x week", ("seed", "world", "policy", "week"),
    (
        Column("seed", "integer", "of the demo company", True),
        Column("world", "text", "of the demo company", True),
        Column("policy", "text", "who chose: nobody, random, probability, probability_x_value, before, after, best",
               True),
        Column("week", "integer", "of the simulation", True, at_least=1),
        Column("contact_count", "integer", "rows that were worked", at_least=0),
        Column("reached_count", "integer", "of them, customers who were spoken to", at_least=0),
        Column("harmed_count", "integer", "of them, those whose true chance to leave a call raises by over 5 points",
               at_least=0),
        Column("minutes", "number", "agent minutes, as recorded", at_least=0),
        Column("cost", "number", "of minutes and of offers that were taken", at_least=0),
        Column("kept_margin", "number", "sum of true fall of the chance to leave x remaining margin, less cost"),
        Column("monthly_margin", "number", "margin a month of everybody there at the end of the week", at_least=0),
        Column("realised_margin", "number", "margin of the week beyond that of the company in which nobody is called, "
               "less cost; empty where that was not lived"),
    ),
)  # fmt: skip
