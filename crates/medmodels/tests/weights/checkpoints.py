"""Checkpoints of every kind that PyTorch writes, and their tensors as safetensors.

Made with torch 2.15 and safetensors; `python checkpoints.py` beside this file makes them again.
"""
import collections
import pathlib
import sys
import zipfile

import numpy
import torch
from safetensors.torch import save_file

here = pathlib.Path(__file__).parent
folder = here / "checkpoints"
folder.mkdir(exist_ok=True)
generator = torch.Generator().manual_seed(20261122)
values = torch.randn(6, 10, generator=generator)

state = collections.OrderedDict()
for kind in "float64 float32 float16 bfloat16 int64 int32 int16 int8".split():
    state[kind] = (values * 20).to(getattr(torch, kind))
state["uint8"] = (values.abs() * 20).to(torch.uint8)
state["bool"] = values > 0
state["transposed"] = values.t()
state["steps"] = values[1:5:2, 2:8:3]
state["row"], state["next_row"] = values[0], values[1]
state["channels_last"] = torch.randn(2, 3, 4, 5, generator=generator).to(memory_format=torch.channels_last)
state["scalar"] = torch.tensor(7)
state["empty"] = torch.zeros(0, 3)
state["expanded"] = torch.arange(4.0)[None].expand(1, 4)
state["parameter"] = torch.nn.Parameter(values[:2].clone())


def save(name, value, **options):
    torch.save(value, folder / name, **options)


for protocol in (2, 3, 4, 5):
    save(f"archive_{protocol}.pth", state, pickle_protocol=protocol)
    save(f"legacy_{protocol}.pth", state, pickle_protocol=protocol, _use_new_zipfile_serialization=False)
save("nested.pth", {"epoch": 3, "state_dict": state, "optimizer": {"state": {0: {"momentum": values}}}, "args": None})
save("nnunet.pth", {
    "network_weights": state, "trainer_name": "nnUNetTrainer", "init_args": {"fold": 0, "device": torch.device("cuda")},
    "logging": {"dice": [numpy.float64(0.5), numpy.float32(0.25)]}, "inference_allowed_mirroring_axes": (0, 1, 2),
})


class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(1, 2, 3)
        self.norm = torch.nn.BatchNorm2d(2)
        self.head = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU())
        self.register_buffer("grid", torch.ones(2), persistent=False)

    def forward(self, image):
        return self.head(self.norm(self.conv(image)).mean((2, 3)))


sys.modules["__main__"].Network = Network
torch.manual_seed(1)
network, averaged = Network().half(), Network().half()
save("module.pt", {"model": network, "ema": averaged, "epoch": -1})
def no_source(*arguments, **options):
    """The old format keeps the source of modules and where it lay, which is nobody's business."""
    raise OSError


torch.serialization.get_source_lines_and_file = no_source
save("module_legacy.pt", {"model": network, "ema": None, "epoch": -1}, _use_new_zipfile_serialization=False)
script = torch.jit.script(Network().eval())
torch.jit.save(script, str(folder / "script.pt"))
with zipfile.ZipFile(folder / "script.pt") as source:
    records = [(record, source.read(record)) for record in source.infolist() if "debug" not in record.filename]
with zipfile.ZipFile(folder / "script.pt", "w") as target:
    for record, data in records:
        target.writestr(record.filename, data, record.compress_type)

# The byte order is a record of its own: the same archive with every number the other way round.
with zipfile.ZipFile(folder / "archive_2.pth") as source, zipfile.ZipFile(folder / "big_endian.pth", "w") as target:
    storages = {}
    for tensor in state.values():
        storages.setdefault(tensor.untyped_storage().data_ptr(), tensor.element_size())
    order = list(storages.values())
    for name in source.namelist():
        data = source.read(name)
        if name.endswith("byteorder"):
            data = b"big"
        elif "/data/" in name:
            size = order[int(name.rsplit("/", 1)[1])]
            data = b"".join(data[i:i + size][::-1] for i in range(0, len(data), size))
        target.writestr(name, data)

tensors = {name: tensor.detach().contiguous().clone() for name, tensor in state.items()}
for prefix, module in (("model", network), ("ema", averaged), ("script", script)):
    for name, tensor in module.state_dict().items():
        tensors[f"{prefix}/{name}"] = tensor.detach().contiguous().clone()
save_file(tensors, here / "checkpoints.safetensors")
