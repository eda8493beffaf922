"""Entry point of the dashboard, run by Streamlit.

Worker processes import this module too, so it imports nothing at module level.
"""

from __future__ import annotations


def main() -> None:
    """Show the selected page; configuration errors become messages."""
    from goldspan.dashboards.navigation import show_page

    show_page()


if __name__ == "__main__":
    main()
