"""What bad input gets: a list as good as it can be made, a line that says what is wrong, and nobody lost sight of.

One row a case. Whatever the case, every customer with a trigger is on the list or withheld with a reason, nobody is on
both, and both tables are those of the contract.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from features.published import PUBLISHED
from forestall.night import conform
from forestall.outreach.fairness import Tolerance, compare, in_groups, tally
from forestall.outreach.listing import make_lists
from forestall.outreach.playbook import Playbook
from forestall.sections import OutreachSettings

SETTINGS = OutreachSettings(holdout_share=0.0, team_minutes={"care": 100, "success": 50}, budget=1000)
NO_MINUTES = (
    "team `care` has no minutes in outreach.team_minutes, so nobody can do: fix, credit_call",
    "team `success` has no minutes in outreach.team_minutes, so nobody can do: coach",
)
NOBODY = "nobody is listed, of 10 customers:"
# Of a customer of whom nothing is known but that there is one.
NOTHING = dict.fromkeys(["segment", "region", "language", "time_zone", "preferred_channel", "is_minor", "is_protected",
                         "is_under_notice", "is_profiling_allowed", "monthly_value", "monthly_margin", "tenure_days",
                         "days_to_renewal", "has_do_not_contact", "has_open_complaint", "answered_hours"])  # fmt: skip
NOTICE = {"is_under_notice": True}
LATE = {"is_complaint_unanswered_24h": True, "open_complaint_h": 30.0}


@dataclass
class Case:
    """A night, and what comes of it.

    Attributes:
        name: what is wrong.
        count: customers.
        risk: of all of them; NaN: not scored.
        columns: of the candidates.
        settings: of outreach.
        actions: changes to actions of the playbook, by name.
        values: of `Known`.
        listed: how many are.
        withheld: why the others are not; who is neither listed nor withheld is not worth a call.
        notes: what is said.
    """

    name: str
    count: int = 10
    risk: Any = 0.9
    columns: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    actions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    listed: int = 10
    withheld: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


CASES = [
    Case("ten customers"),
    Case("ten customers and little time", settings={"team_minutes": {"care": 25, "success": 0}}, listed=3,
         notes=NO_MINUTES[1:]),
    Case("no churner", risk=0.0, listed=0, notes=(f"{NOBODY} worth less than a contact costs, or without minutes 10",)),
    Case("everybody leaves", risk=1.0),
    Case("no model", risk=np.nan, listed=0, notes=(f"{NOBODY} neither score nor trigger 10",)),
    Case("no model, and a trigger", risk=np.nan, columns=LATE, listed=5, withheld={"no_minutes": 5}),
    Case("nothing known of anybody", columns=NOTHING, listed=0,
         notes=(f"{NOBODY} worth less than a contact costs, or without minutes 10",)),
    Case("nothing known of anybody but a trigger", columns={**NOTHING, **LATE}, risk=np.nan, listed=5,
         withheld={"no_minutes": 5}),
    Case("words never seen", columns=dict.fromkeys(["segment", "region", "language", "preferred_channel"], "new word")),
    Case("a time zone that is none", columns={"time_zone": "Mars/Olympus"}, notes=(
         "10 customers have a time zone that does not exist, such as `Mars/Olympus`: Europe/Berlin is taken for it",)),
    Case("no time at all", columns=LATE, settings={"team_minutes": {"care": 0, "success": 0}}, listed=0,
         withheld={"no_minutes": 10}, notes=(*NO_MINUTES, f"{NOBODY} no_minutes 10")),
    Case("a budget below the only action's offer", columns=NOTICE, settings={"budget": 9.99}, listed=0,
         withheld={"no_budget": 10},
         notes=("outreach.budget 9.99 is below the cheapest offer (10.00 expected): nothing is offered",
                f"{NOBODY} no_budget 10")),
    Case("an action that no team can do", columns=LATE, actions={"fix": {"team": "nobody"}}, listed=0,
         withheld={"no_minutes": 10},
         notes=("team `nobody` has no minutes in outreach.team_minutes, so nobody can do: fix",
                f"{NOBODY} no_minutes 10")),
    Case("nobody there", count=0, listed=0, notes=("nobody is listed: no customer is known",)),
    Case("do not contact, and the rest protected", columns={"has_do_not_contact": [True] * 7 + [False] * 3,
         "is_protected": True}, listed=0, withheld={"do_not_contact": 7, "protected": 3},
         notes=(f"{NOBODY} do_not_contact 7, protected 3",)),
    Case("hours of work in which nobody may be called", columns=LATE, settings={"work_hours": (5, 8)}, listed=0,
         withheld={"quiet_hours": 10}, notes=(f"{NOBODY} quiet_hours 10",)),
    Case("outcomes of rows of no list, and of one row twice", values={
         "outcomes": pd.Series({"no such row": "accepted"}, name="result")}),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_poor_night_is_a_sensible_one(known, candidates, playbook, case):
    people = candidates(case.count, **case.columns)
    actions = {name: playbook.actions[name].model_copy(update=change) for name, change in case.actions.items()}
    book = playbook.model_copy(update={"actions": {**playbook.actions, **actions}})
    lists = make_lists(
        known(people=people, risk=case.risk, **case.values), book, SETTINGS.model_copy(update=case.settings), 90, "key"
    )
    assert len(lists.listed) == case.listed
    assert lists.withheld["suppression_reason"].value_counts().to_dict() == case.withheld
    assert tuple(lists.notes) == case.notes
    both = pd.concat([lists.listed, lists.withheld])
    assert both["customer_id"].is_unique
    triggered = case.columns.get("is_under_notice") or case.columns.get("is_complaint_unanswered_24h")
    assert not triggered or len(both) == case.count
    for name, rows in (("outreach_list", lists.listed), ("outreach_withheld", lists.withheld)):
        conform(pa.Table.from_pandas(rows, preserve_index=False), PUBLISHED[name])
    scopes = ["region", "language"]
    considered = in_groups(lists.considered, scopes)
    assert not compare(tally(considered, scopes), Tolerance(0.8, 30))["is_flagged"].any()


def test_a_playbook_without_any_action_says_that_it_is_the_reason(known):
    lists = make_lists(known(count=10), Playbook(), SETTINGS, 90, "key")
    assert lists.notes == [f"{NOBODY} no action of the playbook 10"]
