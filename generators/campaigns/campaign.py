"""Campaigns: several runs of one specification, with one file that says which.

The file `<runs>/<name>.campaign.json` (`schemas/campaign.schema.json`) is written whole before anything is asked. What
was answered stands in the journals of the runs alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import orjson

from goldspan import schemas
from goldspan.annotation.errors import InputError, StateError, UnknownNameError
from goldspan.annotation.files import explain_disk, make_private_folder, write_atomic
from goldspan.annotation.identity import digest
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.generators.runs.folder import check_run_name, name_run
from goldspan.generators.runs.run import Limits
from goldspan.generators.runs.settings import RunSettings

FORMAT = 1
ENDING = ".campaign.json"
RUN_SAMPLES = 50_000
"""Samples of a run, near the batch limit of the providers."""

_MAY_CHANGE = ("price_in", "price_out", "price_source", "api_url", "window", "attempts")


@dataclass(frozen=True, slots=True)
class CampaignRun:
    """One run of a campaign: its name and settings."""

    name: str
    settings: RunSettings


@dataclass(frozen=True, slots=True)
class Campaign:
    """`settings.samples` are those of the whole; each run writes `run_samples` of them, the last one what is left.

    `limits` are those of the whole.
    """

    name: str
    settings: RunSettings
    run_samples: int = RUN_SAMPLES
    limits: Limits = field(default_factory=Limits)
    cancelled: bool = False

    def list_runs(self) -> Iterator[CampaignRun]:
        """The runs in order. Each has a seed of its own, drawn from the campaign's, so that no two ask the same."""
        for number, begin in enumerate(range(0, self.settings.samples, self.run_samples)):
            seed = int(digest(["campaign", self.settings.seed, number], 8), 16) >> 1
            samples = min(self.run_samples, self.settings.samples - begin)
            yield CampaignRun(f"{self.name}-{number:05}", replace(self.settings, samples=samples, seed=seed))

    def limit_parallel(self, parallel: int) -> int:
        """How many runs may be at work at a time, of `parallel` that were asked for.

        Only batches wait side by side. A live run keeps all workers busy and the account's limits a minute are counted
        in it, so live runs follow one another.
        """
        return parallel if self.settings.mode == "batch" else 1


def name_campaign(settings: RunSettings) -> str:
    """The name that settings give to a campaign, so that the same command finds it again."""
    return f"campaign-{name_run(settings)}"


def begin_campaign(workspace: Workspace, campaign: Campaign) -> Campaign:
    """The campaign of this name, written if it is not there; an existing one takes the new limits and prices.

    Raises:
        InputError: the name cannot name a file, or the settings have a plan.
        StateError: it was begun with other settings, or the disk refuses.
    """
    check_run_name(campaign.name)
    if campaign.settings.plan is not None:
        raise InputError("A campaign cannot fill gaps: the plan is made for one run. Use `goldspan generate start`.")
    known = _read(_place(workspace, campaign.name))
    if known:
        _require_same(known, campaign)
        settings = campaign.settings.keep_prices(known.settings)
        limits = _merge_limits(known.limits, campaign.limits)
        campaign = replace(campaign, settings=settings, limits=limits, cancelled=False)
    write_campaign(workspace, campaign)
    return campaign


def write_campaign(workspace: Workspace, campaign: Campaign) -> None:
    """Write the file of a campaign.

    Raises:
        StateError: the disk refuses.
    """
    path = _place(workspace, campaign.name)
    document = {
        "format": FORMAT,
        "settings": campaign.settings.to_dict(),
        "run_samples": campaign.run_samples,
        "limits": asdict(campaign.limits),
        "cancelled": campaign.cancelled,
    }
    with explain_disk(path):
        make_private_folder(path.parent)
        write_atomic(path, orjson.dumps(document, option=orjson.OPT_INDENT_2))


def read_campaign(workspace: Workspace, name: str = "") -> Campaign:
    """A campaign by name; without one the newest.

    Raises:
        UnknownNameError: there is none of that name.
        StateError: there is none at all, or its file is broken.
    """
    found = list_campaigns(workspace)
    if not name and not found:
        raise StateError(f"There is no campaign in {workspace.runs}. `goldspan generate campaign start` begins one.")
    if name and name not in found:
        raise UnknownNameError("campaign", name, found)
    campaign = _read(_place(workspace, name or found[0]))
    if campaign is None:
        raise StateError(f"The campaign {name or found[0]} was removed.")
    return campaign


def list_campaigns(workspace: Workspace) -> list[str]:
    """Names of campaigns, the newest first."""
    files = workspace.runs.glob(f"*{ENDING}") if workspace.runs.is_dir() else ()
    return [path.name.removesuffix(ENDING) for path in sorted(files, key=lambda path: -path.stat().st_mtime)]


def find_lock(workspace: Workspace, name: str) -> Path:
    """The file that the process which runs a campaign holds."""
    return workspace.runs / f"{name}.campaign.lock"


def _place(workspace: Workspace, name: str) -> Path:
    return workspace.runs / f"{name}{ENDING}"


def _read(path: Path) -> Campaign | None:
    try:
        document = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, orjson.JSONDecodeError) as error:
        raise StateError(f"{path} cannot be read ({type(error).__name__}).") from None
    if problems := schemas.validator("campaign").problems(document):
        raise StateError(f"{path} is broken: {problems[0].pointer or '/'} {problems[0].message}.")
    return Campaign(
        path.name.removesuffix(ENDING),
        RunSettings.from_dict(document["settings"]),
        document["run_samples"],
        Limits(**document["limits"]),
        document["cancelled"],
    )


def _merge_limits(known: Limits, now: Limits) -> Limits:
    return Limits(
        known.max_cost if now.max_cost is None else now.max_cost,
        known.max_tokens if now.max_tokens is None else now.max_tokens,
    )


def _require_same(known: Campaign, now: Campaign) -> None:
    before, after = ({**one.settings.to_dict(), "run_samples": one.run_samples} for one in (known, now))
    names = [name for name in before if name not in _MAY_CHANGE and _flatten(before[name]) != _flatten(after[name])]
    if names:
        listed = "; ".join(f"{name} was {before[name]}, now {after[name]}" for name in names)
        raise StateError(f"Campaign {known.name} was begun differently: {listed}. Give the new one another --name.")


def _flatten(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
