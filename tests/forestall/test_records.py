"""Lines that jobs noticed, out of their summaries."""

from forestall.records import LINE_END, Step, notes_of


def step(job: str, **summary: str) -> Step:
    return Step(job, "2026-03-02", "2026-03-02T05:00:00+00:00", "done", summary=summary)


def test_each_line_is_told_under_its_job_and_jobs_without_any_are_left_out() -> None:
    steps = [
        step("pull", rows="3"),
        step("plan_staffing", notes=LINE_END.join(["mail: late; caught up", "chat: 120 s assumed"])),
        step("score_churn", notes=""),
        step("plan_shifts", notes="care: nobody is skilled"),
    ]
    assert notes_of(steps) == {
        "plan_staffing": ["mail: late; caught up", "chat: 120 s assumed"],
        "plan_shifts": ["care: nobody is skilled"],
    }
