"""Import an uploaded file as a job, with the same steps as the command line."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from regulars.ingest.plans import plan_import
from regulars.jobs.run import JobRun
from regulars.plugins.contributions import Job
from regulars.touchpoints.types import TouchpointTypes

__all__ = ["IMPORTS_RUN", "IMPORT_JOB", "import_job", "upload_path"]

IMPORT_JOB = "core.import"
IMPORTS_RUN = "imports:run"


def upload_path(folder: Path, upload_id: str) -> Path:
    """Return where an upload lies; its name is never a client's."""
    return folder / f"{upload_id}.upload"


def import_job(*, uploads: Path, types: TouchpointTypes) -> Job:
    """Return the job that imports a file which was uploaded into ``uploads``."""

    async def run(job: JobRun) -> Mapping[str, Any]:
        from regulars.ingest.files import inspect_file  # readers and writers of files are for imports alone
        from regulars.ingest.service import FileImport

        path = upload_path(uploads, str(job.input["upload"]))
        file = inspect_file(path, format=str(job.input["format"]))
        plan = plan_import(
            str(job.input["kind"]),
            columns=job.input.get("columns"),
            source=job.input.get("source"),
            create_customers=job.input.get("createCustomers"),
            time_zone=job.input.get("timeZone"),
        )
        importing = FileImport(file, plan, types, job, job.clock, str(job.input["actor"]))

        async def tell(done: int, total: int) -> None:
            await job.progress(done, total, "Importing")

        rejects = path.with_suffix(".rejected.csv")
        if job.input.get("dryRun"):
            report = await importing.attempt(rejects=rejects, tell=tell)
        else:
            report = await importing.run(rejects=rejects, tell=tell)
        return report.as_json()

    return Job(IMPORT_JOB, run=run, title="Import a file", permission=IMPORTS_RUN, timeout=timedelta(hours=12))
