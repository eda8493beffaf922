"""The dashboard's entry: `streamlit run` calls this file.

Processes that read samples import it too, so it imports nothing before it is run.
"""

from __future__ import annotations


def main() -> None:
    """Show the page that was chosen; a wrong setting becomes a message."""
    from goldspan.dashboards.navigation import show_page

    show_page()


if __name__ == "__main__":
    main()
