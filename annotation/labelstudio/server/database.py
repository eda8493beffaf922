"""Translate database URLs into Label Studio's environment variables."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

from goldspan.annotation.errors import ConfigurationError

_EXAMPLE = "postgresql://user:password@127.0.0.1:5432/labelstudio"


def read_database_variables(database_url: str) -> dict[str, str]:
    """The environment variables that make Label Studio use this database; empty address: SQLite in its data folder.

    Raises:
        ConfigurationError: the address is not one of PostgreSQL, or lacks user, host or database name.
    """
    if not database_url:
        return {"DJANGO_DB": "sqlite"}
    try:
        parts = urlsplit(database_url)
        port = parts.port or 5432
    except ValueError:
        raise ConfigurationError(f"The database address has a broken port. It should look like {_EXAMPLE}") from None
    if parts.scheme not in {"postgresql", "postgres"}:
        raise ConfigurationError(f"Label Studio runs on SQLite or PostgreSQL: --database-url {_EXAMPLE}")
    name = unquote(parts.path.lstrip("/"))
    if not (parts.username and parts.hostname and name):
        raise ConfigurationError(f"The database address lacks user, host or database name. Example: {_EXAMPLE}")
    options = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    if unknown := options.keys() - {"sslmode"}:
        raise ConfigurationError(f"The database address may only carry sslmode, not {', '.join(sorted(unknown))}.")
    return {
        "DJANGO_DB": "default",
        "POSTGRE_USER": unquote(parts.username),
        "POSTGRE_PASSWORD": unquote(parts.password or ""),
        "POSTGRE_HOST": parts.hostname,
        "POSTGRE_PORT": str(port),
        "POSTGRE_NAME": name,
    } | {f"PG{key.upper()}": value for key, value in options.items()}


def describe_database(database_url: str) -> str:
    """`sqlite`, or the address without user and password."""
    if not database_url:
        return "sqlite"
    parts = urlsplit(database_url)
    return f"postgresql://{parts.hostname}:{parts.port or 5432}{parts.path}"
