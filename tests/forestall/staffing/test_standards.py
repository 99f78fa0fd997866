"""Standards resolve in layers; a mistake in the file is one line that says where."""

from pathlib import Path

import pytest
import yaml

from forestall.settings import ConfigError
from forestall.staffing.standards import Standards, load_standards, unfit

TEMPLATE = Path(__file__).parents[3] / "forestall" / "templates" / "standards.yml"


@pytest.fixture
def standards(company, tmp_path):
    def load(text, toml=""):
        (tmp_path / "standards.yml").write_text(text, encoding="utf-8")
        return load_standards(company(toml))

    return load


@pytest.mark.parametrize(
    ("channel", "words", "is_deferred", "is_staffed"),
    [
        ("phone", "80 % in 20 s", False, True),
        ("chat", "80 % in 60 s", False, True),
        ("in_person", "80 % in 300 s", False, True),
        ("email", "first response within 4 h", True, True),
        ("web_form", "first response within 4 h", True, True),
        ("social", "first response within 15 min", True, True),
        ("self_service", "none", False, False),
    ],
)
def test_what_is_built_in(channel, words, is_deferred, is_staffed):
    standard = Standards().for_queue("any", channel)
    assert (standard.words, standard.is_deferred, standard.is_staffed) == (words, is_deferred, is_staffed)


def test_without_a_file_the_built_in_holds(company):
    standards = load_standards(company("[staffing]\noccupancy_cap = 0.8"))
    assert standards.for_queue("any", "phone").occupancy_cap == 0.8
    assert standards.for_queue("any", "chat").concurrency == 2
    assert standards.complaint_response_s == 86_400


def test_a_queue_overrides_its_channel_which_overrides_what_is_built_in(standards):
    text = """
        occupancy_cap: 0.85
        channels:
          phone: {threshold_s: 30}
        queues:
          vip: {service_level: 0.9, occupancy_cap: 0.7}
          desk: {channel: email, first_response_s: 5400, clock: business}
    """
    read = standards(text)
    assert read.for_queue("other", "phone").words == "80 % in 30 s"
    assert read.for_queue("vip", "phone").words == "90 % in 30 s"
    assert [read.for_queue(queue, "phone").occupancy_cap for queue in ("other", "vip")] == [0.85, 0.7]
    assert read.for_queue("desk", None).words == "first response within 90 min of opening time"
    assert read.for_queue("unknown", None).channel == "phone"


def test_what_does_not_fit_the_channel_of_the_data_is_dropped(standards):
    mail = standards("queues: {mail: {threshold_s: 20, service_level: 0.9}}").for_queue("mail", "email")
    assert (mail.service_level, mail.threshold_s, mail.words) == (None, None, "first response within 4 h")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("channels:\n  phone:\n    treshold_s: 20", ":3: channels.phone.treshold_s"),
        ("channels:\n  fax: {threshold_s: 20}", ":2: channels.fax"),
        ("channels:\n  phone:\n    service_level: 80", ":3: channels.phone.service_level"),
        ("channels:\n  email: {service_level: 0.8}", "email is deferred, `service_level` has no meaning there"),
        ("queues:\n  vip: {channel: phone, clock: business}", "phone is live, `clock` has no meaning there"),
        ("complaint_response_s: soon", ":1: complaint_response_s"),
        ("queues:\n  vip: {shrinkage: 1}", ":2: queues.vip.shrinkage: `1` is too much: less than 1"),
        (
            "channels:\n  email:\n    first_response_s: 99999999999999999999",
            ":3: channels.email.first_response_s: `99999999999999999999` is too much: at most 31622400",
        ),
        ("complaint_response_s: 31622401", ":1: complaint_response_s: `31622401` is too much: at most 31622400"),
        ("queues:\n  a: {threshold_s: 86401}", ":2: queues.a.threshold_s: `86401` is too much: at most 86400"),
        ("queues:\n  a: {handle_time_s: 0}", ":2: queues.a.handle_time_s: `0` is too little: more than 0"),
    ],
)
def test_a_mistake_is_one_line(standards, text, message):
    with pytest.raises(ConfigError) as error:
        standards(text)
    assert message in str(error.value)
    assert "standards.yml" in str(error.value)
    assert "\n" not in str(error.value)


def test_the_template_is_valid_as_it_is_and_with_every_line_in_force():
    text = TEMPLATE.read_text(encoding="utf-8")
    assert yaml.safe_load(text) is None
    in_force = "\n".join(line.removeprefix("# ") for line in text.splitlines()[3:])
    standards = Standards.model_validate(yaml.safe_load(in_force))
    for channel in ("phone", "chat", "in_person", "email", "web_form", "social"):
        assert standards.for_queue("any", channel).words == Standards().for_queue("any", channel).words
    assert all("#" in line.removeprefix("#") for line in text.splitlines()[3:] if line)


def test_what_is_dropped_for_its_channel_is_told(standards):
    read = standards("queues: {mail: {threshold_s: 20, service_level: 0.9, shrinkage: 0.2}, hot: {clock: business}}")
    assert [key for key, _ in unfit("email", read.queues["mail"])] == ["service_level", "threshold_s"]
    assert list(unfit("phone", read.queues["mail"])) == []
    assert dict(unfit("chat", read.queues["hot"])) == {
        "clock": "chat is live, `clock` has no meaning there; use service_level and threshold_s"
    }
