"""Events of runs, read with TensorBoard itself. The cases are those that the tests of medtrain wrote:

    MED_LOG_OUT=out cargo test --release -p medtrain --test run -- loggers
    python tools/read_back/events.py out        # needs tensorboard 2.21
"""

import struct

import cases
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata, plugin_data_pb2


def points(found, expected):
    """Differences of curves."""
    for tag, wanted in expected.items():
        curve = [(event.step, event.value) for event in found.Scalars(tag)]
        # Numbers of 32 bits, NaN among them.
        wanted = [(step, struct.unpack("f", struct.pack("f", float(value)))[0]) for step, value in wanted]
        if str(curve) != str(wanted):
            yield f"{tag}: {curve}, expected {wanted}"


def steps_of(found, expected):
    for tag, wanted in expected:
        steps = [event.step for event in found.Scalars(tag)]
        if steps != wanted:
            yield f"{tag} at {steps}, expected {wanted}"


def shown(found, expected):
    """Differences of pictures, histograms and texts."""
    for tag, wanted in expected.get("images", {}).items():
        images = found.Images(tag)
        if [image.step for image in images] != wanted:
            yield f"{tag} at {[image.step for image in images]}"
        for image in images:
            png = image.encoded_image_string
            size = list(struct.unpack(">II", png[16:24]))
            if not size == [image.width, image.height] == expected["image_size"]:
                yield f"{tag} of {size}, said to be {image.width} x {image.height}"
    for tag, wanted in expected.get("histograms", {}).items():
        histograms = found.Histograms(tag)
        if [histogram.step for histogram in histograms] != wanted:
            yield f"{tag} at {[histogram.step for histogram in histograms]}"
        for histogram in histograms:
            value = histogram.histogram_value
            if not sum(value.bucket) == value.num == expected["histogram_count"]:
                yield f"{tag} holds {value.num} values, {sum(value.bucket)} in buckets"
    for tag, wanted in expected.get("texts", {}).items():
        texts = [[event.step, event.tensor_proto.string_val[0].decode()] for event in found.Tensors(tag)]
        if texts != wanted:
            yield f"{tag}: {texts}, expected {wanted}"


def table(found, expected):
    """Differences of what the table of settings shows."""
    kept = found.SummaryMetadata(metadata.SESSION_START_INFO_TAG).plugin_data.content
    start = plugin_data_pb2.HParamsPluginData.FromString(kept).session_start_info
    for name, wanted in expected["settings"].items():
        value = start.hparams[name]
        if getattr(value, value.WhichOneof("kind") or "", None) != wanted:
            yield f"setting {name} is {value}, expected {wanted}"
    kept = found.SummaryMetadata(metadata.SESSION_END_INFO_TAG).plugin_data.content
    status = plugin_data_pb2.HParamsPluginData.FromString(kept).session_end_info.status
    if status != expected["status"]:
        yield f"status {status}, expected {expected['status']}"
    tags = found.SummaryMetadata(metadata.EXPERIMENT_TAG).plugin_data.content
    experiment = plugin_data_pb2.HParamsPluginData.FromString(tags).experiment
    if [info.name.tag for info in experiment.metric_infos] != ["score", "train/loss"]:
        yield f"compared by {experiment.metric_infos}"
    if found.Tensors("environment")[0].tensor_proto.string_val[0].find(b"medtrain") < 0:
        yield "the environment is not told"


def events(folder, expected):
    found = EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 0, "tensors": 0, "histograms": 0})
    found.Reload()
    yield from points(found, expected["scalars"])
    yield from steps_of(found, expected.get("steps", []))
    yield from shown(found, expected)
    yield from table(found, expected)


if __name__ == "__main__":
    cases.compare(("tensorboard-*", events))
