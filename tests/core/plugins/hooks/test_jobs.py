import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.core.plugins.conftest import MakeHost
from tests.core.plugins.fakes import plugin

from regulars.jobs.run import JobRun
from regulars.plugins.contributions import Job, Trigger, daily, every
from regulars.plugins.hookspecs import hookimpl
from regulars.plugins.states import PluginWithheld


async def count(run: JobRun) -> Mapping[str, Any] | None:
    """Count nothing."""
    return None


def not_async(run: JobRun) -> None:
    """Forget to be async."""


COUNT = Job("gold.count", run=count, title="Count the gold", permission="jobs:manage", trigger=daily(hour=3))


class Working:
    """A plugin with the jobs that a test gives it."""

    def __init__(self, *jobs: Any) -> None:
        self._jobs = jobs

    @hookimpl
    def jobs(self) -> Sequence[Job]:
        return self._jobs


async def test_the_jobs_of_all_enabled_plugins_stand_together(make_host: MakeHost) -> None:
    host = await make_host(plugin("gold", Working(COUNT)))

    await host.enable("gold")

    assert host.plugins.jobs == (COUNT,)


@pytest.mark.parametrize(
    ("job", "fault"),
    [
        (replace(COUNT, id="count"), "the job 'count' must start with 'gold.'"),
        (replace(COUNT, id="gold."), "must start with 'gold.'"),
        (replace(COUNT, permission="gold:count"), "needs the permission 'gold:count'"),
        (replace(COUNT, run=not_async), "does not run an async function"),  # type: ignore[arg-type]  # on purpose
        (replace(COUNT, timeout=timedelta(0)), "needs a timeout above zero"),
        (replace(COUNT, timeout=math.nan), "needs a timeout above zero"),  # type: ignore[arg-type]  # on purpose
        (replace(COUNT, trigger=daily(hour=24)), "24:0, which is no time of day"),
        (replace(COUNT, trigger=every(timedelta(seconds=5))), "more often than every minute"),
        (replace(COUNT, trigger=Trigger()), "either every day at an hour or at a distance"),
        ("gold.count", "a value of type str where Job belongs"),
    ],
)
async def test_a_job_that_cannot_run_is_refused(make_host: MakeHost, job: Any, fault: str) -> None:
    host = await make_host(plugin("gold", Working(job)))

    with pytest.raises(PluginWithheld, match=fault):
        await host.enable("gold")
