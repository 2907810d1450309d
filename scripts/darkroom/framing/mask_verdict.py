"""Whether a mask can be trusted, from its raw numbers in masks.csv."""

from darkroom.config.framing import SelectionSettings
from darkroom.framing.supplied_masks import SUPPLIED
from darkroom.storage.tables import Row


def mask_problem(row: Row, settings: SelectionSettings) -> str:
    """Why a mask (its row of masks.csv) cannot be trusted, in words; empty where it can, or where there is no subject.

    The user's own masks are never doubted. Where two models were compared, their agreement decides as far as it is
    clear; in between, and where there is one model, the mask's own numbers decide. A number that is not there is no
    ground for doubt.
    """
    if row.get("source") == SUPPLIED or not row["x0"]:
        return ""
    agreement = row.get("agreement")
    if agreement and float(agreement) >= settings.sure_agreement:
        return ""
    grounds = (
        ("models disagree", "agreement", settings.min_agreement),
        ("seen otherwise in the mirror", "looks", settings.min_agreement),
        ("unsure", "expected", settings.min_expected),
        ("in several pieces", "largest", settings.min_largest),
    )
    for words, name, least in grounds:
        number = row.get(name)
        if number and float(number) < least:
            return f"{words}: {name} {float(number):.2f} is below {least:g}"
    return ""
