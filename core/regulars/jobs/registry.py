"""Tell which jobs this process knows, by kind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from pydantic import BaseModel

from regulars.errors import ConfigurationError
from regulars.plugins.contributions import Job

__all__ = ["SHORTEST_DISTANCE", "JobKind", "JobKinds", "UnusableJob", "job_kinds"]

SHORTEST_DISTANCE = timedelta(minutes=1)


@dataclass(frozen=True)
class JobKind:
    """A job that can run here, with the settings of the plugin that it belongs to."""

    job: Job
    settings: BaseModel | None = None

    @property
    def name(self) -> str:
        """Return the kind as rows name it: ``<plugin>.<job>``."""
        return self.job.id

    @property
    def permission(self) -> str:
        """Return the permission that starting it by hand needs."""
        return self.job.permission

    @property
    def is_exclusive(self) -> bool:
        """Tell whether its runs must never overlap: a job that starts by itself computes the same thing anew."""
        return self.job.trigger is not None


JobKinds = Mapping[str, JobKind]
"""What this process can run, by kind; read anew at every round, so a live mapping may change."""


class UnusableJob(ConfigurationError):
    """A plugin describes a job that cannot be run."""

    code = "UNUSABLE_JOB"

    def __init__(self, owner: str, job: str, reason: str) -> None:
        self.owner, self.job, self.reason = owner, job, reason
        super().__init__(f"The job {job!r} of {owner} cannot be run: {reason}")


def job_kinds(owner: str, jobs: Sequence[Job], *, settings: BaseModel | None = None) -> dict[str, JobKind]:
    """Return the jobs of one owner, the core or a plugin, by kind.

    Raises ``UnusableJob`` when an id does not start with the owner's, when two are equal, or when a time is nonsense.
    """
    kinds: dict[str, JobKind] = {}
    for job in jobs:
        if not job.id.startswith(f"{owner}.") or job.id == f"{owner}.":
            raise UnusableJob(owner, job.id, f"its id must start with {owner}. and go on with a word.")
        if job.id in kinds:
            raise UnusableJob(owner, job.id, "the id is used twice. Rename one.")
        if job.timeout <= timedelta(0):
            raise UnusableJob(owner, job.id, "its timeout must be longer than nothing.")
        _check_trigger(owner, job)
        kinds[job.id] = JobKind(job, settings)
    return kinds


def _check_trigger(owner: str, job: Job) -> None:
    trigger = job.trigger
    if trigger is None:
        return
    if (trigger.hour is None) == (trigger.distance is None):
        raise UnusableJob(owner, job.id, "its trigger needs either an hour or a distance.")
    if trigger.hour is not None and not (0 <= trigger.hour <= 23 and 0 <= trigger.minute <= 59):
        raise UnusableJob(owner, job.id, "its hour must lie in 0–23 and its minute in 0–59.")
    if trigger.distance is not None and trigger.distance < SHORTEST_DISTANCE:
        raise UnusableJob(owner, job.id, "it may start at most once a minute.")
