"""An event file written by TensorBoard 2.21.0 itself (protobuf 7.36.2, numpy 2.2.6 for the histogram)."""

import struct
import zlib

import numpy as np
from google.protobuf import struct_pb2
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, tensor_shape_pb2
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c
from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2


def png():
    """Three by two grey pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 3, 2, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes([0, 0, 128, 255, 0, 255, 128, 0]), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def histogram():
    values = np.array([0.5, -1.0, 2.25, 2.25, 0.0, 1.0, 3.0], np.float64)
    counts, edges = np.histogram(values, 4)
    return summary_pb2.HistogramProto(
        min=values.min(),
        max=values.max(),
        num=len(values),
        sum=values.sum(),
        sum_squares=values.dot(values),
        bucket_limit=edges[1:],
        bucket=counts,
    )


def plugin(tag, name, content, tensor):
    data = summary_pb2.SummaryMetadata.PluginData(plugin_name=name, content=content)
    return summary_pb2.Summary.Value(
        tag=tag, metadata=summary_pb2.SummaryMetadata(plugin_data=data), tensor=tensor
    )


def hparams(tag, **data):
    content = plugin_data_pb2.HParamsPluginData(**data).SerializeToString(deterministic=True)
    return plugin(tag, "hparams", content, metadata.NULL_TENSOR)


def text(value):
    shape = tensor_shape_pb2.TensorShapeProto(dim=[tensor_shape_pb2.TensorShapeProto.Dim(size=1)])
    return tensor_pb2.TensorProto(dtype=7, tensor_shape=shape, string_val=[value.encode()])


TIME = 1700000000123 / 1000
image = summary_pb2.Summary.Image(height=2, width=3, colorspace=1, encoded_image_string=png())
settings = {
    "epochs": struct_pb2.Value(number_value=20),
    "nesterov": struct_pb2.Value(bool_value=True),
    "network": struct_pb2.Value(string_value="unet"),
}
experiment = api_pb2.Experiment(
    hparam_infos=[
        api_pb2.HParamInfo(name="epochs", type=api_pb2.DATA_TYPE_FLOAT64),
        api_pb2.HParamInfo(name="nesterov", type=api_pb2.DATA_TYPE_BOOL),
        api_pb2.HParamInfo(name="network", type=api_pb2.DATA_TYPE_STRING),
    ],
    metric_infos=[api_pb2.MetricInfo(name=api_pb2.MetricName(tag="score"))],
)
start = plugin_data_pb2.SessionStartInfo(hparams=settings, start_time_secs=TIME)
values = [
    (1, summary_pb2.Summary.Value(tag="train/loss", simple_value=0.1)),
    (300, summary_pb2.Summary.Value(tag="validation/d\u00e9j\u00e0", simple_value=float("nan"))),
    (2**40, summary_pb2.Summary.Value(tag="case 7", image=image)),
    (0, summary_pb2.Summary.Value(tag="scores", histo=histogram())),
    (2, plugin("notes", "text", b"", text("a **good** \u00e9poque"))),
    (2, hparams("_hparams_/experiment", experiment=experiment)),
    (2, hparams("_hparams_/session_start_info", session_start_info=start)),
]
session = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
events = [event_pb2.Event(wall_time=TIME, file_version="brain.Event:2")]
events += [event_pb2.Event(wall_time=TIME, step=s, summary=summary_pb2.Summary(value=[v])) for s, v in values]
events.append(event_pb2.Event(wall_time=TIME, step=12, session_log=session))

with open(__file__.replace(".py", ".tfevents"), "wb") as file:
    for event in events:
        data = event.SerializeToString(deterministic=True)
        length = struct.pack("<Q", len(data))
        file.write(length + struct.pack("<I", masked_crc32c(length)))
        file.write(data + struct.pack("<I", masked_crc32c(data)))
