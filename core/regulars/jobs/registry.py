"""Tell which jobs this process knows, by kind."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from regulars.outgoing.granted import PluginHttp
from regulars.plugins.context import PluginContext
from regulars.plugins.contributions import Job

__all__ = ["ContextIn", "JobKind", "JobKinds", "job_kinds"]

ContextIn = Callable[[AsyncSession], PluginContext]
"""Returns what a plugin gets for one call, in a session of its job."""


@dataclass(frozen=True)
class JobKind:
    """A job that can run here, with the settings of the plugin that it belongs to, and what that may reach."""

    job: Job
    settings: BaseModel | None = None
    http: PluginHttp | None = None
    context_in: ContextIn | None = None

    @property
    def permission(self) -> str:
        """Return the permission that starting it by hand needs."""
        return self.job.permission

    @property
    def slots(self) -> int | None:
        """Return how many runs there may be at once: one of a job that starts by itself and computes the same anew."""
        return self.job.slots if self.job.trigger is None else 1


JobKinds = Mapping[str, JobKind]
"""What this process can run, by kind; read anew at every round, so a live mapping may change."""


def job_kinds(
    jobs: Sequence[Job],
    *,
    settings: BaseModel | None = None,
    http: PluginHttp | None = None,
    context_in: ContextIn | None = None,
) -> dict[str, JobKind]:
    """Return the jobs of one owner by kind, as rows name it: ``<plugin>.<job>``, which is the job's id."""
    return {job.id: JobKind(job, settings, http, context_in) for job in jobs}
