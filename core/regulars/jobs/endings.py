"""Tell how an attempt at a job ended, and write it down."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy.ext.asyncio import AsyncSession

from regulars.errors import ExpectedError
from regulars.faults import in_one_line
from regulars.jobs.leases import LeaseLost, end_run, give_back, retry_delay, retry_run
from regulars.jobs.run import JobCancelled, JobRun

__all__ = ["LARGEST_RESULT", "Ending", "Interruption", "ending_of", "write_ending"]

LARGEST_RESULT = 256 * 1024
"""Bytes of JSON that a job's function may return."""

Interruption = Literal["cancelled", "late", "lost", "stopping"]
"""Why the worker broke an attempt off; ``stopping`` is the worker's own end."""


@dataclass(frozen=True)
class Ending:
    """How an attempt ended: with a result, or with a problem that an operator can read.

    FAILED ends the job, because trying again would not help; FAULT is tried again.
    """

    outcome: Literal["SUCCEEDED", "FAILED", "CANCELLED", "FAULT", "GIVEN_BACK", "LOST"]
    result: Mapping[str, Any] | None = None
    problem: str | None = None
    error: BaseException | None = None


def ending_of(
    work: "asyncio.Task[Mapping[str, Any] | None]", *, interruption: Interruption | None, timeout: timedelta
) -> Ending:
    """Return how the attempt ended; ``work`` is done unless it did not let itself be broken off."""
    if interruption == "lost":
        return Ending("LOST")
    error = work.exception() if work.done() and not work.cancelled() else None
    if work.done() and not work.cancelled() and error is None:
        return _with_result(work.result())
    if isinstance(error, LeaseLost):
        return Ending("LOST")
    if interruption == "stopping":
        return Ending("GIVEN_BACK")
    if interruption == "cancelled" or isinstance(error, JobCancelled):
        return Ending("CANCELLED")
    if interruption == "late":
        return Ending("FAULT", problem=f"It was broken off after {timeout}. Give it more time, or smaller pieces.")
    if isinstance(error, ExpectedError):
        return Ending("FAILED", problem=str(error))
    if error is None:
        return Ending("FAULT", problem="It broke itself off.")
    return Ending("FAULT", problem=in_one_line(error), error=error)


async def write_ending(
    session: AsyncSession, run: JobRun, ending: Ending, *, first_delay: timedelta, now: datetime
) -> None:
    """Write the ending into the job's row; raise ``LeaseLost`` when the job is no longer ours."""
    match ending.outcome:
        case "SUCCEEDED" | "FAILED" | "CANCELLED":
            await end_run(
                session,
                run.claim,
                status=ending.outcome,
                result=ending.result,
                problem=ending.problem,
                progress=run.unkept_progress,
                now=now,
            )
        case "FAULT":
            await retry_run(
                session,
                run.claim,
                run_after=now + retry_delay(run.attempt, first=first_delay),
                problem=ending.problem or "",
                progress=run.unkept_progress,
                now=now,
            )
        case "GIVEN_BACK":
            await give_back(session, run.claim, now=now)
        case "LOST":
            raise LeaseLost(run.claim.job_id, run.claim.fence)


def _with_result(result: Mapping[str, Any] | None) -> Ending:
    try:
        size = len(json.dumps(result if result is None else dict(result), allow_nan=False))
    except (TypeError, ValueError) as error:
        return Ending("FAILED", problem=f"Its work is done, but what it returned is no JSON object: {error}")
    if size > LARGEST_RESULT:
        return Ending(
            "FAILED", problem=f"Its work is done, but what it returned has {size} bytes, not {LARGEST_RESULT}."
        )
    return Ending("SUCCEEDED", result=result)
