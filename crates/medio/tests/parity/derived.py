"""Reports, parametric maps and presentation states by highdicom 0.28 and dcmqi 1.5.7, and what they hold.

    pip install highdicom==0.28.2 dcmqi==1.5.7 safetensors && python derived.py

dcmqi's program `tid1500writer` is looked for beside the Python that runs, or where DCMQI names a folder.
"""

import json
import os
import subprocess
import sys
import tempfile
from io import BytesIO
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
from highdicom import pm, pr, sr
from pydicom.sr.coding import Code
from pydicom.sr.codedict import codes

ROWS, COLUMNS, PLANES = 4, 5, 3
MM, MM2 = codes.UCUM.Millimeter, codes.UCUM.SquareMillimeter
MADE_BY = {
    "manufacturer": "maker",
    "manufacturer_model_name": "model",
    "software_versions": "1",
    "device_serial_number": "1",
}


def uid(number):
    return f"2.25.{number}"


def slice_of_ct(k):
    """An oblique slice: enough for the libraries to refer to."""
    # Decimal strings have at most sixteen characters.
    s, c = round(float(np.sin(0.3)), 9), round(float(np.cos(0.3)), 9)
    d = pydicom.Dataset()
    d.file_meta = pydicom.dataset.FileMetaDataset()
    d.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    d.SOPClassUID = pydicom.uid.CTImageStorage
    d.SOPInstanceUID = uid(500 + k)
    d.file_meta.MediaStorageSOPClassUID = d.SOPClassUID
    d.file_meta.MediaStorageSOPInstanceUID = d.SOPInstanceUID
    d.PatientName, d.PatientID = "Phantom^Eight", "P8"
    d.PatientBirthDate, d.PatientSex = "19800101", "F"
    d.StudyInstanceUID, d.SeriesInstanceUID = uid(51), uid(52)
    d.FrameOfReferenceUID, d.PositionReferenceIndicator = uid(53), ""
    d.StudyID, d.StudyDate, d.StudyTime = "S8", "20250102", "101112"
    d.AccessionNumber, d.ReferringPhysicianName = "A8", ""
    d.Modality, d.SeriesNumber, d.InstanceNumber = "CT", 1, k + 1
    d.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    d.ImagePositionPatient = [1.5, round(2.5 - 2 * s * k, 9), round(3.5 + 2 * c * k, 9)]
    d.ImageOrientationPatient = [1, 0, 0, 0, c, s]
    d.PixelSpacing, d.SliceThickness = [0.75, 0.5], 2.0
    d.Rows, d.Columns, d.SamplesPerPixel = ROWS, COLUMNS, 1
    d.PhotometricInterpretation = "MONOCHROME2"
    d.BitsAllocated, d.BitsStored, d.HighBit, d.PixelRepresentation = 16, 16, 15, 1
    d.RescaleSlope, d.RescaleIntercept, d.RescaleType = 1, -1024, "HU"
    d.PixelData = np.full((ROWS, COLUMNS), k, "<i2").tobytes()
    return d


def written(dataset):
    out = BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()


def segmentation(images):
    mask = np.zeros((PLANES, ROWS, COLUMNS), np.uint8)
    mask[1, 1:3, 1:3] = 1
    algorithm = hd.AlgorithmIdentificationSequence(
        "organs", codes.DCM.ArtificialIntelligence, "1.0"
    )
    description = hd.seg.SegmentDescription(
        1,
        "Liver",
        codes.SCT.Organ,
        codes.SCT.Liver,
        hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm,
    )
    return hd.seg.Segmentation(
        images, mask, "BINARY", [description], uid(61), 2, uid(62), 1, **MADE_BY
    )


def report(images, segments):
    device = sr.ObserverContext(
        codes.DCM.Device,
        sr.DeviceObserverIdentifyingAttributes(uid(71), name="observer", model_name="m"),
    )
    person = sr.ObserverContext(
        codes.DCM.Person,
        sr.PersonObserverIdentifyingAttributes("Doe^Jane", organization_name="Clinic"),
    )
    volume = sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        sr.TrackingIdentifier(uid(81), "liver"),
        referenced_segment=sr.ReferencedSegment(
            segments.SOPClassUID,
            segments.SOPInstanceUID,
            1,
            source_series=sr.SourceSeriesForSegmentation(uid(52)),
        ),
        finding_type=codes.SCT.Liver,
        finding_category=codes.SCT.AnatomicalStructure,
        finding_sites=[sr.FindingSite(codes.SCT.Abdomen, laterality=codes.SCT.Right)],
        algorithm_id=sr.AlgorithmIdentification("organs", "1.0"),
        measurements=[
            sr.Measurement(codes.SCT.Volume, 1234.0 / 7, codes.UCUM.CubicMillimeter),
            sr.Measurement(
                Code("112031", "DCM", "Attenuation Coefficient"),
                -12.5,
                Code("[hnsf'U]", "UCUM", "Hounsfield unit"),
                derivation=codes.SCT.Mean,
                method=Code("126410", "DCM", "SUV body weight calculation method"),
            ),
        ],
        qualitative_evaluations=[
            sr.QualitativeEvaluation(codes.SCT.Lesion, codes.SCT.Absent)
        ],
    )
    outline = np.array([[1.0, 1.0], [3.0, 1.0], [3.0, 3.0], [1.0, 1.0]])
    planar = sr.PlanarROIMeasurementsAndQualitativeEvaluations(
        sr.TrackingIdentifier(uid(82), "outline"),
        referenced_region=sr.ImageRegion(
            sr.GraphicTypeValues.POLYLINE,
            outline,
            sr.SourceImageForRegion(images[1].SOPClassUID, images[1].SOPInstanceUID),
        ),
        measurements=[
            sr.Measurement(codes.SCT.Area, 3.0, MM2, tracking_identifier=sr.TrackingIdentifier(uid(84), "m"))
        ],
    )
    frame = sr.PlanarROIMeasurementsAndQualitativeEvaluations(
        sr.TrackingIdentifier(uid(83), "frame"),
        referenced_segment=sr.ReferencedSegmentationFrame(
            segments.SOPClassUID,
            segments.SOPInstanceUID,
            1,
            1,
            sr.SourceImageForSegmentation(images[1].SOPClassUID, images[1].SOPInstanceUID),
        ),
        measurements=[sr.Measurement(codes.SCT.Area, 1e-7, MM2)],
    )
    patch = sr.PlanarROIMeasurementsAndQualitativeEvaluations(
        sr.TrackingIdentifier(uid(85), "patch"),
        referenced_region=sr.ImageRegion3D(
            sr.GraphicTypeValues3D.POLYGON,
            np.array([[0, 0, 0], [1.5, 0, 0], [1.5, 2.25, 0], [0, 0, 0]]),
            uid(53),
        ),
        measurements=[sr.Measurement(codes.SCT.LongAxis, 2.5, MM)],
    )
    whole = sr.MeasurementsAndQualitativeEvaluations(
        sr.TrackingIdentifier(uid(86), "whole"),
        source_images=[
            sr.SourceImageForMeasurementGroup(images[0].SOPClassUID, images[0].SOPInstanceUID)
        ],
        measurements=[sr.Measurement(codes.SCT.Diameter, 7.0, MM)],
    )
    content = sr.MeasurementReport(
        sr.ObservationContext(observer_person_context=person, observer_device_context=device),
        codes.LN.CTUnspecifiedBodyRegion,
        [volume, planar, frame, patch, whole],
        referenced_images=images,
    )
    document = sr.Comprehensive3DSR(
        [*images, segments],
        content[0],
        uid(91),
        3,
        uid(92),
        1,
        manufacturer="maker",
        is_final=True,
        is_complete=True,
    )
    return written(document), {
        "groups": [
            ["Volumetric", "liver", [176.28571428571428, -12.5]],
            ["Planar", "outline", [3.0]],
            ["Planar", "frame", [1e-7]],
            ["Planar", "patch", [2.5]],
            ["General", "whole", [7.0]],
        ],
    }


def parametric_map(images, dtype):
    values = np.arange(PLANES * ROWS * COLUMNS).reshape(PLANES, ROWS, COLUMNS)
    whole = np.issubdtype(dtype, np.integer)
    values = values.astype(dtype) if whole else (values / 7).astype(dtype)
    slope, intercept = (0.5, -3.0) if whole else (1.0, 0.0)
    mapping = pm.RealWorldValueMapping(
        "1",
        "diffusion",
        Code("mm2/s", "UCUM", "mm2/s"),
        [0, 1000] if whole else [0.0, 1000.0],
        slope,
        intercept,
        quantity_definition=Code("113041", "DCM", "Apparent Diffusion Coefficient"),
    )
    kind = np.dtype(dtype).name
    made = pm.ParametricMap(
        images,
        values,
        uid(101),
        4,
        uid(102),
        1,
        contains_recognizable_visual_features=False,
        real_world_value_mappings=[mapping],
        voi_lut_transformations=[
            hd.VOILUTTransformation(window_center=100.0, window_width=200.0)
        ],
        content_label="ADC",
        **MADE_BY,
    )
    real = values.astype(np.float64) * slope + intercept
    return written(made), {
        "kind": kind,
        "values": real.ravel().tolist(),
        # highdicom puts frames in another order; their places count.
        "position": [float(v) for v in images[0].ImagePositionPatient],
    }


def presentation(images):
    layers = [pr.GraphicLayer("LINES", 2, description="found"), pr.GraphicLayer("TEXTS", 1)]
    pixel = pr.AnnotationUnitsValues.PIXEL
    ellipse = pr.GraphicObject(
        pr.GraphicTypeValues.ELLIPSE,
        np.array([[0.5, 1.5], [4.5, 1.5], [2.5, 0.5], [2.5, 2.5]]),
        pixel,
        is_filled=True,
    )
    line = pr.GraphicObject(
        pr.GraphicTypeValues.POLYLINE, np.array([[0.5, 0.5], [4.25, 3.75]]), pixel
    )
    box = pr.TextObject(
        "in a box",
        pr.AnnotationUnitsValues.DISPLAY,
        bounding_box=(0.125, 0.25, 0.5, 0.75),
    )
    anchor = pr.TextObject("there", pixel, anchor_point=(1.5, 2.5), anchor_point_visible=True)
    made = pr.GrayscaleSoftcopyPresentationState(
        images,
        uid(111),
        5,
        uid(112),
        1,
        content_label="STATE",
        content_description="lines and texts",
        graphic_annotations=[
            pr.GraphicAnnotation(images[1:2], layers[0], graphic_objects=[ellipse, line]),
            pr.GraphicAnnotation(images, layers[1], text_objects=[box, anchor]),
        ],
        graphic_layers=layers,
        voi_lut_transformations=[
            pr.SoftcopyVOILUTTransformation(
                window_center=[40.0], window_width=[400.0], window_explanation=["soft tissue"]
            )
        ],
        **MADE_BY,
    )
    return written(made), {}


def by_dcmqi(folder, images, segments):
    """The same program that 3D Slicer and the Imaging Data Commons use."""
    for k, image in enumerate(images):
        (folder / f"{k}.dcm").write_bytes(written(image))
    (folder / "seg.dcm").write_bytes(written(segments))
    item = lambda code: {
        "CodeValue": code[0],
        "CodingSchemeDesignator": code[1],
        "CodeMeaning": code[2],
    }
    metadata = {
        "SeriesDescription": "Measurements",
        "SeriesNumber": "1001",
        "InstanceNumber": "1",
        "compositeContext": ["seg.dcm"],
        "imageLibrary": [f"{k}.dcm" for k in range(PLANES)],
        "observerContext": {"ObserverType": "PERSON", "PersonObserverName": "Reader1"},
        "VerificationFlag": "VERIFIED",
        "CompletionFlag": "COMPLETE",
        "activitySession": "1",
        "timePoint": "1",
        "Measurements": [
            {
                "MeasurementGroup": {"TrackingIdentifier": "Measurements group 1"},
                "TrackingIdentifier": "Measurements group 1",
                "ReferencedSegment": 1,
                "SourceSeriesForImageSegmentation": uid(52),
                "segmentationSOPInstanceUID": str(segments.SOPInstanceUID),
                "Finding": item(("10200004", "SCT", "Liver")),
                "FindingSite": item(("113345001", "SCT", "Abdomen")),
                "measurementItems": [
                    {
                        "value": "37.3289",
                        "quantity": item(("112031", "DCM", "Attenuation Coefficient")),
                        "units": item(("[hnsf'U]", "UCUM", "Hounsfield unit")),
                        "derivationModifier": item(("373098007", "SCT", "Mean")),
                    },
                    {
                        "value": "1234.5",
                        "quantity": item(("118565006", "SCT", "Volume")),
                        "units": item(("mm3", "UCUM", "cubic millimeter")),
                    },
                ],
            }
        ],
    }
    (folder / "metadata.json").write_text(json.dumps(metadata))
    programs = Path(os.environ.get("DCMQI", Path(sys.executable).parent))
    subprocess.run(
        [
            programs / "tid1500writer",
            *("--inputImageLibraryDirectory", folder),
            *("--inputCompositeContextDirectory", folder),
            *("--inputMetadata", folder / "metadata.json"),
            *("--outputDICOM", folder / "report.dcm"),
        ],
        check=True,
    )
    groups = [["Volumetric", "Measurements group 1", [37.3289, 1234.5]]]
    return (folder / "report.dcm").read_bytes(), {"groups": groups}


def main(folder):
    import safetensors.numpy

    images = [slice_of_ct(k) for k in range(PLANES)]
    segments = segmentation(images)
    cases = {
        "report highdicom": report(images, segments),
        "map float32": parametric_map(images, np.float32),
        "map float64": parametric_map(images, np.float64),
        "map uint16": parametric_map(images, np.uint16),
        "state highdicom": presentation(images),
    }
    with tempfile.TemporaryDirectory() as scratch:
        cases["report dcmqi"] = by_dcmqi(Path(scratch), images, segments)
    tensors = {}
    for name, (content, expected) in cases.items():
        tensors[f"{name}.file"] = np.frombuffer(content, np.uint8)
        text = json.dumps(expected, sort_keys=True).encode()
        tensors[f"{name}.expected"] = np.frombuffer(text, np.uint8)
        print(name, len(content))
    made_by = {"highdicom": hd.__version__, "pydicom": pydicom.__version__, "dcmqi": "1.5.7"}
    safetensors.numpy.save_file(tensors, folder / "derived.safetensors", {"made_by": json.dumps(made_by)})


if __name__ == "__main__":
    main(Path(__file__).parent)
