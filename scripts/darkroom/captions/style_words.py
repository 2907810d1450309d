"""For a style nothing of the style is said: its name, medium, technique and palette belong to the trigger."""

import re

from darkroom.captions.word_classes import PICTURE_NOUNS

MEDIA = (
    "watercolou?r|oil|acrylic|pastel|charcoal|ink|pencil|gouache|anime|manga|comic|pixel art|line art|vector(?: art)?|"
    r"3d|cgi|digital art|clip art|woodcut|linocut|engraving|etching|collage|mosaic|graffiti|low[- ]poly|voxel|"
    r"claymation|ukiyo-e|woodblock|impasto|risograph|screen ?print|lithograph|fresco|stained glass|tempera|chalk|crayon"
)
WORK = rf"(?:{PICTURE_NOUNS}|art|print|model|on canvas|{MEDIA})"
MANNER = r"(?: in (?:the|an?) (?:[\w'’-]+ )*?(?:style|manner)(?: of (?:[\w'’-]+ )*?[\w'’-]+)?)?"
WORK_OF = re.compile(
    rf"^(?:an? |the )?(?:[\w-]+ ){{0,6}}?{WORK}(?:[- ]style)?(?: {WORK})*{MANNER} "
    rf"(?:of|depicting|showing|shows|depicts) ",
    re.IGNORECASE,
)
STYLE = (
    rf"(?:style[ds]?|{MEDIA}|brush ?(?:strokes?|work)|strokes|palette|hues|linework|line work|outlines?|shading|"
    r"cel|minimalis\w*|impressionis\w*|expressionis\w*|surreal\w*|abstract|photorealis\w*|realis\w*|painterly|canvas|"
    r"textured?|paper|grainy|film grain|grain|vintage|retro|saturated|monochrome|hatching|halftone|medium|technique|"
    r"artwork|film|illustration|shapes|artist\w*|aesthetic|highres|absurdres|colou?rs|rendered|hand-drawn|"
    r"hand-painted|reminiscent|cartoonish|chiaroscuro|octane|isometric)"
)
ABOUT_STYLE = re.compile(rf"\b{STYLE}\b", re.IGNORECASE)
TAIL = re.compile(
    rf",? (?:in|with|using|(?:shot |printed )?on|against|done in"
    rf"|drawn in|painted in|rendered in) (?:an? |the )?(?:[\w-]+ ){{0,4}}?{STYLE}"
    rf"(?: (?:and|of) (?:[\w-]+ ){{0,3}}?{STYLE})*(?=$|,)",
    re.IGNORECASE,
)
HAS_STYLE = re.compile(
    r"^(?:it|(?:the|this) \w+) (?:has|have|is (?:drawn|painted|rendered|done|executed) in) an? (?:[\w-]+,? ){1,6}?"
    r"(?:quality|palette|feel|look|style|technique)\b|^(?:very )?grainy\b",
    re.IGNORECASE,
)
WHOLE = re.compile(rf"^(?:[\w-]+ )*?{STYLE}$", re.IGNORECASE)
TELLS_STYLE = re.compile(
    rf"^(?:the |this |its |it is |done |drawn |painted |rendered |executed |made )(?:[\w-]+ )*?{STYLE}\b", re.IGNORECASE
)


def drop_style(sentences: list[str]) -> list[str]:
    """The sentences without what names or describes the style; what the picture shows stays."""
    said = []
    for sentence in sentences:
        if HAS_STYLE.search(sentence):
            continue
        content = WORK_OF.sub("", sentence)
        if content == sentence and TELLS_STYLE.match(sentence):
            continue
        clauses = [TAIL.sub("", clause).strip() for clause in TAIL.sub("", content).split(",")]
        kept = [clause for clause in clauses if clause and not _is_style(clause)]
        if kept:
            said.append(", ".join(kept))
    return said


def _is_style(clause: str) -> bool:
    few = len(clause.split()) <= 4 and re.search(rf"{STYLE}$", clause, re.IGNORECASE)
    return bool(WHOLE.match(clause) or TELLS_STYLE.match(clause) or (few and ABOUT_STYLE.search(clause)))


def is_style_tag(tag: str) -> bool:
    """Whether a tag names or describes a style."""
    return bool(ABOUT_STYLE.search(tag)) or tag in (
        "sketch",
        "painting",
        "traditional media",
        "illustration",
        "drawing",
    )
