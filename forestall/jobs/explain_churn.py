"""Where the risk lies: by lifecycle stage and value, and by what customers contact us about.

Reads `churn_scores`, `customer_segments` and `outreach_list` of the night, contacts and spells; writes
`segment_summary` and `churn_causes`. Decides nothing: the list stands already.
"""

from datetime import date

import pandas as pd
import pyarrow.compute as pc

from features.published_churn import CHURN_CAUSES
from forestall.history.causes import at_risk_tonight, followed
from forestall.night import Night
from forestall.outreach.causes import KEY, churn_causes, excess_risk
from forestall.outreach.segments import segment_summary
from forestall.records import Summary
from forestall.settings import Settings
from forestall.warehouse import as_frame, open_warehouse


def explain_churn(settings: Settings, run_date: date) -> Summary:
    """Write `segment_summary` and `churn_causes` of the night.

    Raises:
        ConfigError: the night has no `churn_scores` or no `outreach_list` yet.
    """
    night = Night(settings, run_date)
    scores = night.table("churn_scores")
    main = scores.filter(pc.equal(scores["horizon_days"], settings.churn.main_horizon))
    summary = segment_summary(night.read("customer_segments"), as_frame(main), as_frame(night.table("outreach_list")))
    night.write("segment_summary", summary)
    if not main.num_rows:
        night.write("churn_causes", CHURN_CAUSES.arrow_schema().empty_table())
        return {"segments": len(summary), "causes": 0}
    with open_warehouse(settings, f"explain_churn {run_date}") as warehouse:
        tonight = at_risk_tonight(warehouse, main)
        before = followed(warehouse, night)
    told = before.exposed.merge(tonight[KEY], on=KEY)  # what is not told widens no interval
    excess = excess_risk(told, before.everybody)
    causes = churn_causes(tonight, excess, settings.churn.main_horizon, settings.company.currency)
    is_known = causes["excess_risk"].notna()
    causes = causes.assign(compared_on=pd.Series(before.compared_on, causes.index, dtype=object).where(is_known, None))
    night.write("churn_causes", causes)
    return {"segments": len(summary), "causes": len(causes), "causes_compared": int(is_known.sum())}
