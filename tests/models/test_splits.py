from datetime import date

import numpy as np
import pandas as pd
import pytest

from models.splits import customer_folds, customer_sample, split_by_time


def test_a_date_is_learned_from_only_if_its_labels_were_known_on_the_newest() -> None:
    newest = date(2011, 6, 10)
    split = split_by_time([newest, date(2011, 3, 11), date(2011, 3, 12), date(2011, 2, 4)], 91)
    assert split is not None
    assert (split.earlier, split.newest) == ((date(2011, 2, 4), date(2011, 3, 11)), newest)
    assert split_by_time([newest, date(2011, 3, 12)], 91) is None
    assert split_by_time([], 91) is None


def test_all_rows_of_a_customer_fall_into_one_fold_whatever_their_order() -> None:
    customers = pd.Series([f"c{number}" for number in range(400)] * 3)
    folds = customer_folds(customers, 4)
    assert pd.Series(folds).groupby(customers).nunique().max() == 1
    assert np.bincount(folds, minlength=4).min() > 200
    mixed = customers.sample(frac=1, random_state=1)
    assert (customer_folds(mixed, 4) == folds[mixed.index]).all()


def test_a_sample_takes_whole_customers_evenly_from_all_folds() -> None:
    customers = pd.Series([f"c{number}" for number in range(4000)] * 2)
    sampled = customer_sample(customers, 0.25)
    assert pd.Series(sampled).groupby(customers).nunique().max() == 1
    assert np.bincount(customer_folds(customers[sampled], 4)) == pytest.approx(np.full(4, 500), rel=0.2)
    assert not (sampled & ~customer_sample(customers, 0.5)).any()
    assert customer_sample(customers, 1.5).all()
