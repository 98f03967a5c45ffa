from pydantic import BaseModel

from regulars.jobs.registry import job_kinds
from regulars.jobs.run import JobRun
from regulars.plugins.contributions import Job, daily


class ClvSettings(BaseModel):
    horizon_weeks: int = 52


async def fit(run: JobRun) -> None:
    return None


def test_jobs_are_known_by_kind_with_their_plugins_settings() -> None:
    settings = ClvSettings()
    nightly = Job("clv.fit", fit, "Fit", "clv:write", trigger=daily(hour=3))

    kinds = job_kinds([nightly, Job("clv.check", fit, "Check", "clv:read")], settings=settings)

    assert list(kinds) == ["clv.fit", "clv.check"]
    assert kinds["clv.fit"].settings is settings
    assert kinds["clv.check"].permission == "clv:read"


def test_a_job_that_starts_by_itself_never_overlaps() -> None:
    nightly = Job("clv.fit", fit, "Fit", "clv:write", trigger=daily(hour=3))

    kinds = job_kinds([nightly, Job("clv.check", fit, "Check", "clv:read")])

    assert [kind.slots for kind in kinds.values()] == [1, None]
