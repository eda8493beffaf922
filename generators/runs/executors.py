"""Build the executor of a run from its settings and the execution options."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from goldspan.annotation.errors import ConfigurationError
from goldspan.annotation.origins import read_origin
from goldspan.generators.providers.budget import Prices
from goldspan.generators.providers.credentials import find_key, require_address
from goldspan.generators.providers.profiles import ProviderProfile, find_profile, normalise_url
from goldspan.generators.providers.protocol import Executor
from goldspan.generators.runs.folder import OpenRun
from goldspan.generators.runs.settings import RunSettings

if TYPE_CHECKING:
    from goldspan.generators.providers.live.pool import LiveLimits

OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class ExecutionOptions:
    """Execution options; none of them changes the requests.

    `max_workers` connections at most (live), `poll_interval` seconds between polls of a batch (0:
    adaptive), limits per minute (0: none), `wait` False leaves batches with the provider and returns. Fields
    that are None keep the run's earlier values, else those of `LiveLimits`.
    """

    max_workers: int | None = None
    poll_interval: float = 0.0
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    wait: bool = True


def read_limits(run: OpenRun, execution: ExecutionOptions) -> LiveLimits:
    """The limits of the live pool: those asked for now, else those that the run remembers; they are remembered."""
    from goldspan.generators.providers.live.pool import LiveLimits

    stored = asdict(LiveLimits()) | run.journal.read_settings().get("pool", {})
    asked = {
        "max_workers": execution.max_workers,
        "requests_per_minute": execution.requests_per_minute,
        "tokens_per_minute": execution.tokens_per_minute,
    }
    chosen = stored | {name: value for name, value in asked.items() if value is not None}
    if chosen != stored:
        run.journal.write_settings({"pool": chosen})
    return LiveLimits(**chosen)


def make_executor(run: OpenRun, execution: ExecutionOptions) -> Executor:
    """The executor of a run.

    Raises:
        ConfigurationError: there is no key, or the provider and the mode do not go together.
    """
    journal, settings, labels = run
    if settings.provider == OFFLINE:
        from goldspan.generators.offline.executor import OfflineExecutor

        return OfflineExecutor(labels, settings.phrase_families)
    profile = find_profile(settings.provider)
    url = find_url(settings, profile)
    key = find_key(profile, url)
    require_address(
        profile,
        url,
        f"the journal of run {journal.run_id}",
        f"goldspan generate resume {journal.run_id} --api-url {url}",
    )
    if settings.mode == "batch":
        from goldspan.generators.providers.batch.executor import BatchExecutor

        return BatchExecutor(
            journal=journal,
            profile=profile,
            base_url=url,
            api_key=key,
            window=settings.window or profile.windows[0],
            poll_interval=execution.poll_interval,
            wait=execution.wait,
        )
    from goldspan.generators.providers.live.pool import LiveExecutor

    return LiveExecutor(journal, url, key, read_limits(run, execution))


def find_url(settings: RunSettings, profile: ProviderProfile) -> str:
    """The base URL that requests go to: `--api-url` brought to its base, else the profile's."""
    return normalise_url(settings.api_url or profile.base_url)


def fill_prices(settings: RunSettings) -> RunSettings:
    """The settings with the prices that the provider lists now, where none were given, and their source."""
    if settings.provider == OFFLINE or None not in (settings.price_in, settings.price_out):
        return settings
    from goldspan.generators.providers.pricing import fetch_price

    profile = find_profile(settings.provider)
    url = find_url(settings, profile)
    try:
        key = find_key(profile, url)
    except ConfigurationError:
        return settings
    price = fetch_price(url, key, settings.model, _name_tier(settings))
    if price is None:
        return settings
    return replace(
        settings,
        price_in=price.prompt if settings.price_in is None else settings.price_in,
        price_out=price.completion if settings.price_out is None else settings.price_out,
        price_source=f"{read_origin(url)}, {datetime.now(UTC):%Y-%m-%d}",
    )


def _name_tier(settings: RunSettings) -> str:
    if settings.mode != "batch":
        return "live"
    return settings.window or find_profile(settings.provider).windows[0]


def knows_prices(settings: RunSettings) -> bool:
    """False if `find_prices` can only guess: the profile's prices are those of its default model."""
    if settings.provider == OFFLINE or None not in (settings.price_in, settings.price_out):
        return True
    profile = find_profile(settings.provider)
    return settings.model == profile.default_model and any(profile.find_price(_name_tier(settings)))


def find_prices(settings: RunSettings) -> Prices:
    """Prices of a run: those given, else the profile's for its tier; the offline author costs nothing."""
    if settings.provider == OFFLINE:
        return Prices()
    price = find_profile(settings.provider).find_price(_name_tier(settings))
    return Prices(
        price.prompt if settings.price_in is None else settings.price_in,
        price.completion if settings.price_out is None else settings.price_out,
    )
