from collections.abc import Sequence
from datetime import timedelta

import pytest
from pydantic import BaseModel

from regulars.jobs.registry import UnusableJob, job_kinds
from regulars.jobs.run import JobRun
from regulars.plugins.contributions import Job, Trigger, daily, every


class ClvSettings(BaseModel):
    horizon_weeks: int = 52


async def fit(run: JobRun) -> None:
    return None


def job(id: str = "clv.fit", trigger: Trigger | None = None, timeout: timedelta = timedelta(minutes=1)) -> Job:
    return Job(id, fit, "Fit", "jobs:manage", trigger=trigger, timeout=timeout)


def test_jobs_are_known_by_kind_with_their_plugins_settings() -> None:
    settings = ClvSettings()

    kinds = job_kinds("clv", [job("clv.fit", daily(hour=3)), job("clv.check")], settings=settings)

    assert list(kinds) == ["clv.fit", "clv.check"]
    assert kinds["clv.fit"].settings is settings
    assert [kind.is_exclusive for kind in kinds.values()] == [True, False]


@pytest.mark.parametrize(
    ("jobs", "reason"),
    [
        pytest.param([job("fit")], r"must start with clv\.", id="no owner"),
        pytest.param([job("social.fit")], r"must start with clv\.", id="another owner"),
        pytest.param([job("clv.")], r"must start with clv\.", id="no word"),
        pytest.param([job(), job()], "used twice", id="twice"),
        pytest.param([job(timeout=timedelta(0))], "timeout", id="no time"),
        pytest.param([job(trigger=every(timedelta(seconds=59)))], "once a minute", id="too often"),
        pytest.param([job(trigger=daily(hour=24))], "0–23", id="no such hour"),
        pytest.param([job(trigger=daily(hour=3, minute=60))], "0–23", id="no such minute"),
        pytest.param([job(trigger=Trigger())], "an hour or a distance", id="never"),
    ],
)
def test_a_job_that_cannot_run_is_refused_with_its_name(jobs: Sequence[Job], reason: str) -> None:
    with pytest.raises(UnusableJob, match=f"of clv cannot be run: .*{reason}"):
        job_kinds("clv", jobs)
