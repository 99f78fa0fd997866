"""How long a row of each action really takes an agent, all its tries together.

The playbook's number is a plan. Too great a number leaves agents idle, too small a one has rows called late, so it
moves to what worked rows took as they become many: it counts as `PRIOR_ROWS` of them.
"""

import pandas as pd

from forestall.outreach.playbook import Playbook

MINUTES = ["expected_minutes", "worked_row_count"]
PRIOR_ROWS = 20


def learn_minutes(worked: pd.DataFrame, playbook: Playbook) -> pd.DataFrame:
    """Agent minutes that a row of each action of the playbook takes.

    Args:
        worked: action, row_count, minutes (of all these rows); rows that were begun, and had time to be ended.
        playbook: its numbers are where learning begins.

    Returns:
        action, expected_minutes, worked_row_count.

    Worked: the playbook says 9 minutes, 60 rows took 240: (20 x 9 + 240) / 80 = 5.25.
    """
    planned = pd.Series({name: action.expected_minutes for name, action in playbook.actions.items()})
    seen = worked.set_index("action").reindex(planned.index).fillna(0.0)
    told = (PRIOR_ROWS * planned + seen["minutes"].astype(float)) / (PRIOR_ROWS + seen["row_count"])
    return pd.DataFrame(
        {"expected_minutes": told, "worked_row_count": seen["row_count"].astype(int)}
    ).rename_axis("action").reset_index()  # fmt: skip


def with_minutes(options: pd.DataFrame, learned: pd.DataFrame) -> pd.DataFrame:
    """`options` with the learned expected_minutes; an action that is not among them takes what the playbook says.

    Args:
        options: action, expected_minutes.
        learned: action, expected_minutes; several rows of an action say the same.
    """
    if "expected_minutes" not in learned:  # an older version measured this night
        return options
    known = learned.drop_duplicates("action").set_index("action")["expected_minutes"].astype(float)
    told = options["action"].map(known)
    return options.assign(expected_minutes=told.fillna(options["expected_minutes"].astype(float)))
