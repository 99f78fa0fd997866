"""The numbers are frozen, and worlds that nobody named are drawn around them."""

from dataclasses import replace

from forestall.demo.parameters import BASE, QUEUES, parameters_hash, world_parameters

# Change this line only together with a deliberate change of the demo's numbers, told in CHANGELOG.md.
FROZEN = "646bdbce84fb69fb94877c4be31651942e500b04cdb30e7a4f1ff41191679675"


def test_the_parameters_are_frozen() -> None:
    assert parameters_hash() == FROZEN


def test_any_number_changes_the_hash() -> None:
    changed = replace(BASE, leaving=replace(BASE.leaving, waits=BASE.leaving.waits + 0.01))
    assert parameters_hash(changed) != parameters_hash()


def test_worlds_differ_by_name_and_stay_themselves() -> None:
    worlds = [world_parameters(name) for name in ("base", "seasonal", "turbulent", "turbulent-2", "never heard of")]
    assert len({parameters_hash(world) for world in worlds}) == len(worlds)
    assert world_parameters("never heard of") == worlds[-1]


def test_families_stray_in_their_direction() -> None:
    def mean_of(family: str, group: str, name: str) -> float:
        values = [getattr(getattr(world_parameters(f"{family}-{n}"), group), name) for n in range(30)]
        return sum(values) / len(values)

    assert mean_of("turbulent", "demand", "day_noise") > 1.3 * mean_of("seasonal", "demand", "day_noise")
    assert mean_of("seasonal", "demand", "year_swing") > 1.3 * mean_of("turbulent", "demand", "year_swing")


def test_scale_shrinks_people_and_contacts_alike() -> None:
    small = world_parameters("base", scale=0.1)
    assert small.people.at_start == 1470
    assert small.queues[0].contacts_per_day == QUEUES[0].contacts_per_day * 0.1
