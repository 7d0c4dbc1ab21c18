"""Presentation states, read with pydicom. Usage: see cases.py.

highdicom reads no presentation states; what it writes with the same contents is compared attribute by
attribute.
"""

import cases
import numpy as np
import pydicom


def pairs(numbers):
    return np.array(numbers, np.float64).reshape(-1, 2).tolist()


def uids(item):
    return [r.ReferencedSOPInstanceUID for r in item.get("ReferencedImageSequence", [])]


def figure(item):
    return {
        "points": pairs(item.GraphicData),
        "filled": item.get("GraphicFilled") == "Y",
        "units": item.GraphicAnnotationUnits,
        "kind": item.GraphicType,
    }


def text(item):
    boxed = "BoundingBoxTopLeftHandCorner" in item
    return {
        "text": item.UnformattedTextValue,
        "anchor": pairs(item.AnchorPoint)[0] if "AnchorPoint" in item else None,
        "box": [
            pairs(item.BoundingBoxTopLeftHandCorner)[0],
            pairs(item.BoundingBoxBottomRightHandCorner)[0],
        ]
        if boxed
        else None,
    }


def found_state(path):
    state = pydicom.dcmread(path)
    layers = sorted(state.GraphicLayerSequence, key=lambda layer: layer.GraphicLayerOrder)
    voi = state.SoftcopyVOILUTSequence[0]
    area = state.DisplayedAreaSelectionSequence[0]
    return {
        "label": state.ContentLabel,
        "description": state.ContentDescription,
        "window": [float(voi.WindowCenter), float(voi.WindowWidth)],
        "layers": [layer.GraphicLayer for layer in layers],
        "images": uids(state.ReferencedSeriesSequence[0]),
        "rescale": [float(state.RescaleSlope), float(state.RescaleIntercept)],
        "area": [
            list(area.DisplayedAreaTopLeftHandCorner),
            list(area.DisplayedAreaBottomRightHandCorner),
        ],
        "annotations": [
            {
                "layer": item.GraphicLayer,
                "images": uids(item),
                "figures": [figure(f) for f in item.get("GraphicObjectSequence", [])],
                "texts": [text(t) for t in item.get("TextObjectSequence", [])],
            }
            for item in state.GraphicAnnotationSequence
        ],
    }


def missing(path):
    """Attributes that highdicom writes for such a state and we do not."""
    from highdicom.pr import (
        AnnotationUnitsValues,
        GraphicAnnotation,
        GraphicLayer,
        GraphicObject,
        GraphicTypeValues,
        GrayscaleSoftcopyPresentationState,
        SoftcopyVOILUTTransformation,
    )

    images = [pydicom.dcmread(p) for p in sorted((path.parent / "ct").glob("*.dcm"))]
    layer = GraphicLayer("NODULES", 1)
    points = np.array([[0.5, 0.5], [12.5, 10.5]])
    line = GraphicObject(GraphicTypeValues.POLYLINE, points, AnnotationUnitsValues.PIXEL)
    reference = GrayscaleSoftcopyPresentationState(
        images,
        pydicom.uid.generate_uid(),
        1,
        pydicom.uid.generate_uid(),
        1,
        "maker",
        "model",
        "1",
        "1",
        "LABEL",
        graphic_annotations=[
            GraphicAnnotation(images[:1], graphic_layer=layer, graphic_objects=[line])
        ],
        graphic_layers=[layer],
        voi_lut_transformations=[
            SoftcopyVOILUTTransformation(window_center=40.0, window_width=400.0)
        ],
    )
    ours = pydicom.dcmread(path)
    # Each of these sequences is compared by its first item.
    for one, other, where in [
        (reference, ours, ""),
        *[
            (reference[tag][0], ours[tag][0], tag + ".")
            for tag in (
                "GraphicAnnotationSequence",
                "GraphicLayerSequence",
                "DisplayedAreaSelectionSequence",
                "SoftcopyVOILUTSequence",
                "ReferencedSeriesSequence",
            )
        ],
    ]:
        for element in one:
            if element.tag not in other and element.value not in ("", None):
                yield where + element.keyword


# What highdicom adds and the standard does not ask for; we give pixels' spacing instead of their ratio.
OPTIONAL = {
    "ContributingEquipmentSequence",
    "GraphicLayerDescription",
    "PixelOriginInterpretation",
    "PresentationPixelAspectRatio",
    "SpecificCharacterSet",
    "TimezoneOffsetFromUTC",
}


def differences(path, expected):
    found = found_state(path)
    if found != expected:
        yield f"\n  {found}\n  {expected}"
    absent = [k for k in missing(path) if k.split(".")[-1] not in OPTIONAL]
    if absent:
        yield f"lacks {absent}"


if __name__ == "__main__":
    cases.compare(("presentation-state-*", cases.of_each_file(differences)))
