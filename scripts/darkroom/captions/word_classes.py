"""The closed word classes by which a description is read: English as captioners write it."""

import re


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


DETERMINERS = words("a an the this that these those his her its their one two three four five six several some many")
PREPOSITIONS = words(
    "on in at by with without under over above below behind beside near against between among amid across through "
    "into onto along around inside outside from toward towards beneath beyond atop before after during to for as "
    "next while where which who that"
)
# Longest first, so that "in front of" is one cut and not two.
LONG_PREPOSITIONS = (
    "in front of", "on top of", "in the middle of", "in the center of", "in the centre of", "on the side of",
    "next to", "close to", "out of", "at the top of", "at the bottom of", "on the edge of", "surrounded by",
    "filled with", "covered in", "covered with", "covered by", "lit by", "decorated with",
)  # fmt: skip
VERBS = words(
    "is are was were be being been has have had stands sits lies rests looks holds wears walks runs plays jumps poses "
    "leans hangs faces seems appears seen shown placed set standing sitting lying resting painted parked surrounded "
    "located positioned perched visible dressed covered and or but comes come reads says shows show fills fill casts "
    "illuminates rises shines falls grows floats swims flies sleeps eats drinks reaches carries rides drives stares "
    "gazes smiles laughs cries tied pulled styled swept written printed topped upholstered crafted "
    "carved enters enter streams pours "
    "filters splashes clad lined seated marked written cover stand sit lie hang"
)
NOT_VERBS_IN_ING = words(
    "building painting clothing ceiling evening morning string ring king thing wing lightning spring railing drawing "
    "wedding earring something everything nothing anything sling awning paving flooring bedding stuffing lighting "
    "shading lettering piercing siding backlighting plating"
)
DOING_OF = {
    "sits": "sitting", "stands": "standing", "lies": "lying", "rests": "resting", "leans": "leaning", "poses": "posing",
    "looks": "looking", "walks": "walking", "runs": "running", "sleeps": "sleeping", "smiles": "smiling",
    "wears": "wearing", "holds": "holding", "carries": "carrying", "rides": "riding", "plays": "playing",
}  # fmt: skip
# "A swimming pool": what follows makes a thing of the doing.
THINGS_FOR_DOING = words(
    "pool room table shoes jacket stick helmet machine bag lot rod cart board chair boat gown hat suit trunks track "
    "gear hood light lights program poles water card cards party booth area"
)
TRANSITIVE = words("wearing holding carrying riding driving pushing pulling using eating drinking reading playing")
COLOURS = words(
    "red orange yellow green blue purple pink white black brown grey gray golden gold silver beige tan cream teal "
    "turquoise violet magenta cyan maroon navy colorful colourful multicolored striped spotted"
)
HAIR = words(
    "hair haired hairstyle bun braid braids ponytail pigtails bangs curls dreadlocks bob fringe twintails "
    "beard moustache mustache stubble goatee sideburns"
)
# What a body is made of, and what is grown or drawn on it: the looks of a character or a toy.
TRAITS = HAIR | words(
    "eyes eye fur freckles skin face nose ears ear tail mane paws paw whiskers spots stripes feathers plumage beak "
    "horns muzzle snout complexion eyebrows lips cheeks cheekbones head body belly breast chest neck arms legs feet "
    "hooves wings claws tattoo tattoos wrinkles scar dimples build features markings patches mole tooth teeth breasts "
    "chin nails skinned heterochromia blaze gap fingers toes abs six-pack stripe patch piercing "
    "piercings braces birthmark birthmarks physique eyelashes lashes jawline wheels handle "
    "buttons antenna antennas lid spout pupils"
)
# What an object is made of: only of objects, since a man may stand before a wall with windows.
PARTS = words(
    "strap straps pattern design logo text word words letters lettering label inscription number seat seats back "
    "backrest armrests pocket pockets zipper laces sole soles heel tab toe bumper bumpers tire tires rims headlights "
    "windows window roof doors door chimney screen keyboard dial hands base rim bottom surface finish trim drawer "
    "drawers shade stem petals leg print stitching hinge hinges knob knobs buckle clasp clip numerals engraving "
    "strings finish brim cap body frame "
    "bell bells trigger inlay inlays siding shutters paint spoiler sunroof compartments compartment laces lens porch "
    "keycaps walls chain band backlighting emerald diamond gemstone ruby sapphire"
)
WORN = words(
    "dress shirt t-shirt tshirt blouse sweater jumper hoodie jacket coat blazer suit tie necktie bowtie bow vest "
    "waistcoat cardigan turtleneck top jeans pants trousers shorts skirt leggings stockings socks shoes boots sneakers "
    "sandals heels slippers hat cap beanie helmet hood crown tiara headband scarf bandana shawl gloves mittens belt "
    "glasses sunglasses eyeglasses goggles mask earrings earring necklace bracelet watch ring rings jewelry choker "
    "pendant collar harness leash saddle bridle vest raincoat swimsuit bikini uniform costume robe gown kimono apron "
    "overalls jumpsuit tuxedo pyjamas pajamas ribbon veil cape cloak headphones backpack bag handbag purse outfit "
    "clothes clothing attire sweatshirt polo underwear"
)
LIMBS = words("arms arm hands hand legs leg head eyes eye mouth tongue back face paws paw tail ears feet lips")
# What passes: a wet coat is no trait of a dog.
STATES = words(
    "wet closed open crossed raised wagging outstretched hanging folded muddy dirty dusty sandy tilted smiling tired "
    "sleepy half-closed lowered bent extended turned lifted curled sticking blowing flowing windswept bleeding damp "
    "perked narrowed squinted missing broken lit smile expression grin frown look gaze pose"
)
MATERIALS = words(
    "wooden wood metal metallic plastic ceramic porcelain glass leather brass steel chrome silver gold cotton wool "
    "woolen knitted plush stuffed rubber paper cardboard stone marble concrete denim silk velvet furry clay"
)
LOOKS = (
    COLOURS
    | MATERIALS
    | words(
        "small large big tiny huge little tall short long thin slim slender chubby fat muscular stocky young old "
        "elderly middle-aged adult fluffy shaggy curly straight wavy bald bearded freckled round square rectangular "
        "oval flat curved shiny glossy matte smooth rough soft vintage antique modern retro classic cute adorable "
        "beautiful pretty handsome light dark pale bright blonde brunette red-haired asian black-haired patterned "
        "floral plain simple very mostly all and predominantly quite rather slightly fair tanned"
    )
)
# "It is a sunny day" says nothing of the subject.
OCCASIONS = words("day night morning evening afternoon sunset sunrise winter summer autumn spring birthday party time")
# Others whose looks are not the subject's.
OTHERS = words(
    "woman women man men girl girls boy boys person people child children kid kids lady baby friend friends couple "
    "dog dogs cat cats horse horses bird birds cow cows sheep player players animal animals someone another "
    "daughter son mother father sister brother wife husband boyfriend girlfriend dad mom grandmother grandfather"
)
PICTURE_NOUNS = (
    "image|picture|photo|photograph|photography|scene|shot|snapshot|portrait|selfie|close-up|closeup|close up|view|"
    "illustration|painting|drawing|sketch|artwork|rendering|render|cartoon|screenshot"
)
# What tells of the file and of who made it, and how many are in the picture: never content of a caption.
META_TAGS = re.compile(
    r"^(?:\d+(?:girl|boy|other)s?|multiple (?:girls|boys|others)|source [a-z]+|"
    r"solo(?: focus)?|no humans|animal focus|(?:fe)?male focus|highres|absurdres|"
    r"lowres|commentary.*|"
    r"masterpiece|(?:best|high|good|normal) quality|score \d.*|rating:.*|source:.*|signature|watermark|artist name|web "
    r"address|username|jpeg artifacts|photo(?: \(medium\))?|photorealistic|realistic|8k|4k|hd|uncensored|general|safe)$"
)
# By these a subject may be named again: "the bunny" of "a stuffed bunny toy".
CREATURES = words(
    "robot bunny rabbit bear teddy duck doll dinosaur elephant lion tiger monkey frog pig unicorn dragon fox "
    "owl penguin "
    "cat dog puppy kitten retriever terrier shepherd collie corgi poodle bulldog pony bird fish turtle snowman"
)
LIKENESSES = words("toy figure figurine statue sculpture doll plush plushie puppet")
POSSESSIVES = words("its her his their")
SHE = words("woman girl lady female mother bride actress queen princess")
HE = words("man boy guy gentleman male father groom actor king prince")
THEY = words("person people child kid couple")
# One word for another, where the class word itself is not said.
SYNONYMS = (
    words("woman girl lady female gal bride ballerina"),
    words("man guy boy gentleman male fellow dude groom"),
    words("person woman man lady guy girl boy someone"),
    words("dog puppy pup canine hound doggy"),
    words("cat kitten kitty feline"),
    words("car vehicle automobile sedan coupe convertible"),
    words("baby infant newborn toddler"),
    words("bicycle bike"),
)
# "The car door", "a shoe box": what is the subject's, or for it, and not the subject.
PARTS_OF_THINGS = words(
    "face dial strap straps band hand hands case box key keys door doors window windows seat seats interior lid cap "
    "handle string strings shade stand base wheel wheels hood bed bowl food collar leash park lot garage shop store "
    "rack sole soles lace laces tag spout cover page pages neck bag holder mat roof"
)
NOT_VERBS_IN_S = words(
    "sports news christmas lens canvas series species goods games arts graphics always perhaps texas paris mercedes "
    "atlas kids mens womens ladies girls boys overseas besides sometimes outdoors indoors upstairs downstairs"
)

WORD = re.compile(r"[\w'’-]+")


def is_verb(word: str) -> bool:
    """Whether a word ends a noun phrase as a verb or conjunction would."""
    word = word.lower()
    return word in VERBS or (word.endswith("ing") and len(word) > 4 and word not in NOT_VERBS_IN_ING)


def is_doing(word: str, following: str) -> bool:
    """Whether a word ends a noun phrase as a verb would, seen with the word after it."""
    return is_verb(word) and not (word.endswith("ing") and word not in TRANSITIVE and following in THINGS_FOR_DOING)


def is_third_person(word: str, phrase: str, following: str) -> bool:
    """Whether an unknown word such as 'feeds' is the verb after a noun phrase in the singular ("an old lady")."""
    said = phrase.lower().split()
    singular = said[:1] in (["a"], ["an"]) or (bool(said) and said[-1] in HAIR | {"fur", "skin"})
    known = bool(said) and said[-1] in TRAITS | PARTS | WORN and following in PREPOSITIONS | DETERMINERS
    shaped = len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is", "'s", "’s"))
    listed = any(part in ("of", "few", "and", "full") or is_verb(part) for part in said)
    thing = (
        listed or word.endswith("wards") or word in NOT_VERBS_IN_S | WORN | TRAITS | PARTS or following in PARTS | WORN
    )
    return ((singular and len(said) > 1) or known) and shaped and not thing and said[-1] != word


def participle(verb: str) -> str:
    """'applying' of 'applies', 'hugging' of 'hugs', 'carving' of 'carves'; other forms as they are."""
    if not verb.endswith("s"):
        return verb
    if verb.endswith("ies") and len(verb) > 4:
        return f"{verb[:-3]}ying"
    stem = re.sub(r"(?<=ss|sh|ch|zz)es$|(?<=x|o)es$|s$", "", verb)
    if re.fullmatch(r"[^aeiou]*[aeiou][^aeiouwxy]", stem):
        return f"{stem}{stem[-1]}ing"
    return f"{stem[:-1] if stem.endswith('e') and not stem.endswith(('ee', 'oe', 'ye')) else stem}ing"


def ends_noun_phrase(word: str) -> bool:
    """Whether a noun phrase stops before this word."""
    return word.lower() in PREPOSITIONS or is_verb(word)


def is_person(noun: str) -> bool:
    """Whether a class word names a person."""
    return noun.lower() in SHE | HE | THEY


def pronoun(noun: str) -> tuple[str, str, str]:
    """The pronoun of a class word, its possessive and what follows "behind": she, her, her for woman."""
    noun = noun.lower()
    if noun in SHE:
        return "she", "her", "her"
    if noun in HE:
        return "he", "his", "him"
    return ("they", "their", "them") if noun in THEY else ("it", "its", "it")
