"""The start page: what waits for somebody, the pages of plugins, jobs with their progress, plugins with their state."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from regulars.access.actors import ANONYMOUS, Actor
from regulars.access.refusals import CredentialsMissing
from regulars.errors import Forbidden, NotFound
from regulars.jobs.models import Job
from regulars.jobs.service import JobStatus, cancel_job, list_jobs
from regulars.plugins.calling.problems import Problem
from regulars.plugins.host import PluginHost
from regulars.plugins.joining.admission import manifest_of
from regulars.plugins.states import PluginState, PluginWithheld
from regulars.web.console.frame import PageLink, framed, page_links, staff_frame
from regulars.web.server import Server
from regulars.web.visitors import Visitor, after_form_check, visitor_of

__all__ = ["start_routes"]

JOBS_READ, JOBS_MANAGE, PLUGINS_READ = "jobs:read", "jobs:manage", "plugins:read"
SHOWN_JOBS = 8
RUNNING: Sequence[JobStatus] = ("RUNNING",)
FAILED_LATELY = timedelta(days=2)
MEASURABLE_S = 5
JOB_STATES = {
    "QUEUED": ("", "Waiting"),
    "RUNNING": ("half", "Running"),
    "SUCCEEDED": ("full good", "Done"),
    "FAILED": ("triangle bad", "Failed"),
    "CANCELLED": ("square", "Cancelled"),
    "DEAD": ("triangle bad", "Given up"),
}
PLUGIN_STATES = {
    PluginState.ENABLED: ("full good", "On"),
    PluginState.DISABLED: ("", "Off"),
    PluginState.NEEDS_CONFIG: ("diamond warn", "Needs a setting"),
    PluginState.INCOMPATIBLE: ("triangle bad", "Does not fit this version"),
    PluginState.FAILED: ("triangle bad", "Failed"),
}


@dataclass(frozen=True)
class WaitingItem:
    """Something that needs a person."""

    title: str
    detail: str


@dataclass(frozen=True)
class PageGroup:
    """The pages of one plugin."""

    title: str
    summary: str
    links: Sequence[PageLink]


@dataclass(frozen=True)
class ShownJob:
    """A job in words."""

    title: str
    badge: str
    state: str
    is_running: bool
    done: int
    total: int | None
    progress: str
    words: str
    cancel_address: str | None


@dataclass(frozen=True)
class ShownProblem:
    """A problem of a plugin in words."""

    badge: str
    title: str
    words: str


@dataclass(frozen=True)
class ShownPlugin:
    """A plugin in words."""

    title: str
    badge: str
    state: str
    reason: str | None
    problems: Sequence[ShownProblem]


def start_routes(server: Server) -> list[BaseRoute]:
    """Return the route of the start page, and of cancelling a job on it."""

    async def show(request: Request) -> Response:
        visitor = await _staff(server, request)
        actor, now = visitor.actor, server.clock.now()
        jobs = await _jobs(server) if actor.may(JOBS_READ) else []
        plugins = list(_plugins(server.host)) if actor.may(PLUGINS_READ) else []
        return framed(
            staff_frame(server, request, visitor),
            "console/start.html",
            title="Start",
            sees_jobs=actor.may(JOBS_READ),
            sees_plugins=actor.may(PLUGINS_READ),
            waiting=[*_waiting_plugins(plugins), *_waiting_jobs(server, jobs, now)],
            pages=list(_pages(server, actor)),
            jobs=[_shown_job(server, job, actor, now) for job in jobs],
            plugins=plugins,
        )

    async def cancel(request: Request) -> Response:
        visitor = await _staff(server, request)
        if visitor.form_token is not None:
            await after_form_check(request.scope, request.receive, expected=visitor.form_token)
        if not visitor.actor.may(JOBS_MANAGE):
            raise Forbidden(JOBS_MANAGE)
        async with server.database.writing() as session:
            await cancel_job(session, id=_job_id(request), actor=visitor.actor.label, now=server.clock.now())
        return RedirectResponse("/console#h-jobs", 303)

    return [
        Route("/console", show, name="console"),
        Route("/console/jobs/{id}/cancel", cancel, methods=["POST"], name="cancel-job"),
    ]


async def _staff(server: Server, request: Request) -> Visitor:
    visitor = await visitor_of(server, request)
    server.charge(visitor.actor, request)(1)
    if visitor.actor == ANONYMOUS:
        raise CredentialsMissing
    if visitor.actor.kind not in {"staff", "service"}:
        raise Forbidden("of staff")
    return visitor


def _job_id(request: Request) -> UUID:
    try:
        return UUID(request.path_params["id"])
    except ValueError as error:
        raise NotFound("job", request.path_params["id"]) from error


async def _jobs(server: Server) -> Sequence[Job]:
    async with server.database.reading() as session:
        running = await list_jobs(session, statuses=RUNNING, limit=SHOWN_JOBS)
        latest = await list_jobs(session, limit=SHOWN_JOBS)
    seen = {job.id for job in running}
    return [*running, *(job for job in latest if job.id not in seen)][:SHOWN_JOBS]


def _pages(server: Server, actor: Actor) -> Iterator[PageGroup]:
    for plugin in server.plugins.plugins:
        links = list(page_links(plugin, actor))
        if links:
            yield PageGroup(plugin.manifest.title, plugin.manifest.summary, links)


def _plugins(host: PluginHost) -> Iterator[ShownPlugin]:
    for plugin_id, status in host.statuses.items():
        try:
            title = manifest_of(host.installed(plugin_id)).title
        except PluginWithheld:
            title = plugin_id
        badge, state = PLUGIN_STATES[status.state]
        told = (problem for problem in host.problems.known(plugin_id) if problem.message != status.reason)
        problems = [_shown_problem(problem) for problem in told]
        yield ShownPlugin(title, badge, state, status.reason, problems)


def _shown_problem(problem: Problem) -> ShownProblem:
    times = "once" if problem.count == 1 else f"{problem.count:,} times"
    badge, title = ("triangle bad", "Serious") if problem.is_critical else ("diamond warn", "Problem")
    return ShownProblem(badge, title, f"{problem.message} ({times})")


def _waiting_plugins(plugins: Sequence[ShownPlugin]) -> Iterator[WaitingItem]:
    for plugin in plugins:
        if plugin.state not in {"On", "Off"}:
            yield WaitingItem(f"{plugin.title}: {plugin.state.lower()}", plugin.reason or "See the log of the server.")
        elif any(problem.title == "Serious" for problem in plugin.problems):
            yield WaitingItem(f"{plugin.title} has a serious problem", plugin.problems[0].words)


def _waiting_jobs(server: Server, jobs: Sequence[Job], now: datetime) -> Iterator[WaitingItem]:
    for job in jobs:
        if job.status in {"FAILED", "DEAD"} and job.ended_at is not None and now - job.ended_at < FAILED_LATELY:
            yield WaitingItem(f"{_title(server, job)} failed", job.problem or "It did not say why.")


def _shown_job(server: Server, job: Job, actor: Actor, now: datetime) -> ShownJob:
    badge, state = JOB_STATES[job.status]
    is_running = job.status == "RUNNING"
    progress = f"{job.done:,}" if job.total is None else f"{job.done:,} of {job.total:,}"
    may_cancel = job.status in {"QUEUED", "RUNNING"} and not job.is_cancel_requested and actor.may(JOBS_MANAGE)
    return ShownJob(
        title=_title(server, job),
        badge=badge,
        state="Stopping" if is_running and job.is_cancel_requested else state,
        is_running=is_running,
        done=job.done,
        total=job.total,
        progress=progress,
        words=" ".join(_words(job, progress, ZoneInfo(server.company.time_zone), now)),
        cancel_address=f"/console/jobs/{job.id}/cancel" if may_cancel else None,
    )


def _title(server: Server, job: Job) -> str:
    kind = server.job_kinds.get(job.kind)
    return job.kind if kind is None else kind.job.title


def _words(job: Job, progress: str, zone: ZoneInfo, now: datetime) -> Iterator[str]:
    if job.status == "RUNNING":
        yield f"{progress}." if job.total is not None or job.done else "Begun."
        if job.message:
            yield f"{job.message.rstrip('.')}."
        if job.started_at is not None:
            yield f"Started {_moment(job.started_at, zone)}{_time_left(job, now)}."
    elif job.status == "QUEUED":
        yield f"Starts {_moment(job.run_after, zone)} or as soon as there is room."
    elif job.ended_at is not None:
        if job.problem and job.status in {"FAILED", "DEAD"}:
            yield job.problem
        if job.total is not None and job.status == "SUCCEEDED":
            yield f"{progress}."
        yield f"Ended {_moment(job.ended_at, zone)}."


def _time_left(job: Job, now: datetime) -> str:
    if job.started_at is None or not job.total or not job.done:
        return ""
    passed_s = (now - job.started_at).total_seconds()
    left_s = passed_s * max(0, job.total - job.done) / job.done
    if passed_s < MEASURABLE_S:
        return ""
    minutes = round(left_s / 60)
    return f", about {minutes} minutes left" if minutes > 1 else ", about a minute left"


def _moment(moment: datetime, zone: ZoneInfo) -> str:
    local = moment.astimezone(zone)
    return f"{local.day} {local:%B %Y at %H:%M}"
