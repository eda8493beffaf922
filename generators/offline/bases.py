"""Document types that use the lists of another type of the grammar."""

from __future__ import annotations

from collections.abc import Mapping

BASES: Mapping[str, tuple[str, ...]] = {
    "email_thread": ("support_email",),
    "sms": ("chat",),
    "voice_note": ("phone_transcript",),
    "note": ("support_email", "hr_memo", "delivery_note", "phone_transcript"),
    "post": ("forum_post",),
    "news": ("accident_report",),
    "form": ("rental_contract", "hr_memo", "delivery_note"),
    "table": ("hr_memo",),
    "record": ("delivery_note",),
    "log": ("delivery_note",),
    "scan": ("medical_letter", "bank_letter", "accident_report", "rental_contract", "invoice", "hr_memo"),
}
"""The grammar's document types whose lists a register uses."""
