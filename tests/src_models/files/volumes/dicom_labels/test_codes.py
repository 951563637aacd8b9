"""Codes of organs, against pydicom's own copy of the terminologies."""

import pytest
from pydicom.sr.codedict import codes

from src_models.files.volumes.dicom_labels.codes import _KINDS, coded


@pytest.mark.parametrize(
    "name", ["Liver", "Spleen", "Kidney", "Aorta", "Stomach", "Pancreas", "Gallbladder", "Lung", "Bone", "Esophagus"]
)
def test_organs_have_the_codes_that_the_standard_gives_them(name):
    coding = coded(name)
    assert coding.kind.value == getattr(codes.SCT, name).value
    assert coding.category.value == codes.cid7150.AnatomicalStructure.value


def test_every_code_has_the_meaning_that_the_terminology_gives_it():
    meanings = {}
    for keyword in codes.SCT.dir():
        code = getattr(codes.SCT, keyword)
        meanings.setdefault(code.value, set()).add(code.meaning.casefold())
    for _, code in _KINDS.values():
        assert any(one.startswith(code.meaning.casefold()) for one in meanings[code.value]), code


@pytest.mark.parametrize("name", ["left kidney", "Kidney_Left", "KIDNEY (L)", "kidney-left"])
def test_sides_are_told(name):
    assert coded(name).kind.meaning == "Kidney"
    assert coded(name).side.value == codes.cid244.Left.value
    assert coded("right lung").side.value == codes.cid244.Right.value


def test_changes_are_no_organs():
    assert coded("Tumour").category.value == codes.cid7150.MorphologicallyAbnormalStructure.value


@pytest.mark.parametrize("name", ["", "the bright thing", "left", "liver vessel", "Segment 3"])
def test_other_names_have_the_general_code(name):
    coding = coded(name)
    assert coding.kind.value == coding.category.value == codes.cid7150.Tissue.value
    assert coding.side is None
