"""Whether a mask can be trusted, from its raw numbers in masks.csv."""

from darkroom.config.framing import SelectionSettings
from darkroom.framing.supplied_masks import SUPPLIED
from darkroom.framing.tables import MaskRow


def mask_problem(row: MaskRow, settings: SelectionSettings) -> str:
    """Why a mask (its row of masks.csv) cannot be trusted, in words; empty where it can, or where there is no subject.

    The user's own masks are never doubted. Where two models were compared, their agreement decides as far as it is
    clear; in between, and where there is one model, the mask's own numbers decide. A number that is not there is no
    ground for doubt.
    """
    if row.source == SUPPLIED or row.box is None:
        return ""
    if row.agreement is not None and row.agreement >= settings.sure_agreement:
        return ""
    for words, name, number, least in (
        ("models disagree", "agreement", row.agreement, settings.min_agreement),
        ("seen otherwise in the mirror", "looks", row.looks, settings.min_agreement),
        ("unsure", "expected", row.expected, settings.min_expected),
        ("in several pieces", "largest", row.largest, settings.min_largest),
    ):
        if number is not None and number < least:
            return f"{words}: {name} {number:.2f} is below {least:g}"
    return ""
