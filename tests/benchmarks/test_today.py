from benchmarks.today import lines
from forestall.publishing.publication import current_night
from tests.forestall.operations.test_what_if import KNOWN, MEANS, forecast, night_of


def test_both_questions_are_asked_of_the_published_night_and_have_their_bare_work(company) -> None:
    settings = night_of(company, forecast(), KNOWN)
    night = current_night(settings.var_path / "published")
    what_if, intraday = lines(settings, night)
    assert (what_if.asked, intraday.asked) == ("forestall what-if", "forestall intraday")
    # Two days of twenty half-hours each, and the first of them.
    assert (what_if.interval_count, intraday.interval_count) == (2 * 20 * len(MEANS), 20 * len(MEANS))
    assert min(what_if.seconds, what_if.bare_s, intraday.seconds, intraday.bare_s) > 0
