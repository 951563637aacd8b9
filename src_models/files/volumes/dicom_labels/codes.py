"""What a name of an organ is in codes, as DICOM asks of every segment (PS3.16, CID 7150 and CID 7166; SNOMED CT).

A name that is not known here gets the general code *Tissue*, which is what 3D Slicer gives a segment that nobody has
coded. What a person called it stays in the segment's label.

Examples
--------
>>> coding = coded("left kidney")
>>> coding.kind.value, coding.kind.meaning, coding.side.meaning
('64033007', 'Kidney', 'Left')
>>> coded("something bright").kind.meaning
'Tissue'
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["Code", "Coding", "coded"]


class Code(NamedTuple):
    """A code of a terminology.

    Parameters
    ----------
    value, scheme, meaning
        The code, the terminology's short name (``SCT``, ``DCM``), and the code in words.
    """

    value: str
    scheme: str
    meaning: str


class Coding(NamedTuple):
    """What a segment is, in codes.

    Parameters
    ----------
    category
        SegmentedPropertyCategory.
    kind
        SegmentedPropertyType.
    side
        Its modifier: left or right; None where the name tells none.
    """

    category: Code
    kind: Code
    side: Code | None = None


_ANATOMY = Code("91723000", "SCT", "Anatomical Structure")
_ABNORMAL = Code("49755003", "SCT", "Morphologically Abnormal Structure")
_TISSUE = Code("85756007", "SCT", "Tissue")
_SIDES = {"left": Code("7771000", "SCT", "Left"), "right": Code("24028007", "SCT", "Right")}
_SIDES |= {"l": _SIDES["left"], "r": _SIDES["right"]}

# By pydicom's names of SNOMED CT's concepts: what people and models call them, without a side.
_ORGANS = {
    ("10200004", "Liver"): ("liver",),
    ("78961009", "Spleen"): ("spleen",),
    ("64033007", "Kidney"): ("kidney", "kidneys"),
    ("15825003", "Aorta"): ("aorta",),
    ("69695003", "Stomach"): ("stomach",),
    ("15776009", "Pancreas"): ("pancreas",),
    ("28231008", "Gallbladder"): ("gallbladder", "gall bladder"),
    ("39607008", "Lung"): ("lung", "lungs"),
    ("272673000", "Bone"): ("bone", "bones", "skeleton"),
    ("12738006", "Brain"): ("brain",),
    ("80891009", "Heart"): ("heart",),
    ("32849002", "Esophagus"): ("esophagus", "oesophagus"),
    ("38848004", "Duodenum"): ("duodenum",),
    ("71854001", "Colon"): ("colon",),
    ("30315005", "Small intestine"): ("small intestine", "small bowel"),
    ("14742008", "Large intestine"): ("large intestine", "large bowel"),
    ("23451007", "Adrenal gland"): ("adrenal gland", "adrenal glands", "adrenal"),
    ("41216001", "Prostate"): ("prostate",),
    ("44567001", "Trachea"): ("trachea",),
    ("113197003", "Rib"): ("rib", "ribs"),
    ("51282000", "Vertebra"): ("vertebra", "vertebrae"),
    ("71341001", "Femur"): ("femur", "femurs"),
    ("64131007", "Inferior vena cava"): ("inferior vena cava", "postcava", "ivc"),
    ("32764006", "Portal vein"): ("portal vein",),
    ("2748008", "Spinal cord"): ("spinal cord",),
    ("54735007", "Sacrum"): ("sacrum",),
}
_CHANGES = {
    ("108369006", "Neoplasm"): ("tumour", "tumor", "tumours", "tumors", "neoplasm"),
    ("52988006", "Lesion"): ("lesion", "lesions"),
    ("27925004", "Nodule"): ("nodule", "nodules"),
    ("367643001", "Cyst"): ("cyst", "cysts"),
}
_KINDS = {
    name: (category, Code(value, "SCT", meaning))
    for category, table in ((_ANATOMY, _ORGANS), (_ABNORMAL, _CHANGES))
    for (value, meaning), names in table.items()
    for name in names
}


def coded(name: str) -> Coding:
    """Return the codes of what a segment is called: its words in any case, with a side before or after them."""
    words = re.sub(r"[\W_]+", " ", name.casefold()).split()
    sides = [_SIDES[word] for word in words if word in _SIDES]
    category, kind = _KINDS.get(" ".join(word for word in words if word not in _SIDES), (_TISSUE, _TISSUE))
    known = kind is not _TISSUE and len(sides) == 1
    return Coding(category, kind, sides[0] if known else None)
